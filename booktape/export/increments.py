"""Finds a market's increments, the least steps of price and size: the exchange's, else inferred."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from booktape.answers.instruments import find_instrument_flushes, read_instruments
from booktape.export.days import Day


class Increments(Struct, frozen=True):
    """The steps of price and size as exact text, and the origin of each."""

    tick: str
    lot: str
    tick_from: str
    lot_from: str

    @property
    def decimals(self) -> tuple[int, int]:
        """Return the decimals of prices and of sizes."""
        return _count_decimals(self.tick), _count_decimals(self.lot)


def find_increments(day: Day, *, tick: str | None, lot: str | None) -> Increments:
    """Return the given steps, else those of `instruments`, else steps that fit all numbers seen."""
    said = _find_instrument(day)
    found = {}
    for name, given, column in (("tick", tick, "price"), ("lot", lot, "size")):
        if given is not None:
            found[name] = f"{Decimal(given):f}", "given"
        elif said and said[f"{column}_increment"]:
            found[name] = _to_text(said[f"{column}_increment"]), "instruments"
        elif said and said[f"{column}_decimals"] is not None:
            found[name] = f"{Decimal(1).scaleb(-said[f'{column}_decimals']):f}", "instruments"
        else:
            found[name] = day.seen[column].step, f"inferred from the {column}s seen"
    return Increments(found["tick"][0], found["lot"][0], found["tick"][1], found["lot"][1])


def _find_instrument(day: Day) -> dict[str, Any] | None:
    reading = day.reading
    flushes = list(find_instrument_flushes(reading.ledger, day.market.exchange, day.date))
    rows = read_instruments(reading.segments, flushes)
    own = rows.filter(pc.equal(rows["symbol"].cast(pa.string()), day.market.symbol)).to_pylist()
    return own[0] if own else None


def _to_text(number: float) -> str:
    return f"{Decimal(repr(number)).normalize():f}"


def _count_decimals(step: str) -> int:
    _, _, decimals = step.partition(".")
    return len(decimals.rstrip("0"))
