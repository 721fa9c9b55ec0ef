"""Opens one tape as a pair, by the library and by the reference, to find differences."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, zip_longest
from math import isclose
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
from msgspec import Struct

import booktape
from tests.support.reference.reader import Market, Reference
from tests.support.tape_lines import show_time

DIFFERENCES_MAX: Final = 5  # shown of one call
SAME: Final = 1e-9  # the two may compute sums and quotients in another order
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MARGIN: Final = 2_000_000  # µs before and behind all that the tape knows


class Pair(Struct):
    """One tape as both read it."""

    tape: Any
    reference: Reference

    def bounds(self) -> tuple[int, int]:
        """Return a range that begins before all rows of the tape, and ends behind all spans."""
        times = [one.ts_recv for session in self.reference.sessions for one in session.events]
        ends = [span.end for span in self.reference.spans]
        last = max(ends) if ends else max(times)
        return min(times) - _MARGIN, last + _MARGIN

    def edges(self, market: Market) -> list[int]:
        """Return every span's start, end and end - 1 µs."""
        spans = self.reference.spans_of(*market)
        return sorted({at for one in spans for at in (one.start, one.end - 1, one.end)})

    def random_instants(self, market: Market, count: int) -> list[int]:
        """Return instants of the range, half of them at a change of the book or beside it."""
        random = Random(f"{market} {count}")
        start, end = self.bounds()
        spans = self.reference.spans_of(*market)
        changes = [change.effective for span in spans for change in span.changes] or [start]
        near = [random.choice(changes) + random.choice((-1, 0, 1)) for _ in range(count // 2)]
        return sorted(near + [random.randrange(start, end) for _ in range(count - len(near))])


def name_of(market: Market) -> str:
    """Return a market as the library has it."""
    return ":".join(market)


def open_pair(folder: Path) -> Pair:
    """Return a tape as both read it."""
    return Pair(booktape.open(folder), Reference(folder))


def rows_of(scan: Any) -> list[dict[str, Any]]:
    """Return the rows of a scan, each time as a whole number of microseconds."""
    table: pa.Table = scan.to_arrow()
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            whole = table[field.name].cast(pa.int64())
            table = table.set_column(place, field.name, whole)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def compare_rows(call: str, wanted: Sequence[Any], found: Sequence[Any]) -> list[str]:
    """Return the differences between the rows of one call."""
    missing = object()
    pairs = zip_longest(wanted, found, fillvalue=missing)
    return first(
        f"{call} row {place}: wanted {_show(one)}, found {_show(other)}"
        for place, (one, other) in enumerate(pairs)
        if not is_same(one, other)
    )


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are one, but for the last digits of a computation."""
    if isinstance(one, dict) and isinstance(other, dict):
        # The columns are a contract, and so is their order.
        return list(one) == list(other) and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=SAME, abs_tol=SAME)
    return type(one) is type(other) and bool(one == other)


def first(differences: Iterable[str]) -> list[str]:
    """Return the first few of them."""
    return list(islice(differences, DIFFERENCES_MAX))


def microseconds(moment: datetime) -> int:
    """Return an aware time in microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def delta(us: int) -> timedelta:
    """Return a stretch of time as the library takes it."""
    return timedelta(microseconds=us)


def _show(value: Any) -> str:
    if isinstance(value, dict) and "ts" in value:
        return f"{show_time(value['ts'])} {value}"
    return "no row" if type(value) is object else str(value)
