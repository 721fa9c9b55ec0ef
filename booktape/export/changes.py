"""Yields a market's book as changes for a replay: beginning, changes, end."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from booktape.books.book import fold_columns
from booktape.books.market import Market
from booktape.books.spans import Piece
from booktape.books.stitch import find_legs
from booktape.books.stitched import read_leg_rows
from booktape.tables import SCHEMAS

SIDES: Final = ("bid", "ask")
ROWS_AT_ONCE: Final = 65_536
KEPT_ROWS_MAX: Final = 262_144  # changes to keep before folding them into a book
_INT64: Final = pa.int64()
_LEVELS: Final = pa.schema(
    [SCHEMAS["book"].field(name).remove_metadata() for name in ("side", "price", "size")]
)
_NUMBERS: Final = ("ts_recv", "ts_event", "sequence", "event_number")
_COLUMNS: Final = (*_NUMBERS, *_LEVELS.names, "is_snapshot")

Levels: TypeAlias = tuple[pa.Array, pa.Array]  # prices and sizes, the best first
Book: TypeAlias = dict[str, Levels]


class BookBegin(NamedTuple):
    """The book is known from here on."""

    ts: int
    ts_event: int | None
    sequence: int | None
    bids: Levels
    asks: Levels


class BookChanges(NamedTuple):
    """Changed levels, in order, column by column; rows of one message have the same number.

    A batch holds whole messages. Times are int64 µs; `ts` never falls; `ts_event` and `sequence`
    may be null. A size of 0 removes a level.
    """

    ts: pa.Array
    ts_event: pa.Array
    sequence: pa.Array
    message: pa.Array
    side: pa.Array  # a dictionary of "bid" and "ask"
    price: pa.Array
    size: pa.Array


class BookEnd(NamedTuple):
    """The book is unknown from here on."""

    ts: int


Item: TypeAlias = BookBegin | BookChanges | BookEnd


def find_moment(item: Item) -> int:
    """Return the time of an item's last change to the book."""
    ts: int = item.ts[-1].as_py() if isinstance(item, BookChanges) else item.ts
    return ts


def read_changes(market: Market, start: int, end: int) -> Iterator[Item]:
    """Yield the book of `[start, end)`, some rows at a time.

    If a snapshot comes while the book is known (an audit, a poll, another session's book), yield
    only its differences, so that an order resting in an unchanged level keeps its place.
    """
    kept: _Kept | None = None
    for leg in find_legs(market, start, end):
        if isinstance(leg, Piece):
            if kept is not None:
                yield BookEnd(leg.start)
            kept = None
            continue
        for rows in _join_events(read_leg_rows(market, leg, _COLUMNS)):
            for part, is_snapshot in _part(rows):
                # An event may have no levels.
                is_full = not part["side"].null_count
                levels = part if is_full else part.filter(pc.is_valid(part["side"]))
                if not is_snapshot:
                    assert kept is not None  # a leg begins with a snapshot
                    kept.add(levels)
                    if levels.num_rows:
                        yield _make_changes(levels)
                    continue
                before, kept = kept, _Kept(levels)
                if before is None:
                    yield _make_begin(part, kept.find_book())
                else:
                    yield from _compare(part, before.find_book(), kept.find_book())


class _Kept:
    """One book: its levels at a moment, and the changes since."""

    def __init__(self, snapshot: pa.Table) -> None:
        self._book = _fold(snapshot)
        self._parts: list[pa.Table] = []
        self._count = 0

    def add(self, levels: pa.Table) -> None:
        """Keep changes; fold them into the book if they are many."""
        self._parts.append(levels.select(_LEVELS.names))
        self._count += levels.num_rows
        if self._count > KEPT_ROWS_MAX:
            self.find_book()

    def find_book(self) -> Book:
        """Return the current levels."""
        if self._parts:
            old = pa.Table.from_arrays(_join(self._book.items()), schema=_LEVELS)
            self._book = _fold(pa.concat_tables([old, *self._parts]).unify_dictionaries())
            self._parts, self._count = [], 0
        return self._book


