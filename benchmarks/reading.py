"""Measures a cold reading: an import, one book, a day of best prices, beside DuckDB and pyarrow.

Each figure comes from a separate process with compiled modules. One book comes from a day of 17
million rows in 280 files, another from the sample, with a flush each second: many files of few
rows. The best prices are those of a symbol-day of a million levels in one file.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Final

from benchmarks.day_tape import DAY
from benchmarks.hours import SYMBOLS, write_hours
from benchmarks.results import Figure
from benchmarks.symbol_day import write_symbol_day
from benchmarks.walk import ROOT
from booktape.sample.flushes import cut_flushes
from booktape.sample.story import SECOND, tell_story
from booktape.sample.tape import SEED, make_histories
from booktape.times import DAY_US, to_datetime

# In the last minute of an hour a reader needs all flushes since the checkpoint.
LATE: Final = str(to_datetime(DAY + (9 * 3600 + 58 * 60) * SECOND + SECOND // 2))
MOMENT: Final = "2026-09-21 12:00:59.5+00:00"
_IMPORT: Final = """
import time
begin_s = time.process_time()
import {names}
print(time.process_time() - begin_s)
"""
_BOOK: Final = """
import booktape
book = booktape.open({root!r}).book_at("bitvavo:{symbol}", "{moment}")
print(len(book.bids), len(book.asks))
"""
# The last session with a snapshot up to then, and the last size of each price since.
_SQL: Final = """
import duckdb
rows = duckdb.sql('''
with book as (
    select * from read_parquet('{root}/tape/book/exchange=bitvavo/*/*.parquet')
    where symbol = '{symbol}' and ts_recv <= timestamptz '{moment}'
), opening as (
    select session, max(event_number) as first from book
    where is_snapshot group by session order by session desc limit 1
), levels as (
    select side, price, arg_max(size, event_number) as size from book join opening using (session)
    where event_number >= first and side is not null group by side, price
)
select count(*) filter (side = 'bid'), count(*) filter (side = 'ask') from levels where size > 0
''').fetchall()
print(*rows[0])
"""
_TOP: Final = """
import time, booktape
def draw(): return sum(len(rows) for rows in booktape.open({root!r}).top(
    "bitvavo:BTC-EUR", {start}, {end}, depth=25, every="1s").batches())
draw()
begin_s = time.process_time()
for _ in range({more}):
    draw()
print(time.process_time() - begin_s)
"""
_COLUMNS: Final = """
from pyarrow import parquet
[file] = {files!r}
columns = ["ts_recv", "event_number", "epoch", "is_snapshot", "is_checkpoint", "side", "price"]
print(len(parquet.ParquetFile(file).read(columns=[*columns, "size"])))
"""


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure each way by turns; return the medians."""
    # As with an installed library, whatever this process is told.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    sample, hours, day = folder / "sample", folder / "hours", folder / "day"
    books = {
        f"a day of {write_hours(hours)} files": (hours, SYMBOLS[7], LATE, 2),
        f"{_write_sample(sample)} files of a second": (sample, "BTC-EUR", MOMENT, None),
    }
    figures = _measure_imports(environment, rounds)
    for name, (root, symbol, moment, goal) in books.items():
        place = {"root": str(root), "symbol": symbol, "moment": moment}
        ways = {"ours": _BOOK.format(**place), "theirs": _SQL.format(**place)}
        said, costs = _take_turns(ways, environment, rounds)
        assert said["ours"] == said["theirs"]
        figures += [
            Figure(f"book_at, cold, from {name}", costs["ours"], "CPU-s"),
            Figure("the same by DuckDB's SQL", costs["theirs"], "CPU-s"),
            Figure("book_at / DuckDB's SQL", costs["ours"] / costs["theirs"], "x", goal=goal),
        ]
    return figures + _measure_top(day, environment, rounds)


def _measure_imports(environment: Mapping[str, str], rounds: int) -> list[Figure]:
    costs = {
        names: median(
            float(_run(_IMPORT.format(names=names), environment)[0]) for _ in range(rounds + 1)
        )
        for names in ("json, pathlib", "booktape")
    }
    ratio = costs["booktape"] / costs["json, pathlib"]
    return [
        Figure("import booktape", costs["booktape"] * 1000, "CPU-ms", goal=100),
        Figure("import booktape / import json, pathlib", ratio, "x", goal=3),
    ]


def _measure_top(root: Path, environment: Mapping[str, str], rounds: int) -> list[Figure]:
    rows = write_symbol_day(root)
    files = [str(path) for path in root.rglob("*.parquet")]
    place = {"root": str(root), "start": DAY, "end": DAY + DAY_US}
    ways = {
        "cold": _TOP.format(**place, more=0),
        "warm": _TOP.format(**place, more=3),
        "columns": _COLUMNS.format(files=files),
    }
    said, costs = _take_turns(ways, environment, rounds)
    name = f"a symbol-day of {rows:,} levels"
    return [
        Figure(f"top, depth 25, every second, cold: {name}", costs["cold"], "CPU-s"),
        Figure("top, depth 25, every second, warm", float(said["warm"]) / 3, "CPU-s"),
        Figure("its columns by pyarrow, cold", costs["columns"], "CPU-s"),
        Figure("top, cold / its columns by pyarrow", costs["cold"] / costs["columns"], "x"),
    ]


def _write_sample(root: Path) -> int:
    """Write the sample in flushes of a second; return how many files of books Bitvavo has."""
    for recording in tell_story(make_histories(SEED)):
        for flush in cut_flushes(
            recording.session, recording.exchange, recording.number(), interval_us=SECOND
        ):
            flush.write(root)
    return len(list((root / "tape" / "book" / "exchange=bitvavo").rglob("*.parquet")))


def _take_turns(
    ways: Mapping[str, str], environment: Mapping[str, str], rounds: int
) -> tuple[dict[str, str], dict[str, float]]:
    """Return what each way prints, and its median CPU seconds; the first turn does not count."""
    turns = [
        {name: _run(code, environment) for name, code in ways.items()} for _ in range(rounds + 1)
    ]
    costs = {name: median(turn[name][1] for turn in turns[1:]) for name in ways}
    return {name: turns[-1][name][0] for name in ways}, costs


def _run(code: str, environment: Mapping[str, str]) -> tuple[str, float]:
    """Return what a process prints, and its CPU seconds."""
    before = getrusage(RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    after = getrusage(RUSAGE_CHILDREN)
    cost = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return done.stdout.strip(), cost
