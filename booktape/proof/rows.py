"""Checks the rows of one manifest, and names the first event that breaks a rule."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.errors import TapeError
from booktape.keys import Key, day_of
from booktape.manifest import TableEntry
from booktape.proof.findings import NotedRow
from booktape.proof.footers import read_table

_DAY_US: Final = 86_400_000_000
# A symbol's place and, below it, the event number make one number that gives the order of rows.
_NUMBER_BITS: Final = 40
_INT64: Final = pa.int64()
_NONE: Final = pa.scalar(-(1 << 63), _INT64)  # stands for null in comparisons of rows
_OF_EVENT: Final = (
    *("ts_recv", "ts_event", "sequence", "previous"),
    *("epoch", "is_snapshot", "is_checkpoint"),
)
_SIDES: Final = {"book": {"bid", "ask"}, "trades": {"buy", "sell"}}
_REPORTED: Final = (
    *("session_start", "gap", "journal_hole", "disconnected"),
    *("stale", "disk_full", "session_end"),
)


class Broken(TapeError):
    """Make the verification report these events as the first that break a rule."""

    def __init__(self, reason: str, first: int, last: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.first = first
        self.last = last


class Events(Struct, frozen=True):
    """One table's events, without their levels, in the order of the rows."""

    columns: pa.RecordBatch
    numbers: pa.Array
    places: pa.Array  # of each event's symbol in `names`; one beyond them without a symbol
    names: list[str]

    def symbol(self, row: int) -> str:
        """Return the symbol of one event."""
        return str(self.names[self.places[row].as_py()])

    def between(self, first: int, last: int) -> "Events":
        """Return the events of a range, both ends included."""
        mask = pc.and_(pc.greater_equal(self.numbers, first), pc.less_equal(self.numbers, last))
        return Events(
            self.columns.filter(mask),
            self.numbers.filter(mask),
            self.places.filter(mask),
            self.names,
        )


def read_events(name: str, data: bytes, key: Key, entry: TableEntry, version: int) -> Events:
    """Return the events of a segment; raise `Broken` if its rows break a rule.

    `version` is that of its manifest.
    """
    try:
        table = read_table(name, data, entry, version)
    except TapeError as error:
        raise Broken(str(error), *_range(key)) from None
    numbers = table["event_number"].combine_chunks()
    is_outside = pc.or_(pc.less(numbers, key.first), pc.greater(numbers, key.last))
    _refuse(is_outside, numbers, f"{name} has an event outside of the manifest's range")
    names, places = _rank_symbols(table["symbol"])
    order = pc.add(pc.shift_left(places, _NUMBER_BITS), pc.subtract(numbers, key.first))
    steps = pc.subtract(order[1:], order[:-1])
    _refuse(pc.less(steps, 0), numbers[1:], f"{name} is not sorted by symbol and event number")
    is_same = pc.equal(steps, 0)
    if name == "book":
        _check_levels(table, numbers, is_same)
    else:
        _refuse(is_same, numbers[1:], f"{name} has an event twice")
    is_first = pa.concat_arrays([pa.array([True]), pc.invert(is_same)])
    numbers, places = numbers.filter(is_first), places.filter(is_first)
    _check_entry(name, table, len(numbers), key, entry)
    levels = ["side", "price", "size"] if name == "book" else []
    columns = table.drop_columns(levels).filter(is_first).combine_chunks().to_batches()[0]
    return Events(columns, numbers, places, names)


def check_numbers(tables: Sequence[Events], key: Key) -> None:
    """Raise `Broken` unless the tables together have every number of the range once."""
    numbers = pa.concat_arrays([events.numbers for events in tables])
    count = key.last - key.first + 1
    if len(numbers) == count == pc.count_distinct(numbers).as_py():
        return
    ordered = numbers.take(pc.sort_indices(numbers))
    expected = pa.arange(key.first, key.first + len(ordered))
    at = pc.index(pc.not_equal(ordered, expected), value=True).as_py()
    if at < 0:
        raise Broken("events are missing", key.first + len(ordered), key.last)
    wanted, found = expected[at].as_py(), ordered[at].as_py()
    if found < wanted:
        raise Broken("an event is there twice", found, found)
    raise Broken("events are missing", wanted, found - 1)


