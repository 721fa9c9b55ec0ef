"""Reads stitched rows of one market's book, as one session would have written them."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.books.book import fold
from booktape.books.market import Market
from booktape.books.spans import Piece
from booktape.books.stitch import Leg, LegRows, find_legs, read_leg
from booktape.tables import SCHEMAS

_SCHEMA: Final = pa.schema([field.remove_metadata() for field in SCHEMAS["book"]])
_TIME: Final = _SCHEMA.field("ts_recv")


def read_stitched(market: Market, start: int, end: int) -> Iterator[pa.Table]:
    """Yield the rows of a market's book; `ts_recv` is their effective time.

    Where a book is switched to that began before, it comes first, as a checkpoint.
    """
    for leg in find_legs(market, start, end):
        if not isinstance(leg, Piece):
            yield from read_leg_rows(market, leg)


def read_leg_rows(
    market: Market, leg: Leg, columns: Sequence[str] = _SCHEMA.names
) -> Iterator[pa.Table]:
    """Yield the rows of one leg; it begins with a snapshot unless it continues the one before.

    Of the columns the first is `ts_recv`.
    """
    schema = pa.schema([_SCHEMA.field(name) for name in columns])
    is_begun = leg.continues or leg.placed[0].ts == leg.start
    # At midnight what came before was handed out; what is effective then was not.
    split = leg.start if is_begun else leg.start + 1
    earlier: list[LegRows] = []
    for rows in read_leg(leg, market.symbol, columns):
        known = pc.sum(pc.less(rows.ts, split)).as_py() or 0
        if known and not is_begun:
            earlier.append(rows)
        if known == len(rows.ts):
            continue
        if earlier:
            yield _make_snapshot(earlier, leg.start, schema)
            earlier = []
        ts = rows.ts[known:].cast(_TIME.type)
        yield rows.table.slice(known).set_column(0, _TIME, ts).cast(schema)
    if earlier:
        yield _make_snapshot(earlier, leg.start, schema)


def _make_snapshot(earlier: list[LegRows], ts: int, schema: pa.Schema) -> pa.Table:
    """Return the book that these rows leave behind, as a snapshot of that moment."""
    known = [rows.table.slice(0, pc.sum(pc.less_equal(rows.ts, ts)).as_py()) for rows in earlier]
    table = pa.concat_tables(known)
    last = table.slice(table.num_rows - 1).to_pylist()[0]
    sides = [(name, fold(table, name)) for name in ("bid", "ask")]
    levels = [(name, level) for name, side in sides for level in side.to_pylist()]
    made = last | {
        "ts_recv": pa.scalar(ts, pa.int64()).cast(_TIME.type).as_py(),
        "ts_event": None,
        "previous": None,
        "is_snapshot": True,
        "is_checkpoint": True,
        "side": None,
        "price": None,
        "size": None,
    }
    rows = [made | {"side": name} | level for name, level in levels] or [made]
    return pa.Table.from_pylist(rows, schema=schema)