def _fold(rows: pa.Table) -> Book:
    columns = [rows[name].combine_chunks() for name in _LEVELS.names]
    return {side: fold_columns(*columns, side=side) for side in SIDES}


def _join(sides: Iterable[tuple[str, Levels]]) -> list[pa.Array]:
    """Return levels as columns, each with the name of its side."""
    places, prices, sizes = [], [], []
    for side, (price, size) in sides:
        places.append(pa.repeat(pa.scalar(SIDES.index(side), pa.int32()), len(price)))
        prices.append(price)
        sizes.append(size)
    names = pa.DictionaryArray.from_arrays(pa.concat_arrays(places), pa.array(SIDES))
    return [names, pa.concat_arrays(prices), pa.concat_arrays(sizes)]


def _join_events(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same rows in larger tables, none of which splits an event."""
    held: list[pa.Table] = []
    count = 0
    for found in tables:
        for begin in range(0, found.num_rows, ROWS_AT_ONCE):
            held.append(found.slice(begin, ROWS_AT_ONCE))
            count += held[-1].num_rows
            if count < ROWS_AT_ONCE:
                continue
            table = _join_tables(held)
            numbers = table["event_number"].chunk(0)
            others = pc.indices_nonzero(pc.not_equal(numbers, numbers[-1]))
            whole = others[-1].as_py() + 1 if len(others) else 0
            if whole:
                yield table.slice(0, whole).combine_chunks()
            held, count = [table.slice(whole)], table.num_rows - whole
    if count:
        yield _join_tables(held)


def _join_tables(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _part(rows: pa.Table) -> Iterator[tuple[pa.Table, bool]]:
    """Yield each snapshot alone, and the changes between two snapshots."""
    is_snapshot = rows["is_snapshot"].chunk(0)
    numbers = rows["event_number"].chunk(0)
    begins = [0]
    if is_snapshot.true_count:
        is_other = pc.not_equal(is_snapshot[1:], is_snapshot[:-1])
        is_next = pc.and_(is_snapshot[1:], pc.not_equal(numbers[1:], numbers[:-1]))
        begins += [place + 1 for place in pc.indices_nonzero(pc.or_(is_other, is_next)).to_pylist()]
    for begin, end in pairwise([*begins, rows.num_rows]):
        yield rows.slice(begin, end - begin), is_snapshot[begin].as_py()


def _make_begin(snapshot: pa.Table, book: Book) -> BookBegin:
    ts, ts_event, sequence, _ = (_to_number(snapshot[name][0]) for name in _NUMBERS)
    assert ts is not None
    return BookBegin(ts, ts_event, sequence, book["bid"], book["ask"])


def _compare(snapshot: pa.Table, before: Book, after: Book) -> Iterator[BookChanges]:
    """Yield the differences between a snapshot and the book before it, as one message."""
    parts: list[tuple[str, Levels]] = []
    for side in SIDES:
        (old, old_sizes), (new, sizes) = before[side], after[side]
        if old.equals(new) and old_sizes.equals(sizes):
            continue
        gone = old.filter(pc.invert(pc.is_in(old, value_set=new)))
        parts.append((side, (gone, pa.repeat(pa.scalar(0.0), len(gone)))))
        is_same = pc.equal(sizes, old_sizes.take(pc.index_in(new, value_set=old)))
        is_other = pc.invert(pc.fill_null(is_same, fill_value=False))
        parts.append((side, (new.filter(is_other), sizes.filter(is_other))))
    if parts:
        columns = _join(parts)
        values = (pa.scalar(_to_number(snapshot[name][0]), _INT64) for name in _NUMBERS)
        yield BookChanges(*(pa.repeat(value, len(columns[0])) for value in values), *columns)


def _to_number(value: pa.Scalar) -> int | None:
    number: int | None = value.cast(_INT64).as_py()
    return number


def _make_changes(rows: pa.Table) -> BookChanges:
    rows = rows.combine_chunks()
    numbers = (rows[name].chunk(0).cast(_INT64) for name in _NUMBERS)
    return BookChanges(*numbers, *(rows[name].chunk(0) for name in _LEVELS.names))
