"""The ledger of a tape: which flushes there are, the plan of every read."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, field

from booktape.errors import (
    UNDECODABLE,
    DamagedSegment,
    NewerSchema,
    NotATape,
    TapeError,
    UnknownExchange,
)
from booktape.keys import LEDGER, TAPE, Key, day_of, parse_key
from booktape.manifest import MANIFEST_VERSION, Manifest, TableEntry, decode_manifest
from booktape.store.protocol import Store

FETCHES_MAX: Final = 16  # requests to a store at once
NS_OF_US: Final = 1000  # a manifest counts in ns
_ITEM = TypeVar("_ITEM")
_RESULT = TypeVar("_RESULT")


class Flush(Struct, frozen=True):
    """What a reader sees of one manifest: a range of a session's events and its segments."""

    exchange: str
    date: str
    session: str
    line: str
    first: int
    last: int
    version: int
    tables: dict[str, TableEntry]

    def ts_max(self) -> int:
        """Return when the latest of its rows was received, in µs as the tables have it."""
        return max(self.ts_max_of(table) for table in self.tables)

    def ts_min(self) -> int:
        """Return when the earliest of its rows was received, in µs."""
        return min(entry.ts_recv_min for entry in self.tables.values()) // NS_OF_US

    def ts_max_of(self, table: str) -> int:
        """Return when the latest row of one table was received, in µs."""
        return self.tables[table].ts_recv_max // NS_OF_US


class _Day(Struct):
    """What is listed of one date of one exchange."""

    keys: dict[str, list[Key]]  # session -> its manifests, by their first event number
    segments: dict[str, set[str]] = field(default_factory=dict)  # table -> keys that are there
    is_warned: bool = False


