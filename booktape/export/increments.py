"""Finds a market's increments, the least steps of price and size: the exchange's, else as seen."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.answers.instruments import find_instrument_flushes, read_instruments
from booktape.books.spans import Piece
from booktape.books.stitch import find_legs
from booktape.books.stitched import read_leg_rows
from booktape.export.days import Day

SEEN_MAX: Final = 1_000_000  # different prices that are looked at


class Increments(Struct, frozen=True):
    """A price's step and a size's step, as text that is exact, and where each is from."""

    tick: str
    lot: str
    tick_from: str
    lot_from: str

    @property
    def decimals(self) -> tuple[int, int]:
        """Return the decimals of prices and of sizes."""
        return _count_decimals(self.tick), _count_decimals(self.lot)


def find_increments(day: Day, *, tick: str | None, lot: str | None) -> Increments:
    """Return the steps that are given, else those of `instruments`, else what all seen fit."""
    said = _find_instrument(day)
    found = {}
    for name, given, column in (("tick", tick, "price"), ("lot", lot, "size")):
        if given is not None:
            found[name] = given, "given"
        elif said and said[f"{column}_increment"]:
            found[name] = _to_text(said[f"{column}_increment"]), "instruments"
        elif said and said[f"{column}_decimals"] is not None:
            found[name] = f"{Decimal(1).scaleb(-said[f'{column}_decimals']):f}", "instruments"
        else:
            found[name] = infer_step(_find_seen(day, column)), f"inferred from the {column}s seen"
    return Increments(found["tick"][0], found["lot"][0], found["tick"][1], found["lot"][1])


def count_seen_decimals(day: Day) -> tuple[int, int]:
    """Return the most decimals of the day's prices, and of its sizes, trades included."""
    trades = day.trades
    found = []
    for column in ("price", "size"):
        seen = _find_seen(day, column)
        if trades.num_rows:
            seen |= set(trades[column].to_pylist())
        found.append(max((_count_decimals(_to_text(value)) for value in seen), default=0))
    return found[0], found[1]


def infer_step(values: Iterable[float]) -> str:
    """Return the greatest number of which all are multiples; each as its shortest text says it."""
    fractions = [Fraction(Decimal(repr(value))) for value in values if value]
    if not fractions:
        return "1"
    scale = lcm(*(each.denominator for each in fractions))
    step = Fraction(gcd(*(int(each * scale) for each in fractions)), scale)
    return f"{Decimal(step.numerator) / Decimal(step.denominator):f}"


def _find_instrument(day: Day) -> dict[str, Any] | None:
    reading = day.reading
    flushes = list(find_instrument_flushes(reading.ledger, day.market.exchange, day.date))
    rows = read_instruments(reading.segments, flushes)
    own = rows.filter(pc.equal(rows["symbol"].cast(pa.string()), day.market.symbol)).to_pylist()
    return own[0] if own else None


def _find_seen(day: Day, column: str) -> set[float]:
    seen: set[float] = set()
    for leg in find_legs(day.market, day.start, day.end):
        if isinstance(leg, Piece):
            continue
        for rows in read_leg_rows(day.market, leg):
            seen.update(pc.unique(rows[column].drop_null()).to_pylist())
            if len(seen) > SEEN_MAX:
                return seen
    return seen


def _to_text(number: float) -> str:
    return f"{Decimal(repr(number)).normalize():f}"


def _count_decimals(step: str) -> int:
    _, _, decimals = step.partition(".")
    return len(decimals.rstrip("0"))
