"""Holds the rows of exported files against the tape's, field by field."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from booktape.keys import day_of
from booktape.opening import open_tape
from booktape.times import DAY_US
from tests.support.catalog_reader import NS_OF_US, CatalogRow
from tests.support.stepped import Steps, read_known
from tests.support.tardis_reader import Sides, read_rows

FLAT_DEPTH, FLAT_STEP_US, FLAT_STEPS_MAX = 5, 100_000, 6_000
MINUTE_US = 60_000_000  # as far as the clock of an exchange may be ahead
_AGGRESSORS = {"buy": "BUYER", "sell": "SELLER", None: "NO_AGGRESSOR"}
_TRADED = ("ts", "ts_recv", "trade_id", "side", "price", "size")
_SET = ("side", "price", "size", "sequence", "ts_event", "ts_recv", "is_snapshot")


def check_changes(root: Path, market: str, date: str, rows: list[CatalogRow]) -> None:
    """Hold every level that a delta sets against the catalog: side, numbers, sequence, times."""
    span = f"{date}T00:00Z", f"{date}T23:59:59.999999Z"
    tape = open_tape(root).scan("book", market, *span, stitched=True).to_arrow()
    there = {
        (row.side, float(row.price), float(row.size), row.sequence, row.ts_event, row.ts_init)
        for row in rows
    }
    for side, price, size, sequence, ts_event, ts, is_snapshot in _list(tape, _SET):
        if size and not is_snapshot:
            happened = ts if ts_event is None else ts_event
            times = happened * NS_OF_US, ts * NS_OF_US
            assert (side, price, size, max(sequence or 0, 0), *times) in there


def check_ticks(root: Path, market: str, date: str, path: Path) -> None:
    """Hold every trade of a catalog against the tape's."""
    ours = {
        (trade_id, price, size, _AGGRESSORS[side], ts * NS_OF_US, ts_recv * NS_OF_US)
        for ts, ts_recv, trade_id, side, price, size in _list_trades(root, market, date)
    }
    for each in map(json.loads, path.read_text().splitlines()):
        numbers = float(each["price"]), float(each["size"])
        named = each["trade_id"], *numbers, each["aggressor_side"]
        assert (*named, each["ts_event"], each["ts_init"]) in ours


def check_tops(root: Path, market: str, path: Path, depth: int) -> None:
    """Hold every row of best levels against the tape's book of that moment."""
    rows = list(read_rows(path))
    moments = [int(row["local_timestamp"]) for row in rows]
    assert moments == sorted(set(moments))
    names = {
        side: [(f"{side}s[{n}].price", f"{side}s[{n}].amount") for n in range(depth)]
        if depth > 1
        else [(f"{side}_price", f"{side}_amount")]
        for side in ("bid", "ask")
    }
    for row, sides in zip(rows, read_known(root, market, moments), strict=True):
        for side, own in names.items():
            found = [tuple(float(row[n]) if row[n] else None for n in pair) for pair in own]
            assert _find_best(sides, side, depth) == found


def check_trades(root: Path, market: str, date: str, path: Path) -> None:
    """Hold a file's trades against the tape's: the same ones."""
    expected = [
        (*row[:3], row[3] or "unknown", *row[4:]) for row in _list_trades(root, market, date)
    ]
    found = []
    for row in read_rows(path):
        times = int(row["timestamp"]), int(row["local_timestamp"])
        found.append((*times, row["id"], row["side"], float(row["price"]), float(row["amount"])))
    assert sorted(expected) == sorted(found)


def compare_flat(root: Path, market: str, path: Path, span: tuple[int, int]) -> Steps:
    """Compare rows of flat best levels, between two moments."""
    table = parquet.read_table(path)
    first = table["ts"].cast("int64")[0].as_py()
    begin, end = ((ts - first) // FLAT_STEP_US for ts in span)
    table = table.slice(begin + 1, min(end - begin - 1, FLAT_STEPS_MAX))
    moments = table["ts"].cast("int64").to_pylist()
    steps = Steps()
    for row, sides in zip(table.to_pylist(), read_known(root, market, moments), strict=True):
        is_right = (row["session"] is None) == (sides is None)
        for side in ("bid", "ask"):
            names = [(f"{side}_price_{n:02}", f"{side}_size_{n:02}") for n in range(FLAT_DEPTH)]
            found = [tuple(row[name] for name in pair) for pair in names]
            is_right &= _find_best(sides, side, FLAT_DEPTH) == found
        steps.add(is_known=sides is not None, is_right=is_right)
    return steps


def _find_best(sides: Sides | None, side: str, depth: int) -> list[tuple[float | None, ...]]:
    """Return the best levels of a side; None where there are no more."""
    levels = (sides or {side: {}})[side].items()
    best: list[tuple[float | None, ...]] = [*sorted(levels, reverse=side == "bid")[:depth]]
    return best + [(None, None)] * (depth - len(best))


def _list_trades(root: Path, market: str, date: str) -> list[tuple[Any, ...]]:
    """Return the trades that were received on a day: those of lists are of earlier ones too."""
    start = day_of(date) * DAY_US
    span = start - 2 * DAY_US, start + DAY_US + MINUTE_US
    trades = _list(open_tape(root).trades(market, *span).to_arrow(), _TRADED)
    return [row for row in trades if start <= row[1] < start + DAY_US]


def _list(table: pa.Table, names: Iterable[str]) -> list[tuple[Any, ...]]:
    """Return rows, times as µs."""
    columns = [table[name] for name in names]
    numbers = [c.cast("int64") if pa.types.is_timestamp(c.type) else c for c in columns]
    return list(zip(*(column.to_pylist() for column in numbers), strict=True))
