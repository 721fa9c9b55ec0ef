"""Reads the ledger of a tape, which lists every flush; every read is planned from it."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from msgspec import Struct, field

from booktape.certificate import CERTIFICATES, DAILY, Certificate
from booktape.errors import NotATape, StoreError, TapeError, UnknownExchange
from booktape.flush import (
    Flush,
    decode_flush,
    find_certificate,
    join_flushes,
    make_certified_flush,
)
from booktape.keys import LEDGER, TAPE, Key, day_of, parse_key
from booktape.store.protocol import Store

FETCHES_MAX: Final = 16  # requests to a store at once
_ITEM = TypeVar("_ITEM")
_RESULT = TypeVar("_RESULT")


class _Day(Struct):
    """The listing of one date of one exchange."""

    keys: dict[str, list[Key]]  # session -> its manifests, by their first event number
    certificate: Certificate | None = None
    segments: dict[str, set[str]] = field(default_factory=dict)  # table -> keys in the store
    is_warned: bool = False


class Ledger:
    """Lists and reads the manifests of a tape when first needed, and remembers them.

    Its dates are those of its opening; a later ledger sees the dates that a writer adds. A
    certificate of a date replaces the date's manifests, in one object.
    """

    def __init__(
        self, store: Store, url: str, *, certified: bool = True, is_joined: bool = False
    ) -> None:
        """List exchanges and dates; raise `NotATape` without any.

        Without `certified`, ignore certificates. With `is_joined`, join the adjacent flushes of a
        session on a certified day, for a reader of all rows.
        """
        self._is_joined = is_joined
        self.is_far = url.startswith("s3://")  # a request takes longer than reading its answer
        self._store = store
        self._days: dict[tuple[str, str], _Day] = {}
        self._flushes: dict[Key, Flush] = {}
        self._certified: dict[str, tuple[str, ...]] = {}
        roots = [LEDGER, *([CERTIFICATES] if certified else [])]
        self._dates, *others = self.gather(self._find_dates, roots)
        if not self._dates:
            raise NotATape(f"nothing is recorded at {url}: {LEDGER} has no exchange")
        if certified:
            (self._certified,) = others
            for name, dates in self._certified.items():
                # A lifecycle rule may have removed manifests; a certificate has their facts.
                self._dates[name] = tuple(sorted({*self._dates.get(name, ()), *dates}))

    @property
    def exchanges(self) -> list[str]:
        """Return the exchanges with at least one date."""
        return [name for name, dates in self._dates.items() if dates]

    def dates(self, exchange: str) -> tuple[str, ...]:
        """Return the dates of an exchange, in order; raise `UnknownExchange` without any."""
        if not self._dates.get(exchange):
            raise UnknownExchange(exchange, self.exchanges)
        return self._dates[exchange]

    def sessions(self, exchange: str, date: str) -> dict[str, list[Key]]:
        """Return the manifests of each session of a date, by their first event number."""
        return self._day(exchange, date).keys

    def list_days(self, exchange: str, dates: Sequence[str]) -> None:
        """List dates at once, the latest first.

        A writer may store flushes meanwhile. In this order the ledger never has a later flush of a
        session without the earlier ones.
        """
        missing = [date for date in dates if (exchange, date) not in self._days]
        self.gather(lambda date: self._day(exchange, date), missing[::-1])

    def read(self, keys: Sequence[Key]) -> list[Flush]:
        """Return the flushes of these manifests."""
        missing = [key for key in keys if key not in self._flushes]
        for key, data in zip(missing, self.gather(self._get, missing), strict=True):
            self._flushes[key] = decode_flush(key, data)
        return [self._flushes[key] for key in keys]

    def day(self, exchange: str, date: str) -> list[Flush]:
        """Return every flush of a date, by session and event number."""
        sessions = self.sessions(exchange, date)
        keys = [key for session in sorted(sessions) for key in sessions[session]]
        return [flush for flush in self.read(keys) if self.is_there(flush)]

    def day_in_order(self, exchange: str, date: str) -> list[Flush]:
        """Return the flushes of a date for a reader of all symbols by event number.

        Prefer segments, which have a flush each, while the store has them. A day's files are
        sorted by symbol, so join adjacent flushes of a session to read them.
        """
        flushes = self.day(exchange, date)
        certificate = self._day(exchange, date).certificate
        if certificate is None:
            return flushes
        keys = [Key(None, exchange, date, f.session, f.first, f.last) for f in flushes]
        try:
            stored = self.gather(self._get, keys)
        except StoreError:  # a lifecycle rule has removed them
            return join_flushes(flushes)
        live = [decode_flush(key, data) for key, data in zip(keys, stored, strict=True)]
        tables = sorted({table for flush in live for table in flush.tables})
        there = set().union(*self.gather(lambda table: self._list(table, live[0]), tables))
        keys_named = {entry.key for flush in live for entry in flush.tables.values()}
        return live if keys_named <= there else join_flushes(flushes)

    def certificate(self, exchange: str, date: str) -> Certificate | None:
        """Return the certificate of a date, or None."""
        return self._day(exchange, date).certificate

    def newest_first(self, exchange: str, date: str) -> Iterator[Flush]:
        """Yield the flushes of a date, each session's last ones first; read two at once."""
        for _, keys in sorted(self.sessions(exchange, date).items(), reverse=True):
            for end in range(len(keys), 0, -2):
                for flush in reversed(self.read(keys[max(end - 2, 0) : end])):
                    if self.is_there(flush):
                        yield flush

    def find_bounds(self, exchanges: Sequence[str]) -> tuple[int, int]:
        """Return the receive time of the first row, and the first moment after the last row."""
        edges = [(name, self.dates(name)) for name in exchanges]
        first = [flush for name, dates in edges for flush in self.day(name, dates[0])]
        last = [flush for name, dates in edges for flush in self.day(name, dates[-1])]
        start = min((flush.ts_min() for flush in first), default=0)
        return start, max((flush.ts_max() + 1 for flush in last), default=start)

    def gather(self, work: Callable[[_ITEM], _RESULT], items: Sequence[_ITEM]) -> list[_RESULT]:
        """Do the work for each item, several at once if each is a request; return the results."""
        if not self.is_far or len(items) < 2:  # noqa: PLR2004 (a thread for one would only cost)
            return [work(item) for item in items]
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (with all of logging)

        with ThreadPoolExecutor(min(FETCHES_MAX, len(items))) as pool:
            return list(pool.map(work, items))

    def _find_dates(self, root: str) -> dict[str, tuple[str, ...]]:
        names = _find_values(self._store.folders(f"{root}exchange="))
        dates = self.gather(lambda name: self._store.folders(f"{root}exchange={name}/date="), names)
        return {
            name: tuple(date for date in _find_values(found) if _is_date(date))
            for name, found in zip(names, dates, strict=True)
        }

    def _day(self, exchange: str, date: str) -> _Day:
        place = exchange, date
        if place not in self._days:
            keys: dict[str, list[Key]] = {}
            for info in self._store.list(f"{LEDGER}exchange={exchange}/date={date}/"):
                try:
                    key = parse_key(info.key)
                except TapeError:  # an object of somebody else
                    continue
                keys.setdefault(key.session, []).append(key)
            for found in keys.values():
                found.sort(key=lambda key: (key.first, key.last))
            day = _Day(keys)
            if date in self._certified.get(exchange, ()):
                self._certify(day, exchange, date)
            self._days[place] = day
        return self._days[place]

    def _certify(self, day: _Day, exchange: str, date: str) -> None:
        """Use the certificate in place of the manifests, if it stands for the day."""
        certificate = find_certificate(self._store, exchange, date)
        if certificate is None:
            return
        named = {
            Key(None, exchange, date, manifest.session, manifest.first, manifest.last)
            for manifest in certificate.manifests
        }
        if all(key in named for found in day.keys.values() for key in found):
            found = [make_certified_flush(certificate, one) for one in certificate.manifests]
            flushes = {
                Key(None, exchange, date, flush.session, flush.first, flush.last): flush
                for flush in (join_flushes(found) if self._is_joined else found)
            }
            day.certificate = certificate
            day.keys.clear()
            for key in flushes:  # by session and event number, as a certificate has them
                day.keys.setdefault(key.session, []).append(key)
            self._flushes |= flushes

    def _get(self, key: Key) -> bytes:
        return self._store.get(key.text)

    def is_there(self, flush: Flush) -> bool:
        """Return whether the store has each segment; a lifecycle rule may remove them first."""
        day = self._day(flush.exchange, flush.date)
        missing = [name for name in flush.tables if name not in day.segments]
        for name, found in zip(
            missing, self.gather(lambda name: self._list(name, flush), missing), strict=True
        ):
            day.segments[name] = found
        sources = {name: flush.source(name).key for name in flush.tables}
        gone = [key for name, key in sources.items() if key not in day.segments[name]]
        if gone and not day.is_warned:
            day.is_warned = True
            warnings.warn(
                f"{flush.exchange} {flush.date}: objects that the ledger names are gone and "
                f"skipped, such as {gone[0]}",
                stacklevel=2,
            )
        return not gone

    def _list(self, table: str, flush: Flush) -> set[str]:
        root = TAPE if flush.certificate is None else DAILY
        prefix = f"{root}{table}/exchange={flush.exchange}/date={flush.date}/"
        return {info.key for info in self._store.list(prefix)}


def _find_values(names: Iterable[str]) -> list[str]:
    return [name for name in names if name]


def _is_date(text: str) -> bool:
    try:
        day_of(text)
    except TapeError:
        return False
    return True
