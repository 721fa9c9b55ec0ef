"""Stitches one market's sessions and lines into one stream of rows."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.books.market import Market
from booktape.books.recorded import Recorded
from booktape.books.spans import Piece, Placed
from booktape.replay.stream import (
    ASK,
    BEGIN,
    BID,
    END,
    LEVEL,
    NO_NUMBER,
    NO_SIDE,
    TOUCH,
    Batch,
    Stream,
)
from booktape.times import DAY_US

_INT8, _INT32, _INT64 = pa.int8(), pa.int32(), pa.int64()
_NAN: Final = float("nan")
_COLUMNS: Final = ("ts_recv", "event_number", "side", "price", "size")
_SIDES: Final = {"bid": BID, "ask": ASK}


class Leg(Struct, frozen=True):
    """Rows of one session that follow each other, and when they are the market's book.

    `placed` begins at a snapshot. What is effective before `start` counts as known at `start`;
    where the leg `continues` the one before, that had it.
    """

    session: Recorded
    start: int
    end: int
    placed: list[Placed]
    continues: bool


class LegRows(Struct, frozen=True):
    """Some rows of a leg: columns as they are stored, and beside them what a replay needs."""

    table: pa.Table
    ts: pa.Array  # effective times
    begins: list[int]  # rows with which a snapshot begins


def stitch(market: Market, start: int, end: int) -> Stream:
    """Return the rows of a market's book over `[start, end)`, ready for a replay."""
    sessions: list[str] = []
    return Stream(sessions, _make_batches(market, start, end, sessions))