def find_feed_rows(feed_events: Events) -> list[NotedRow]:
    """Return the rows that matter to a reader, by event number."""
    columns = feed_events.columns
    is_reported = pc.is_in(columns["kind"].cast(pa.string()), pa.array(_REPORTED))
    rows = columns.filter(is_reported).drop_columns(["session"])
    times = pc.multiply(rows["ts_recv"].cast(pa.int64()), 1000)
    rows = rows.set_column(0, "ts_recv", times)
    return sorted((NotedRow(**row) for row in rows.to_pylist()), key=lambda row: row.event_number)


class Chains:
    """Proves the chain of each book of one session, event by event."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int | None, int | None]] = {}  # symbol -> epoch, sequence
        self._unread = 0

    def skip(self, number: int) -> None:
        """Assume that all below the event number is right: it was not read, or is broken."""
        self._last.clear()
        self._unread = number

    def extend(self, book: Events) -> None:
        """Raise `Broken` unless each delta and checkpoint continues its symbol's book.

        A snapshot begins an epoch, named by the snapshot's number. A delta and a checkpoint belong
        to the epoch before them. A delta follows the last sequence: it names that, or has the next
        one. A checkpoint has the last sequence.
        """
        if not len(book.numbers):
            return
        epoch, sequence = book.columns["epoch"], book.columns["sequence"]
        is_checkpoint = book.columns["is_checkpoint"]
        is_beginning = pc.and_not(book.columns["is_snapshot"], is_checkpoint)
        last_epoch, last_sequence = self._find_last(book)
        last_epoch = pc.if_else(is_beginning, book.numbers, last_epoch)
        previous = book.columns["previous"]
        follows = pc.coalesce(previous, pc.subtract(sequence, 1))
        follows = pc.if_else(pc.is_null(sequence), None, follows)
        follows = pc.if_else(is_checkpoint, sequence, follows)

        is_of_epoch = pc.fill_null(pc.equal(epoch, last_epoch), fill_value=False)
        _refuse(
            pc.invert(is_of_epoch),
            book.numbers,
            lambda at: f"{book.symbol(at)} is in epoch {epoch[at]}, its last is {last_epoch[at]}",
        )
        continues = pc.fill_null(pc.equal(follows, last_sequence), fill_value=False)
        # A polled book may lack a sequence, and so may its checkpoint.
        is_unnumbered = pc.and_(pc.is_null(sequence), pc.is_null(last_sequence))
        continues = pc.or_(continues, pc.and_(is_checkpoint, is_unnumbered))
        _refuse(
            pc.invert(pc.or_(is_beginning, continues)),
            book.numbers,
            lambda at: f"{book.symbol(at)} {_describe(book.columns, last_sequence, at)}",
        )
        for symbol, number, last, *_ in _take(book, _find_runs(book.places, at_end=True)):
            self._last[symbol] = number, last

    def _find_last(self, book: Events) -> list[pa.Array]:
        """Return epoch and sequence of the event before each event of its symbol."""
        is_first = _find_runs(book.places)
        carried = []
        for symbol, epoch, sequence, previous, is_checkpoint in _take(book, is_first):
            last = self._last.get(symbol)
            if last is None and epoch < self._unread:
                follows = sequence if is_checkpoint else previous
                if follows is None and sequence is not None:
                    follows = sequence - 1
                last = epoch, follows
            carried.append(last or (None, None))
        return [
            pc.replace_with_mask(_shift(book.columns[name]), is_first, pa.array(values, _INT64))
            for name, values in zip(("epoch", "sequence"), zip(*carried, strict=True), strict=True)
        ]


def _rank_symbols(symbols: pa.ChunkedArray) -> tuple[list[str], pa.Array]:
    """Return the names in order, and the place of each row's symbol among them."""
    column = symbols.unify_dictionaries().combine_chunks()
    found = column.dictionary.to_pylist()
    names = sorted(set(found))
    places = {name: place for place, name in enumerate(names)}
    ranks = pa.array([places[name] for name in found], _INT64)
    return names, pc.fill_null(ranks.take(column.indices), len(names))


