"""Makes streams of a market by hand or by dice, and reads them plainly."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from booktape.ladder import Ladder
from booktape.replay.rows import Batch as Rows
from booktape.replay.stream import ASK, BEGIN, BID, END, LEVEL, NO_SIDE, TOUCH, Batch, Stream

SESSIONS = ["20261129T000000.000000Z-bitvavo-a", "20261129T010000.000000Z-bitvavo-b"]
Row = tuple[int, int, int, float, float, int, int, int]
Levels = list[tuple[float, float]]
_TYPES = (
    pa.int64(),
    pa.int8(),
    pa.int8(),
    pa.float64(),
    pa.float64(),
    pa.int32(),
    pa.int64(),
    pa.int64(),
)
_NOTHING = float("nan")


def bid(ts: int, price: float, size: float, number: int = 0, session: int = 0) -> Row:
    return (ts, LEVEL, BID, price, size, session, number, ts)


def ask(ts: int, price: float, size: float, number: int = 0, session: int = 0) -> Row:
    return (ts, LEVEL, ASK, price, size, session, number, ts)


def begin(ts: int, number: int = 0, session: int = 0, *, effective: int | None = None) -> Row:
    made = ts if effective is None else effective
    return (ts, BEGIN, NO_SIDE, _NOTHING, _NOTHING, session, number, made)


def end(ts: int, number: int = 0) -> Row:
    return (ts, END, NO_SIDE, _NOTHING, _NOTHING, 0, number, ts)


def touch(ts: int, number: int = 0) -> Row:
    return (ts, TOUCH, NO_SIDE, _NOTHING, _NOTHING, 0, number, ts)


def make_stream(rows: Sequence[Row], cuts: Sequence[int] = ()) -> Stream:
    """Return the rows as a stream whose batches end at these places."""
    columns = list(zip(*rows, strict=True)) or [()] * len(_TYPES)
    whole = Batch(*(pa.array(c, t) for c, t in zip(columns, _TYPES, strict=True)))
    ends = [*sorted(cuts), len(rows)]
    parts = zip([0, *ends[:-1]], ends, strict=True)
    return Stream(SESSIONS, iter([Batch(*(c[a:b] for c in whole)) for a, b in parts]))


def read(batches: Iterator[Rows]) -> list[dict[str, Any]]:
    """Return all rows, their times as µs, after a look whether they are sound."""
    rows: list[dict[str, Any]] = []
    for batch in batches:
        batch.validate(full=True)
        position = batch.schema.get_field_index("ts")
        batch = batch.set_column(position, "ts", batch["ts"].cast(pa.int64()))  # noqa: PLW2901
        rows += batch.to_pylist()
    return rows


def tops(rows: list[dict[str, Any]], depth: int) -> list[tuple[int, Levels, Levels]]:
    """Return of each row its time, its bids and its asks, without nulls."""
    return [(row["ts"], _levels(row, "bid", depth), _levels(row, "ask", depth)) for row in rows]


def _levels(row: dict[str, Any], side: str, depth: int) -> Levels:
    names = [(f"{side}_price_{level:02d}", f"{side}_size_{level:02d}") for level in range(depth)]
    return [(row[price], row[size]) for price, size in names if row[price] is not None]


class Reading:
    """A market's state by the recorder's own ladder, row by row."""

    def __init__(self) -> None:
        self.ladder: Ladder | None = None
        self.last: tuple[str, int, int] = ("", 0, 0)

    def apply(self, row: Row) -> None:
        _, action, side, price, size, session, number, effective = row
        if action == BEGIN:
            self.ladder = Ladder()
        elif action == END:
            self.ladder = None
        elif action == LEVEL and self.ladder is not None:
            levels = [(price, size)]
            self.ladder.apply(*((levels, []) if side == BID else ([], levels)))
        self.last = (SESSIONS[session], number, effective)

    def show(self, ts: int, depth: int, bands: Sequence[float] = ()) -> dict[str, Any]:
        """Return the row of this moment, with the sums of whole bands (in bps) of both sides."""
        shown: dict[str, Any] = {"ts": ts, "session": None, "event_number": None, "age_us": None}
        bids: Levels = []
        asks: Levels = []
        if self.ladder is not None:
            session, number, effective = self.last
            shown |= {"session": session, "event_number": number, "age_us": ts - effective}
            bids = sorted(self.ladder.bids.items(), reverse=True)
            asks = sorted(self.ladder.asks.items())
        for level in range(depth):
            for name, levels in (("bid", bids), ("ask", asks)):
                price, size = levels[level] if level < len(levels) else (None, None)
                shown[f"{name}_price_{level:02d}"] = price
                shown[f"{name}_size_{level:02d}"] = size
        for band in bands:
            for name, levels in (("bid", bids), ("ask", asks)):
                total = _sum(levels, (bids[0][0] + asks[0][0]) / 2, band) if bids and asks else None
                shown[f"{name}_within_{band:g}bps"] = total
        return shown


def _sum(levels: Levels, mid: float, band: float) -> float:
    total = 0.0
    for price, size in levels:
        if abs(price / mid - 1) <= band / 1e4:
            total += size
    return total


@st.composite
def random_rows(draw: st.DrawFn) -> list[Row]:
    """Draw rows of a few prices, so that they meet: all actions, several at one instant."""
    prices = st.sampled_from([0.1, 0.30000000000000004, 99.5, 99.99, 100.0, 100.5, 101.0, 150.0])
    sizes = st.sampled_from([0.0, 0.0, 1.0, 0.1, 2.5, 1e-8])
    rows: list[Row] = []
    ts = 0
    for number in range(draw(st.integers(0, 40))):
        ts += draw(st.sampled_from([0, 0, 1, 3, 10]))
        session = draw(st.integers(0, 1))
        action = draw(st.sampled_from([LEVEL] * 12 + [BEGIN, BEGIN, END, TOUCH]))
        if action == BEGIN:
            made = ts - draw(st.integers(0, 5))
            rows.append(begin(ts, number, session, effective=made))
        elif action != LEVEL:
            rows.append(end(ts, number) if action == END else touch(ts, number))
        if action in {LEVEL, BEGIN}:
            for _ in range(draw(st.integers(action == LEVEL, 5))):
                side = draw(st.sampled_from([bid, ask]))
                rows.append(side(ts, draw(prices), draw(sizes), number, session))
    return rows
