"""Makes rows of best levels: record batches from an engine's blocks."""

import re
from typing import Any, Final, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

ROWS_MAX: Final = 10_000  # of a record batch
CELLS_MAX: Final = 1 << 20  # of a record batch, 8 MiB: of deeper rows a batch has fewer
MEASURES: Final = ("mid", "spread_bps", "microprice", "imbalance")
BPS: Final = 1e4
_BAND: Final = re.compile(r"(bid|ask)_within_(\d+(?:\.\d+)?)bps")
_TIME: Final = pa.timestamp("us", tz="UTC")
_NAME: Final = pa.dictionary(pa.int32(), pa.string())
_EMPTY: Final = pa.scalar(0.0)

# pyarrow makes its classes at run time.
Array: TypeAlias = pa.Array
Batch: TypeAlias = pa.RecordBatch
Schema: TypeAlias = pa.Schema


class Block(NamedTuple):
    """An engine's output: some rows, column by column; an unknown value is null."""

    ts: Array  # int64, µs; never null
    session: Array  # int32, a place among the sessions
    event_number: Array
    age_us: Array
    levels: list[Array]  # of each level, from the best: bid price, bid size, ask price, ask size
    sums: list[Array]  # of each band: bids, asks


class Layout:
    """The columns of one table of best levels, chosen by depth and additional measures."""

    def __init__(self, depth: int, add: tuple[str, ...] = ()) -> None:
        """Raise ValueError for an impossible depth or an unknown measure."""
        if depth < 1:
            raise ValueError(f"depth={depth}: at least 1")
        self.depth = depth
        self.add = add
        bands: dict[float, None] = {}
        for name in add:
            found = _BAND.fullmatch(name)
            if found:
                bands[float(found[2]) / BPS] = None
            elif name not in MEASURES:
                known = ", ".join((*MEASURES, "bid_within_<n>bps", "ask_within_<n>bps"))
                raise ValueError(f"add={name!r}: one of {known}")
        self.bands = tuple(bands)  # as shares of the middle
        levels = [name for level in range(depth) for name in level_names(level)]
        values = [*levels, *dict.fromkeys(add)]
        self.schema: Schema = pa.schema(
            [
                pa.field("ts", _TIME, nullable=False),
                pa.field("session", _NAME),
                pa.field("event_number", pa.int64()),
                pa.field("age_us", pa.int64()),
                *(pa.field(name, pa.float64()) for name in values),
            ]
        )
        self.rows_max = max(1, min(ROWS_MAX, CELLS_MAX // len(self.schema)))

    def make_batch(self, block: Block, sessions: list[str]) -> Batch:
        """Return the block's rows with the additional measures."""
        names = pa.array(sessions, pa.string())
        added = [self._measure(name, block) for name in dict.fromkeys(self.add)]
        return pa.RecordBatch.from_arrays(
            [
                block.ts.cast(_TIME),
                pa.DictionaryArray.from_arrays(block.session, names),
                block.event_number,
                block.age_us,
                *block.levels,
                *added,
            ],
            schema=self.schema,
        )

    def _measure(self, name: str, block: Block) -> Array:
        found = _BAND.fullmatch(name)
        if found:
            band = self.bands.index(float(found[2]) / BPS)
            return block.sums[2 * band + (found[1] == "ask")]
        bid, bid_size, ask, ask_size = block.levels[:4]
        if name == "imbalance":
            return _imbalance(block.levels)
        if name == "microprice":
            weighted = pc.add(pc.multiply(bid, ask_size), pc.multiply(ask, bid_size))
            return pc.divide(weighted, pc.add(bid_size, ask_size))
        mid = middle(bid, ask)
        if name == "mid":
            return mid
        return pc.multiply(pc.divide(pc.subtract(ask, bid), mid), BPS)


def level_names(level: int) -> tuple[str, str, str, str]:
    """Return the columns of one level, 0 the best."""
    return (
        f"bid_price_{level:02d}",
        f"bid_size_{level:02d}",
        f"ask_price_{level:02d}",
        f"ask_size_{level:02d}",
    )


def middle(bid: Array, ask: Array) -> Array:
    """Return the price between both; null if one of them is null."""
    return pc.divide(pc.add(bid, ask), 2.0)


def _imbalance(levels: list[Array]) -> Array:
    """Return the weight of bids against asks, from -1 to 1, summed from the best level on."""
    bids, asks = _sum(levels[1::4]), _sum(levels[3::4])
    return pc.divide(pc.subtract(bids, asks), pc.add(bids, asks))


def _sum(sizes: list[Any]) -> Any:
    total = sizes[0]  # null if the side is empty
    for more in sizes[1:]:
        total = pc.add(total, pc.fill_null(more, _EMPTY))
    return total