def _check_levels(table: pa.Table, numbers: pa.Array, is_same: pa.Array) -> None:
    """Check the rows of each event; `is_same`: a row and the one before are of one event."""
    for name in _OF_EVENT:
        values = pc.fill_null(table[name].combine_chunks().cast(_INT64), _NONE)
        differs = pc.and_(is_same, pc.not_equal(values[1:], values[:-1]))
        _refuse(differs, numbers[1:], f"the rows of a book event differ in {name}")
    is_empty = pc.is_null(table["side"]).combine_chunks()
    for name in ("price", "size"):
        differs = pc.xor(is_empty, pc.is_null(table[name]).combine_chunks())
        _refuse(differs, numbers, f"a level is without side or {name}")
    is_beside = pc.and_(is_same, pc.or_(is_empty[1:], is_empty[:-1]))
    _refuse(is_beside, numbers[1:], "a book event has levels and none")
    is_own = pc.and_not(table["is_checkpoint"], table["is_snapshot"]).combine_chunks()
    _refuse(is_own, numbers, "a checkpoint is no snapshot")
    is_led = pc.and_(table["is_snapshot"], pc.is_valid(table["previous"])).combine_chunks()
    _refuse(is_led, numbers, "a snapshot follows nothing")


def _check_entry(name: str, table: pa.Table, events: int, key: Key, entry: TableEntry) -> None:
    """Check the manifest and the key against the segment."""
    times = pc.min_max(table["ts_recv"].cast(_INT64)).as_py()
    found = {
        "rows": table.num_rows,
        "events": events,
        "ts_recv_min": times["min"] * 1000,
        "ts_recv_max": times["max"] * 1000,
    }
    for field, value in found.items():
        if value != (said := getattr(entry, field)):
            raise Broken(f"{name}: {field} is {value}, its manifest says {said}", *_range(key))
    midnight = day_of(key.date) * _DAY_US
    if not midnight <= times["min"] <= times["max"] < midnight + _DAY_US:
        raise Broken(f"{name} has events of another date than {key.date}", *_range(key))
    if _find_names(table, "session") != {key.session}:
        raise Broken(f"{name} has events of another session", *_range(key))
    if name in _SIDES and not _find_names(table, "side") <= _SIDES[name]:
        raise Broken(f"{name} has a side that is none", *_range(key))


def _find_names(table: pa.Table, column: str) -> set[str | None]:
    return {name for chunk in table[column].chunks for name in chunk.dictionary.to_pylist()}


def _find_runs(places: pa.Array, *, at_end: bool = False) -> pa.Array:
    """Return a mask of the first, or last, event of each symbol."""
    changes = pc.not_equal(places[1:], places[:-1])
    edge = pa.array([True])
    return pa.concat_arrays([changes, edge] if at_end else [edge, changes])


def _take(book: Events, mask: pa.Array) -> Iterator[tuple[str, int, int | None, int | None, bool]]:
    """Yield the symbol and the columns of the chain of each event in the mask."""
    names = (book.names[place] for place in book.places.filter(mask).to_pylist())
    columns = ("epoch", "sequence", "previous", "is_checkpoint")
    values = (book.columns[name].filter(mask).to_pylist() for name in columns)
    return zip(names, *values, strict=True)


def _describe(columns: pa.RecordBatch, last: pa.Array, at: int) -> str:
    """Describe how an event fails to continue its book; `last` has the book's last sequences."""
    sequence, previous = columns["sequence"][at], columns["previous"][at]
    if previous.is_valid:
        return f"has sequence {sequence} that follows {previous}, not {last[at]}"
    expected = last[at] if columns["is_checkpoint"][at].as_py() else pc.add(last[at], 1)
    return f"has sequence {sequence}, not {expected}"


def _shift(column: pa.Array) -> pa.Array:
    """Return the column with each value one row later."""
    return pa.concat_arrays([pa.nulls(1, column.type), column[:-1]])


def _refuse(mask: pa.Array, numbers: pa.Array, reason: str | Callable[[int], str]) -> None:
    """Raise `Broken` for the lowest event number in the mask, if any."""
    number = pc.min(numbers.filter(mask)).as_py()
    if number is not None:
        at = pc.index(numbers, number).as_py()
        raise Broken(reason if isinstance(reason, str) else reason(at), number, number)


def _range(key: Key) -> tuple[int, int]:
    return key.first, key.last