def find_legs(market: Market, start: int, end: int) -> Iterator[Leg | Piece]:
    """Yield what the market's book is made of, in time; a piece is a time without one.

    A day at a time, so that memory does not grow with the range. A book that goes on over midnight
    is begun again there: the same levels at that instant.
    """
    day_start = start
    last: Piece | None = None
    while day_start < end:
        day_end = min((day_start // DAY_US + 1) * DAY_US, end)
        pieces = market.stitch(day_start, day_end)
        for _, chain in groupby(_number_chains(pieces), key=lambda pair: pair[0]):
            linked = [piece for _, piece in chain]
            yield _make_leg(market, linked, last) if linked[0].span else linked[0]
            last = None  # what comes next in a day is another span, be its epoch the same
        last = pieces[-1]
        day_start = day_end


def read_leg(leg: Leg, symbol: str, columns: Sequence[str]) -> Iterator[LegRows]:
    """Yield the rows of a leg, with these columns."""
    ts_last = leg.placed[0].ts
    for first, grouped in groupby(leg.placed, key=lambda placed: placed.run.flush):
        placed = list(grouped)
        begin, end = placed[0].run.begin, placed[-1].run.end
        found = leg.session.read(symbol, columns, first=first, begin=begin, end=end)
        for offset, table in found:
            rows = _take_runs(table, offset, placed)
            if not rows.ts:
                continue
            ts = pc.cumulative_max(rows.ts, start=ts_last)
            ts_last = ts[-1].as_py()
            count = bisect_left(range(len(ts)), leg.end, key=lambda row: ts[row].as_py())
            begins = [row for row in rows.begins if row < count]
            if count:
                yield LegRows(rows.table.slice(0, count), ts.slice(0, count), begins)
            if count < len(ts):  # all that follows is later still
                return


def _number_chains(pieces: Iterable[Piece]) -> Iterator[tuple[int, Piece]]:
    """Give numbers to pieces so that those that can be read as one have one number.

    A polled book is a span for each answer: its pieces follow each other row by row.
    """
    number, last = 0, None
    for piece in pieces:
        number += not (last and _is_chained(last, piece))
        last = piece
        yield number, piece


def _is_chained(last: Piece, piece: Piece) -> bool:
    if last.span is None or piece.span is None:
        return False
    return (
        last.span.session == piece.span.session
        and last.span.first < piece.span.first
        and last.span.ts_last <= piece.start == piece.span.start
    )


def _make_leg(market: Market, pieces: Sequence[Piece], last: Piece | None) -> Leg:
    first = pieces[0]
    assert first.span is not None
    anchors = [
        place
        for place, placed in enumerate(first.span.runs)
        if placed.run.is_snapshot and placed.ts <= first.start
    ]
    placed = first.span.runs[anchors[-1] :]
    for piece in pieces[1:]:
        placed += piece.span.runs if piece.span else []
    continues = (
        last is not None
        and last.span is not None
        and (last.span.session, last.span.epoch) == (first.span.session, first.span.epoch)
        and first.span.start < first.start
    )
    session = market.session(first.span.session)
    return Leg(session, first.start, pieces[-1].end, placed, continues)


def _take_runs(table: pa.Table, offset: int, placed: Iterable[Placed]) -> LegRows:
    """Return the rows of the runs out of those of a flush that lie from `offset` on."""
    begins: list[int] = []
    parts: list[tuple[int, int]] = []
    count = 0
    for run in (item.run for item in placed):
        begin, end = max(run.begin - offset, 0), min(run.end - offset, table.num_rows)
        if begin >= end:
            continue
        if run.is_snapshot and run.begin >= offset:
            begins.append(count)
        if parts and parts[-1][1] == begin:
            parts[-1] = parts[-1][0], end
        else:
            parts.append((begin, end))
        count += end - begin
    slices = [table.slice(begin, end - begin) for begin, end in parts]
    kept = pa.concat_tables(slices or [table.slice(0, 0)]).combine_chunks()
    ts = kept["ts_recv"].cast(_INT64).combine_chunks()
    return LegRows(kept, ts, begins)


# --- for a replay ---


def _make_batches(market: Market, start: int, end: int, sessions: list[str]) -> Iterator[Batch]:
    is_first = True
    for leg in find_legs(market, start, end):
        if isinstance(leg, Piece):
            yield _make_end(leg.start)
        else:
            if leg.session.session not in sessions:
                sessions.append(leg.session.session)
            number = sessions.index(leg.session.session)
            for rows in read_leg(leg, market.symbol, _COLUMNS):
                # Only what comes first may be earlier than what it was switched to for.
                yield _make_batch(rows, number, None if is_first else leg.start)
        is_first = False


def _make_batch(rows: LegRows, session: int, since: int | None) -> Batch:
    table = rows.table
    side = _number_sides(table["side"])
    ts = rows.ts if since is None else pc.max_element_wise(rows.ts, since)
    columns = [
        ts,
        pc.if_else(pc.equal(side, NO_SIDE), pa.scalar(TOUCH, _INT8), pa.scalar(LEVEL, _INT8)),
        side,
        pc.fill_null(table["price"].combine_chunks(), _NAN),
        pc.fill_null(table["size"].combine_chunks(), _NAN),
        pa.repeat(pa.scalar(session, _INT32), len(ts)),
        table["event_number"].combine_chunks(),
        rows.ts,
    ]
    return _insert_begins(Batch(*columns), rows.begins) if rows.begins else Batch(*columns)


def _insert_begins(batch: Batch, begins: Sequence[int]) -> Batch:
    """Return the batch with a BEGIN before each of these rows."""
    rows = pa.array(begins, _INT64)
    nothing = pa.repeat(_NAN, len(rows))
    added = Batch(*(column.take(rows) for column in batch))._replace(
        action=pa.repeat(pa.scalar(BEGIN, _INT8), len(rows)),
        side=pa.repeat(pa.scalar(NO_SIDE, _INT8), len(rows)),
        price=nothing,
        size=nothing,
    )
    return Batch(*(_insert(*columns, begins) for columns in zip(batch, added, strict=True)))


def _insert(column: pa.Array, added: pa.Array, places: Sequence[int]) -> pa.Array:
    """Return the column with each of the values before its place."""
    parts = [column[: places[0]]]
    for number, (first, end) in enumerate(pairwise([*places, len(column)])):
        parts += [added[number : number + 1], column[first:end]]
    return pa.concat_arrays(parts)


def _make_end(ts: int) -> Batch:
    return Batch(
        pa.array([ts], _INT64),
        pa.array([END], _INT8),
        pa.array([NO_SIDE], _INT8),
        pa.array([_NAN]),
        pa.array([_NAN]),
        pa.array([NO_NUMBER], _INT32),
        pa.array([NO_NUMBER], _INT64),
        pa.array([ts], _INT64),
    )


def _number_sides(column: pa.ChunkedArray) -> pa.Array:
    names = column.combine_chunks()
    numbers = pa.array([_SIDES[name] for name in names.dictionary.to_pylist()], _INT8)
    return pc.fill_null(numbers.take(names.indices), NO_SIDE)
