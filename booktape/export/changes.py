"""Yields a market's book as changes for a replay: its beginning, each change, its end."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from booktape.books.market import Market
from booktape.books.runs import find_runs
from booktape.books.spans import Piece
from booktape.books.stitch import find_legs
from booktape.books.stitched import read_leg_rows

SIDES: Final = ("bid", "ask")
ZEROS_MAX: Final = 100_000  # levels that are gone, of a side, before they are forgotten
_INT64: Final = pa.int64()

Side: TypeAlias = dict[float, float]  # price -> size; 0 where the level is gone
Level: TypeAlias = tuple[float, float]


class BookBegin(NamedTuple):
    """From here on the book is known; levels come from the best on."""

    ts: int
    ts_event: int | None
    sequence: int | None
    bids: list[Level]
    asks: list[Level]


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


def read_changes(market: Market, start: int, end: int) -> Iterator[Item]:
    """Yield the book of `[start, end)`.

    A snapshot that comes while the book is known (an audit, a poll, another session's book) is
    handed out as what differs, so that what rests in a level keeps its place.
    """
    book: dict[str, Side] | None = None
    for leg in find_legs(market, start, end):
        if isinstance(leg, Piece):
            if book is not None:
                yield BookEnd(leg.start)
            book = None
            continue
        for rows in _join_events(read_leg_rows(market, leg)):
            for run in find_runs(rows, 0, ()):
                part = rows.slice(run.begin, run.end - run.begin)
                if not run.is_snapshot:
                    assert book is not None  # a leg begins with a snapshot
                    levels = part.filter(pc.is_valid(part["side"]))
                    _apply(book, levels)
                    if levels.num_rows:
                        yield _make_changes(levels)
                    continue
                before, book = book, _fold(part)
                if before is None:
                    yield _make_begin(part, book)
                else:
                    yield from _compare(part, before, book)


def _join_events(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same rows so that no event goes on in the next table."""
    held: pa.Table | None = None
    for found in tables:
        table = found if held is None else pa.concat_tables([held, found])
        table = table.unify_dictionaries().combine_chunks()
        numbers = table["event_number"].chunk(0)
        others = pc.indices_nonzero(pc.not_equal(numbers, numbers[-1]))
        whole = others[-1].as_py() + 1 if len(others) else 0
        if whole:
            yield table.slice(0, whole).combine_chunks()
        held = table.slice(whole)
    if held is not None:
        yield held.combine_chunks()


def _columns(levels: pa.Table) -> dict[str, tuple[list[float], list[float]]]:
    """Return prices and sizes of each side."""
    names = levels["side"].cast(pa.string())
    found = {}
    for side in SIDES:
        own = levels.filter(pc.equal(names, side))
        found[side] = own["price"].to_pylist(), own["size"].to_pylist()
    return found


def _apply(book: dict[str, Side], levels: pa.Table) -> None:
    for side, (prices, sizes) in _columns(levels).items():
        book[side].update(zip(prices, sizes, strict=True))
        if len(book[side]) > ZEROS_MAX:
            book[side] = {price: size for price, size in book[side].items() if size}


def _fold(snapshot: pa.Table) -> dict[str, Side]:
    """Return the levels of a snapshot, from the best on."""
    found = _columns(snapshot.filter(pc.is_valid(snapshot["side"])))
    levels = {side: dict(zip(*columns, strict=True)) for side, columns in found.items()}
    return {
        side: {price: own[price] for price in sorted(own, reverse=side == "bid") if own[price]}
        for side, own in levels.items()
    }


def _make_begin(snapshot: pa.Table, book: dict[str, Side]) -> BookBegin:
    first = snapshot.slice(0, 1)
    names = ("ts_recv", "ts_event", "sequence")
    ts, ts_event, sequence = (first[name].cast(_INT64)[0].as_py() for name in names)
    return BookBegin(ts, ts_event, sequence, list(book["bid"].items()), list(book["ask"].items()))


def _compare(
    snapshot: pa.Table, before: dict[str, Side], after: dict[str, Side]
) -> Iterator[BookChanges]:
    """Yield what a snapshot changes in the book before it, as one message."""
    sides, levels = [], []
    for side in SIDES:
        gone = [(p, 0.0) for p, s in before[side].items() if s and p not in after[side]]
        new = [(p, s) for p, s in after[side].items() if before[side].get(p) != s]
        levels += gone + new
        sides += [side] * (len(gone) + len(new))
    if not levels:
        return
    rows = snapshot.take(pa.repeat(pa.scalar(0, _INT64), len(levels)))
    prices, sizes = zip(*levels, strict=True)
    found = {
        "price": pa.array(prices, pa.float64()),
        "size": pa.array(sizes, pa.float64()),
        "side": pa.array(sides, pa.string()).dictionary_encode(),
    }
    for name, column in found.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    yield _make_changes(rows)


def _make_changes(rows: pa.Table) -> BookChanges:
    rows = rows.combine_chunks()
    names = ("ts_recv", "ts_event", "sequence", "event_number")
    numbers = (rows[name].chunk(0).cast(_INT64) for name in names)
    return BookChanges(*numbers, *(rows[name].chunk(0) for name in ("side", "price", "size")))
