"""Exports a symbol-day for hftbacktest: levels a CPU second and memory of the whole command.

The day has 24 audits and a trade at each twentieth event, in 288 flushes of this market alone. The
benchmark exports it as recorded and as certified, and half of it to see whether memory grows.
"""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.day_tape import DATE, DAY, EXCHANGE, FLUSHES, write_flush
from benchmarks.days import FRIENDLY, START_US, make_day
from benchmarks.frames import SESSION
from benchmarks.results import Figure
from benchmarks.walk import ROOT
from booktape.replay.stream import BEGIN, BID, Batch
from booktape.tables import SCHEMAS
from booktape.times import DAY_US

LEVELS: Final = 3_000_000
SYMBOL: Final = "BTC-EUR"
EVENTS_A_TRADE: Final = 20
LATENCY_US: Final = 20_000
MEMORY_GOAL_MIB: Final = 400
# The process reports its own peak: a child's peak begins at that of its parent.
_COMMAND: Final = """
import sys
from booktape.commands.main import main
status = main(sys.argv[1:])
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(lines["VmHWM"].split()[0])
sys.exit(status)
"""


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure a day, the best of several, and the memory of half of it."""
    levels = write_day(folder / "whole", LEVELS)
    write_day(folder / "half", LEVELS // 2)
    recorded = [_export(folder, "whole", number) for number in range(rounds)]
    for tape in ("whole", "half"):
        _run("certify", str(folder / tape))
    _, small_kb = _export(folder, "half", 0)
    certified = [_export(folder, "whole", rounds + number) for number in range(rounds)]
    cost_s, large_kb = min(certified)
    stored = [_export(folder, "whole", 2 * rounds + number, "--stored") for number in range(rounds)]
    files = (folder / f"whole-{number}" for number in (rounds, 2 * rounds))
    sizes = [path.stat().st_size for each in files for path in each.glob("*.npz")]
    goal: dict[str, Any] = {"goal": 1_000_000, "better": "more"}
    return [
        Figure("levels", levels, ""),
        Figure("hftbacktest, as it was recorded: levels", levels / min(recorded)[0], "/CPU-s"),
        Figure("hftbacktest, a certified day: levels", levels / cost_s, "/CPU-s", **goal),
        Figure("... as files that are not compressed", levels / min(stored)[0], "/CPU-s", **goal),
        Figure("a level in a file, compressed", sizes[0] / levels, "B"),
        Figure("a level in a file, not compressed", sizes[1] / levels, "B"),
        Figure("peak memory", large_kb / 1024, "MiB", goal=MEMORY_GOAL_MIB),
        Figure("peak memory, all levels / half of them", large_kb / small_kb, "x", goal=1.2),
    ]


def write_day(root: Path, levels: int) -> int:
    """Write the tape; return the rows of its book."""
    book, trades = _make_tables(make_day(FRIENDLY, levels))
    numbers = book["event_number"].to_numpy()
    cuts = sorted({int(numbers[len(numbers) * part // FLUSHES]) for part in range(FLUSHES)})
    end = max(pc.max(rows["event_number"]).as_py() for rows in (book, trades)) + 1
    bounds = [*cuts, end]
    for first, end in pairwise(bounds):
        tables = {}
        for name, rows in (("book", book), ("trades", trades)):
            own = rows["event_number"].to_numpy()
            begin, stop = np.searchsorted(own, (first, end))
            if begin < stop:
                tables[name] = rows.slice(begin, stop - begin)
        write_flush(root, tables, end - 1)
    ended = {"kind": ["session_end"], "detail": [f'{{"reason":"stopped","events":{end + 1}}}']}
    row = {"ts_recv": [DAY + DAY_US - 1], "event_number": [end], "symbol": [None], **ended}
    write_flush(root, {"feed_events": _to_table("feed_events", row)}, end)
    count: int = book.num_rows
    return count


def _make_tables(day: Batch) -> tuple[pa.Table, pa.Table]:
    """Return the rows of a day as a tape has them; the numbers leave room for some trades."""
    action, event = day.action.to_numpy(), day.event_number.to_numpy()
    is_first = np.append(True, event[1:] != event[:-1])
    is_alone = np.append(is_first[1:], True) & is_first  # an empty snapshot
    kept = (action != BEGIN) | is_alone
    place = np.cumsum(is_first) - 1
    is_snapshot = event % 2 == 0
    epoch = np.maximum.accumulate(np.where(is_snapshot, place, 0))
    ts = day.ts.to_numpy() - START_US + DAY
    side = np.where(day.side.to_numpy() == BID, "bid", "ask")
    number = place + place // EVENTS_A_TRADE
    rows = {
        "ts_recv": ts,
        "ts_event": ts - LATENCY_US,
        "event_number": number,
        "sequence": place,
        "epoch": epoch + epoch // EVENTS_A_TRADE,
        "is_snapshot": is_snapshot,
        "is_checkpoint": np.zeros(len(ts), bool),
        "side": pa.array(side, mask=action == BEGIN),
        "price": pa.array(day.price.to_numpy(), mask=action == BEGIN),
        "size": pa.array(day.size.to_numpy(), mask=action == BEGIN),
    }
    ends = np.flatnonzero(is_first & (place % EVENTS_A_TRADE == 0) & (place > 0))
    sold = {
        "ts_recv": ts[ends],
        # The exchange sent some events out of order.
        "ts_event": ts[ends] - LATENCY_US - place[ends] % 7 * 1_000_000,
        "event_number": number[ends] - 1,
        "trade_id": [str(row) for row in ends],
        "side": side[ends],
        "price": np.nan_to_num(day.price.to_numpy()[ends]),
        "size": np.full(len(ends), 0.25),
    }
    keep = pa.array(kept)
    return _to_table("book", rows).filter(keep), _to_table("trades", sold)


def _to_table(table: str, columns: dict[str, Any]) -> pa.Table:
    schema = SCHEMAS[table]
    count = len(columns["ts_recv"])
    named = {"symbol": SYMBOL, "session": SESSION}
    found = []
    for field in schema:
        if field.name in columns:
            column = pa.array(columns[field.name])
        elif field.name in named:
            column = pa.repeat(pa.scalar(named[field.name]), count)
        else:
            column = pa.nulls(count)
        found.append(column.cast(field.type))
    return pa.Table.from_arrays(found, schema=schema)


def _export(folder: Path, tape: str, number: int, *more: str) -> tuple[float, int]:
    """Return the CPU seconds of an export, and its peak memory in KiB."""
    out = ("--out", str(folder / f"{tape}-{number}"), "--tape", str(folder / tape))
    steps = ("--tick", "0.5", "--lot", "0.000001")
    market = f"{EXCHANGE}:{SYMBOL}"
    return _run("export", market, "--to", "hftbacktest", "--date", DATE, *steps, *out, *more)


def _run(*arguments: str) -> tuple[float, int]:
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    after = getrusage(RUSAGE_CHILDREN)
    cost = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cost, int(done.stdout.split()[-1])
