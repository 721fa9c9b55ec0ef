"""Reads quotes of a market on a grid of time, from its replayed book or from its tickers."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.tape import Tape

BOOKS, TICKERS = "books", "tickers"
NEAR_BPS: Final = (10, 50)  # distances from the middle up to which sizes are added up
TOUCH: Final = ("bid", "bid_size", "ask", "ask_size")
_COLUMNS: Final = ("bid_price", "bid_size", "ask_price", "ask_size")
_NEAR: Final = tuple(f"{side}_within_{bps}bps" for bps in NEAR_BPS for side in ("bid", "ask"))
_INT64: Final = pa.int64()

Span = tuple[int, int]
Values = list[float | None]


class MarketQuotes(Struct, frozen=True):
    """A market's best prices and sizes at each instant of a grid; null if unknown.

    Quotes from books also have sums of sizes near the middle, for both sides.
    """

    market: str
    ts: list[int]
    columns: dict[str, Values]

    @property
    def is_known(self) -> bool:
        """Return whether any price is known."""
        return any(value is not None for value in self.columns["bid"])

    def spreads_bps(self) -> Values:
        """Return the ask above the bid, in basis points of their middle."""
        return [
            None if bid is None or ask is None else 2e4 * (ask - bid) / (ask + bid)
            for bid, ask in zip(self.columns["bid"], self.columns["ask"], strict=True)
        ]


def read_books(tape: Tape, market: str, span: Span, every: int) -> MarketQuotes:
    """Return quotes from the replayed book."""
    step = dt.timedelta(microseconds=every)
    scan = tape.top(market, *span, depth=1, every=step, add=_NEAR)
    rows = scan.to_arrow()
    columns = {
        name: rows[column].to_pylist()
        for name, column in zip(
            (*TOUCH, *_NEAR),
            ("bid_price_00", "bid_size_00", "ask_price_00", "ask_size_00", *_NEAR),
            strict=True,
        )
    }
    return MarketQuotes(market, rows["ts"].cast(_INT64).to_pylist(), columns)


def read_tickers(
    tape: Tape, market: str, span: Span, every: int, gaps: Sequence[Span]
) -> MarketQuotes:
    """Return quotes from tickers; each holds until the next one, or until its book is lost.

    `gaps` are all times when the book is not known, in order.
    """
    start, end = span
    grid = list(range(-(-start // every) * every, end, every))
    found = sorted(_read_last(tape, market, span, every), key=lambda row: row[0])
    columns: dict[str, Values] = {name: [] for name in TOUCH}
    row, gap = -1, 0
    known_since = start
    for instant in grid:
        while row + 1 < len(found) and found[row + 1][0] <= instant:
            row += 1
        while gap < len(gaps) and gaps[gap][1] <= instant:
            known_since = max(known_since, gaps[gap][1])
            gap += 1
        is_lost = gap < len(gaps) and gaps[gap][0] <= instant
        is_fresh = row >= 0 and found[row][0] >= known_since and not is_lost
        values = found[row][1] if is_fresh else (None,) * len(TOUCH)
        for name, value in zip(TOUCH, values, strict=True):
            columns[name].append(value)
    return MarketQuotes(market, grid, columns)


def _read_last(
    tape: Tape, market: str, span: Span, every: int
) -> Iterator[tuple[int, tuple[float | None, ...]]]:
    """Yield the last ticker of each session in each step of the grid, by receive time."""
    scan = tape.scan("ticker", market, *span).select("ts_recv", "session", *_COLUMNS)
    for batch in scan.batches():
        ts = batch.column("ts_recv").cast(_INT64)
        steps = pc.divide(pc.add(ts, every - 1), every)
        session = batch.column("session").indices
        is_last: Any = [
            pc.or_(
                pc.not_equal(steps[1:], steps[:-1]),
                pc.not_equal(session[1:], session[:-1]),
            ),
            pa.array([True] * bool(len(batch))),
        ]
        rows = batch.filter(pa.concat_arrays(is_last))
        values = zip(*(rows.column(name).to_pylist() for name in _COLUMNS), strict=True)
        yield from zip(rows.column("ts_recv").cast(_INT64).to_pylist(), values, strict=True)
