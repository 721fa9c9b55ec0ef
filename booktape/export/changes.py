"""Yields a market's book as others replay it: where it begins, each change of it, where it ends."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from booktape.books.book import fold
from booktape.books.market import Market
from booktape.books.spans import Piece
from booktape.books.stitch import find_legs
from booktape.books.stitched import read_leg_rows
from booktape.tables import SCHEMAS

SIDES: Final = ("bid", "ask")
ROWS_AT_ONCE: Final = 65_536
KEPT_ROWS_MAX: Final = 262_144  # changes that are kept before a book is made of them
_INT64: Final = pa.int64()
_LEVELS: Final = pa.schema(
    [SCHEMAS["book"].field(name).remove_metadata() for name in ("side", "price", "size")]
)
_NUMBERS: Final = ("ts_recv", "ts_event", "sequence", "event_number")
_COLUMNS: Final = (*_NUMBERS, *_LEVELS.names, "is_snapshot")

Book: TypeAlias = dict[str, pa.Table]  # of each side price and size, the best first


class BookBegin(NamedTuple):
    """From here on the book is known; of each side price and size, from the best on."""

    ts: int
    ts_event: int | None
    sequence: int | None
    bids: pa.Table
    asks: pa.Table


class BookChanges(NamedTuple):
    """Levels that change, in order, column by column; rows of one message have one number.

    No message goes on in another batch. Times are int64 µs; `ts` never falls, and `ts_event` and
    `sequence` may be null. A size of 0 removes a level.
    """

    ts: pa.Array
    ts_event: pa.Array
    sequence: pa.Array
    message: pa.Array
    side: pa.Array  # a dictionary of "bid" and "ask"
    price: pa.Array
    size: pa.Array


class BookEnd(NamedTuple):
    """From here on the book is not known."""

    ts: int


Item: TypeAlias = BookBegin | BookChanges | BookEnd


def find_moment(item: Item) -> int:
    """Return when an item changes the book, for the last time."""
    ts: int = item.ts[-1].as_py() if isinstance(item, BookChanges) else item.ts
    return ts


def read_changes(market: Market, start: int, end: int) -> Iterator[Item]:
    """Yield the book of `[start, end)`, some rows at a time.

    A snapshot that comes while the book is known (an audit, a poll, another session's book) is
    handed out as what differs, so that what rests in a level keeps its place.
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
    """What a book is made of: its levels at a moment and the changes since."""

    def __init__(self, snapshot: pa.Table) -> None:
        self._book = _fold(snapshot.select(_LEVELS.names))
        self._parts: list[pa.Table] = []
        self._count = 0

    def add(self, levels: pa.Table) -> None:
        """Keep changes; where they are many, what they leave behind."""
        self._parts.append(levels.select(_LEVELS.names))
        self._count += levels.num_rows
        if self._count > KEPT_ROWS_MAX:
            self.find_book()

    def find_book(self) -> Book:
        """Return the levels that are left."""
        if self._parts:
            old = (_name_levels(side, own) for side, own in self._book.items())
            self._book = _fold(pa.concat_tables([*old, *self._parts]).unify_dictionaries())
            self._parts, self._count = [], 0
        return self._book


def _fold(levels: pa.Table) -> Book:
    return {side: fold(levels, side) for side in SIDES}


def _name_levels(side: str, levels: pa.Table) -> pa.Table:
    """Return levels with their side."""
    indices = pa.repeat(pa.scalar(0, pa.int32()), levels.num_rows)
    names = pa.DictionaryArray.from_arrays(indices, pa.array([side]))
    return pa.table([names, levels["price"], levels["size"]], schema=_LEVELS)


def _join_events(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same rows so that no event goes on in the next table."""
    held: pa.Table | None = None
    for found in tables:
        for begin in range(0, found.num_rows, ROWS_AT_ONCE):
            table = found.slice(begin, ROWS_AT_ONCE)
            if held is not None:
                table = pa.concat_tables([held, table])
            table = table.unify_dictionaries().combine_chunks()
            numbers = table["event_number"].chunk(0)
            others = pc.indices_nonzero(pc.not_equal(numbers, numbers[-1]))
            whole = others[-1].as_py() + 1 if len(others) else 0
            if whole:
                yield table.slice(0, whole).combine_chunks()
            held = table.slice(whole)
    if held is not None:
        yield held.combine_chunks()


def _part(rows: pa.Table) -> Iterator[tuple[pa.Table, bool]]:
    """Yield each snapshot by itself, and the changes between two."""
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
    first = snapshot.slice(0, 1)
    ts, ts_event, sequence, _ = (first[name].cast(_INT64)[0].as_py() for name in _NUMBERS)
    return BookBegin(ts, ts_event, sequence, book["bid"], book["ask"])


def _compare(snapshot: pa.Table, before: Book, after: Book) -> Iterator[BookChanges]:
    """Yield what a snapshot changes in the book before it, as one message."""
    parts = []
    for side in SIDES:
        old, new = before[side], after[side]
        if old.equals(new):
            continue
        is_gone = pc.invert(pc.is_in(old["price"], value_set=new["price"].combine_chunks()))
        gone = old.filter(is_gone)
        zeros = pa.repeat(pa.scalar(0.0), gone.num_rows)
        parts.append(_name_levels(side, gone.set_column(1, "size", zeros)))
        places = pc.index_in(new["price"], value_set=old["price"].combine_chunks())
        is_same = pc.equal(new["size"], old["size"].take(places))
        changed = new.filter(pc.invert(pc.fill_null(is_same, fill_value=False)))
        parts.append(_name_levels(side, changed))
    if not parts:
        return
    levels = pa.concat_tables(parts).unify_dictionaries()
    rows = snapshot.take(pa.repeat(pa.scalar(0, _INT64), levels.num_rows))
    for name in _LEVELS.names:
        rows = rows.set_column(rows.schema.get_field_index(name), name, levels[name])
    yield _make_changes(rows)


def _make_changes(rows: pa.Table) -> BookChanges:
    rows = rows.combine_chunks()
    numbers = (rows[name].chunk(0).cast(_INT64) for name in _NUMBERS)
    return BookChanges(*numbers, *(rows[name].chunk(0) for name in _LEVELS.names))
