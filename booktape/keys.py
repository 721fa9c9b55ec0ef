"""Makes and parses the keys of a tape's objects, with their sessions and dates."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from msgspec import Struct

from booktape.errors import TapeError

TABLES: Final = ("book", "trades", "ticker", "instruments", "feed_events")
TAPE, LEDGER = "tape/", "ledger/"  # the prefixes of the keys of segments and of manifests
SESSIONS_REMEMBERED_MAX: Final = 1000

_SESSION = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-([a-z0-9_]+)-([a-z0-9_]+)", re.ASCII)
_KEY = re.compile(
    r"(?:tape/(?P<table>[a-z_]+)|ledger)/exchange=(?P<exchange>[a-z0-9_]+)/date=(?P<date>[\d-]+)/"
    r"(?P<session>[^/]+)-(?P<first>\d{12,18})-(?P<last>\d{12,18})\.(?:parquet|json)",
    re.ASCII,
)
_EPOCH: Final = date(1970, 1, 1)


class Key(Struct, frozen=True):
    """The parts of a segment's key, or of a manifest's (`table` is `None`)."""

    table: str | None
    exchange: str
    date: str
    session: str
    first: int
    last: int

    @property
    def text(self) -> str:
        """Return the key itself."""
        place = self.exchange, self.date, self.session, self.first, self.last
        return manifest_key(*place) if self.table is None else segment_key(self.table, *place)


def segment_key(  # noqa: PLR0917 (the parts of a key, in their order)
    table: str, exchange: str, date: str, session: str, first: int, last: int
) -> str:
    """Return the key of one table of a manifest."""
    key = manifest_key(exchange, date, session, first, last)
    return f"{TAPE}{table}/{key.removeprefix(LEDGER).removesuffix('.json')}.parquet"


def manifest_key(exchange: str, date: str, session: str, first: int, last: int) -> str:
    """Return the key of a manifest; `date` is the UTC date of `ts_recv`, both numbers inclusive."""
    return f"{LEDGER}exchange={exchange}/date={date}/{session}-{first:012}-{last:012}.json"


def parse_key(key: str) -> Key:
    """Return the parts of a key; raise `TapeError` unless we would make exactly this key."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise TapeError(f"{key} is no object of a tape")
    table, exchange, date_, session = match.group("table", "exchange", "date", "session")
    parsed = Key(table, exchange, date_, session, int(match["first"]), int(match["last"]))
    day_of(date_)
    is_known = table is None or table in TABLES
    is_sound = exchange_of(session) == exchange and parsed.first <= parsed.last
    if not is_known or not is_sound or parsed.text != key:
        raise TapeError(f"{key} is no object of a tape")
    return parsed


def exchange_of(session: str) -> str:
    """Return the exchange that a session id names."""
    return _parse_session(session)[0]


def line_of(session: str) -> str:
    """Return the line that a session id names."""
    return _parse_session(session)[1]


def are_of_one_line(session: str, other: str) -> bool:
    """Return whether two sessions are of one line of one exchange."""
    return _parse_session(session) == _parse_session(other)


@lru_cache(maxsize=SESSIONS_REMEMBERED_MAX)  # the writer asks for each frame
def _parse_session(session: str) -> tuple[str, str]:
    match = _SESSION.fullmatch(session)
    try:
        start, exchange, line = match.groups() if match else ("", "", "")
        datetime.fromisoformat(start)  # not strptime, which loads a whole locale first
    except ValueError:
        raise TapeError(f"{session!r} is no session id") from None
    return exchange, line


def date_of(day: int) -> str:
    """Return the date, as keys have it, of a day counted from 1970-01-01."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def day_of(date_: str) -> int:
    """Return the day, counted from 1970-01-01, of a date; `TapeError` if it is none."""
    try:
        day = (date.fromisoformat(date_) - _EPOCH).days
    except ValueError:
        raise TapeError(f"{date_!r} is no date") from None
    if date_of(day) != date_:  # fromisoformat also reads 20261122 and weeks
        raise TapeError(f"{date_!r} is no date")
    return day
