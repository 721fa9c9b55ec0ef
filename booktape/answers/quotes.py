"""Adds quotes to trades: the best prices just before each."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.answers.trades import SCHEMA
from booktape.books.market import Market
from booktape.books.stitch import stitch
from booktape.replay.rows import Layout
from booktape.replay.top import top_at
from booktape.times import SECOND_US

LATE_US: Final = 5 * SECOND_US  # a later trade came in a list: nobody knew it when it happened
_NAMES: Final = {
    f"{side}_{what}": f"{side}_{what}_00" for side in ("bid", "ask") for what in ("price", "size")
}
QUOTED: Final = pa.schema([*SCHEMA, *(pa.field(name, pa.float64()) for name in _NAMES)])


def quote(market: Market, trades: pa.Table) -> pa.Table:
    """Return trades, each with the best prices 1 µs before its receive time.

    The prices are null if the book was not known, or if the trade came more than 5 s late.
    """
    received = trades["ts_recv"].cast(pa.int64())
    late = pc.subtract(received, trades["ts_event"].cast(pa.int64()))
    is_live = pc.less_equal(pc.fill_null(late, 0), LATE_US)
    live = trades.filter(is_live)
    moments = pc.subtract(live["ts_recv"].cast(pa.int64()), 1).combine_chunks()
    wanted = pc.unique(moments).sort()
    places = pc.index_in(moments, wanted)
    rows = pc.index_in(pa.arange(0, trades.num_rows), pc.indices_nonzero(is_live).cast(pa.int64()))
    tops = _read_tops(market, wanted).take(places).take(rows)
    for name, column in _NAMES.items():
        trades = trades.append_column(QUOTED.field(name), tops[column])
    return trades


def _read_tops(market: Market, moments: pa.Array) -> pa.Table:
    layout = Layout(1)
    if not len(moments):
        return layout.schema.empty_table()
    stream = stitch(market, moments[0].as_py(), moments[-1].as_py() + 1)
    return pa.Table.from_batches(top_at(stream, layout, moments), layout.schema)
