"""Finds days to certify, and plans the next revision of each."""

from collections.abc import Sequence
from typing import Final

import msgspec
import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet

from booktape.books.recorded import Recorded
from booktape.certificate import Certificate, daily_key
from booktape.certify.daily_file import MANIFESTS_KEY
from booktape.errors import UNDECODABLE, TapeError
from booktape.flush import Flush, find_certificate
from booktape.keys import TABLES, Key, day_of
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.store.protocol import Store
from booktape.tables import FOOTER_END_BYTES

SETTLED_AFTER_S: Final = 15 * 60  # after midnight
_DAY_S: Final = 86_400
_NS: Final = 1_000_000_000


class NotOver(TapeError):
    """Name the reason why a day cannot be certified yet."""


class DayPlan(Struct, frozen=True):
    """The next revision of a day: the manifests that it adds to those of the earlier ones."""

    exchange: str
    date: str
    revision: int
    earlier: Certificate | None
    flushes: list[Flush]  # by session and event number


class Days:
    """The days of a tape, found by its segments and their manifests."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        """Take a ledger that reads no certificates."""
        self._store = store
        self._ledger = ledger
        self._segments = Segments(store)

    @property
    def exchanges(self) -> list[str]:
        """Return the exchanges of the tape."""
        return self._ledger.exchanges

    def dates(self, exchange: str) -> Sequence[str]:
        """Return the dates of an exchange, the oldest first."""
        return self._ledger.dates(exchange)

    def plan(self, exchange: str, date: str, *, clock_ns: int | None) -> DayPlan | None:
        """Return the next revision of a day; `None` if the day's certificate stands.

        Raise `NotOver` if the day has no rows, or if more may come. With `clock_ns` `None` no more
        rows will come.
        """
        dates = self._ledger.dates(exchange)
        if date not in dates:
            raise NotOver(f"{exchange} has nothing of {date}; it has {dates[0]} to {dates[-1]}")
        self._ledger.list_days(exchange, [other for other in dates if other >= date])
        sessions = self._ledger.sessions(exchange, date)
        certificate = find_certificate(self._store, exchange, date)
        named = set()
        if certificate is not None:
            named = {(m.session, m.first, m.last) for m in certificate.manifests}
        keys = [
            key
            for session in sorted(sessions)
            for key in sessions[session]
            if (key.session, key.first, key.last) not in named
        ]
        if not keys:
            return None
        if clock_ns is not None:
            self._check_over(exchange, date, sorted({key.session for key in keys}), clock_ns)
        revision = 0 if certificate is None else certificate.revision + 1
        keys = self._keep_begun(keys, (exchange, date, revision))
        flushes = self._ledger.read(keys)
        gone = [flush for flush in flushes if not self._ledger.is_there(flush)]
        if gone:
            raise TapeError(
                f"{exchange} {date}: segments of {gone[0].session} from event {gone[0].first} on "
                "are gone, and no certificate has their rows"
            )
        return DayPlan(exchange, date, revision, certificate, flushes)

    def _check_over(self, exchange: str, date: str, sessions: Sequence[str], clock_ns: int) -> None:
        """Raise `NotOver` if rows of the day may still come."""
        over_s = (day_of(date) + 1) * _DAY_S + SETTLED_AFTER_S
        if clock_ns < over_s * _NS:
            raise NotOver(f"{exchange} {date} is not over before 00:15 UTC of the next day")
        dates = self._ledger.dates(exchange)
        later = [other for other in dates if other > date]
        for session in sessions:
            if any(session in self._ledger.sessions(exchange, other) for other in later):
                continue
            recorded = Recorded(self._ledger, self._segments, exchange, session)
            place = dates.index(date)
            recorded.list_dates(place, place + 1)
            if recorded.find_end_row() is None:
                raise NotOver(
                    f"{exchange} {date} is not over: {session} has not ended, and has nothing of a "
                    "later day"
                )

    def _keep_begun(self, keys: list[Key], place: tuple[str, str, int]) -> list[Key]:
        """Return the manifests with which an interrupted certifier began, or all.

        The objects that it put stay as they are. Later manifests go into the next revision.
        """
        for table in TABLES:
            key = daily_key(table, *place)
            info = self._store.head(key)
            if info is None:
                continue
            begun = self._read_begun(key, info.bytes)
            by_name = {name_manifest(one): one for one in keys}
            if not begun or not set(begun) <= by_name.keys():
                raise TapeError(f"{key} rests on manifests that are gone; set it aside")
            return [by_name[name] for name in begun]
        return keys

    def _read_begun(self, key: str, size: int) -> list[str]:
        end = self._store.get_range(key, size - FOOTER_END_BYTES, FOOTER_END_BYTES)
        length = int.from_bytes(end[:4], "little") + FOOTER_END_BYTES
        try:
            footer = self._store.get_range(key, size - length, length)
            metadata = parquet.read_metadata(pa.BufferReader(footer)).metadata or {}
            return msgspec.json.decode(metadata.get(MANIFESTS_KEY, b"[]"), type=list[str])
        except (pa.ArrowException, OSError, *UNDECODABLE) as error:
            raise TapeError(f"{key} is no file of a day: {error}; set it aside") from None


def name_manifest(one: Key | Flush) -> str:
    """Return the name of a manifest within its day."""
    return f"{one.session}-{one.first:012}-{one.last:012}"