class Ledger:
    """Every manifest of a tape, listed and read when first needed, and remembered.

    The dates are those of when it was opened: what a writer adds later is seen by a later one.
    """

    def __init__(self, store: Store, url: str) -> None:
        """List exchanges and dates; `NotATape` where there are none."""
        self.is_far = url.startswith("s3://")  # a request takes longer than reading its answer
        self._store = store
        self._days: dict[tuple[str, str], _Day] = {}
        self._flushes: dict[Key, Flush] = {}
        names = _find_values(store.folders(f"{LEDGER}exchange="))
        if not names:
            raise NotATape(f"nothing is recorded at {url}: {LEDGER} has no exchange")
        dates = self.gather(lambda name: store.folders(f"{LEDGER}exchange={name}/date="), names)
        self._dates = {
            name: tuple(date for date in _find_values(found) if _is_date(date))
            for name, found in zip(names, dates, strict=True)
        }

    @property
    def exchanges(self) -> list[str]:
        """Return the exchanges that have a date."""
        return [name for name, dates in self._dates.items() if dates]

    def dates(self, exchange: str) -> tuple[str, ...]:
        """Return the dates of an exchange, in order; `UnknownExchange` where it has none."""
        if not self._dates.get(exchange):
            raise UnknownExchange(exchange, self.exchanges)
        return self._dates[exchange]

    def sessions(self, exchange: str, date: str) -> dict[str, list[Key]]:
        """Return the manifests of each session of a date, by their first event number."""
        return self._day(exchange, date).keys

    def list_days(self, exchange: str, dates: Sequence[str]) -> None:
        """List dates at once, the latest first.

        A writer may store meanwhile: what an earlier date gains after it was listed is then known
        to be missing by what a later one does not have.
        """
        missing = [date for date in dates if (exchange, date) not in self._days]
        self.gather(lambda date: self._day(exchange, date), missing[::-1])

    def read(self, keys: Sequence[Key]) -> list[Flush]:
        """Return what the manifests of these keys say."""
        missing = [key for key in keys if key not in self._flushes]
        for key, data in zip(missing, self.gather(self._get, missing), strict=True):
            self._flushes[key] = decode_flush(key, data)
        return [self._flushes[key] for key in keys]

    def day(self, exchange: str, date: str) -> list[Flush]:
        """Return every flush of a date, by session and event number."""
        sessions = self.sessions(exchange, date)
        keys = [key for session in sorted(sessions) for key in sessions[session]]
        return [flush for flush in self.read(keys) if self.is_there(flush)]

    def newest_first(self, exchange: str, date: str) -> Iterator[Flush]:
        """Yield the flushes of a date, each session's last ones first, each read when drawn."""
        for _, keys in sorted(self.sessions(exchange, date).items(), reverse=True):
            for key in reversed(keys):
                (flush,) = self.read([key])
                if self.is_there(flush):
                    yield flush

    def find_bounds(self, exchanges: Sequence[str]) -> tuple[int, int]:
        """Return when the first row was received, and the first moment behind the last one."""
        edges = [(name, self.dates(name)) for name in exchanges]
        first = [flush for name, dates in edges for flush in self.day(name, dates[0])]
        last = [flush for name, dates in edges for flush in self.day(name, dates[-1])]
        start = min((flush.ts_min() for flush in first), default=0)
        return start, max((flush.ts_max() + 1 for flush in last), default=start)

    def gather(self, work: Callable[[_ITEM], _RESULT], items: Sequence[_ITEM]) -> list[_RESULT]:
        """Return the results of work, in order; several at once where each is a request."""
        if not self.is_far or len(items) < 2:  # noqa: PLR2004 (a thread for one would only cost)
            return [work(item) for item in items]
        with ThreadPoolExecutor(min(FETCHES_MAX, len(items))) as pool:
            return list(pool.map(work, items))

    def _day(self, exchange: str, date: str) -> _Day:
        place = exchange, date
        if place not in self._days:
            keys: dict[str, list[Key]] = {}
            for info in self._store.list(f"{LEDGER}exchange={exchange}/date={date}/"):
                try:
                    key = parse_key(info.key)
                except TapeError:  # somebody else's object
                    continue
                keys.setdefault(key.session, []).append(key)
            for found in keys.values():
                found.sort(key=lambda key: (key.first, key.last))
            self._days[place] = _Day(keys)
        return self._days[place]

    def _get(self, key: Key) -> bytes:
        return self._store.get(key.text)

    def is_there(self, flush: Flush) -> bool:
        """Return whether each segment is there; a manifest outlives them where a rule says so."""
        day = self._day(flush.exchange, flush.date)
        missing = [name for name in flush.tables if name not in day.segments]
        for name, found in zip(
            missing, self.gather(lambda name: self._list(name, flush), missing), strict=True
        ):
            day.segments[name] = found
        gone = [
            entry.key for name, entry in flush.tables.items() if entry.key not in day.segments[name]
        ]
        if gone and not day.is_warned:
            day.is_warned = True
            warnings.warn(
                f"{flush.exchange} {flush.date}: objects that the ledger names are gone and "
                f"skipped, such as {gone[0]}",
                stacklevel=2,
            )
        return not gone

    def _list(self, table: str, flush: Flush) -> set[str]:
        prefix = f"{TAPE}{table}/exchange={flush.exchange}/date={flush.date}/"
        return {info.key for info in self._store.list(prefix)}


class _Version(Struct):
    version: int


_version_decoder = msgspec.json.Decoder(_Version)


def decode_flush(key: Key, data: bytes) -> Flush:
    """Return a manifest as a flush; raise where it is of a newer release, or is damaged."""
    try:
        version = _version_decoder.decode(data).version
    except UNDECODABLE as error:
        raise DamagedSegment(key.text, f"it is no manifest: {error}") from None
    if version > MANIFEST_VERSION:
        raise NewerSchema(key.text, version)
    try:
        manifest = decode_manifest(data)
    except TapeError as error:
        raise DamagedSegment(key.text, str(error)) from None
    said = manifest.exchange, manifest.session, manifest.first, manifest.last
    if said != (key.exchange, key.session, key.first, key.last):
        raise DamagedSegment(key.text, "it is of other events than its key")
    return Flush(
        key.exchange,
        key.date,
        key.session,
        manifest.line,
        key.first,
        key.last,
        manifest.version,
        _find_entries(key, manifest),
    )


def _find_entries(key: Key, manifest: Manifest) -> dict[str, TableEntry]:
    entries = {}
    for name, found in manifest.tables.items():
        wanted = msgspec.structs.replace(key, table=name).text
        if [entry.key for entry in found] != [wanted]:
            raise DamagedSegment(key.text, f"it names another object for {name}")
        entries[name] = found[0]
    if not entries:
        raise DamagedSegment(key.text, "it names no segment")
    return entries


def _find_values(names: Iterable[str]) -> list[str]:
    return [name for name in names if name]


def _is_date(text: str) -> bool:
    try:
        day_of(text)
    except TapeError:
        return False
    return True
