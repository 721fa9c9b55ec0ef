"""Measures replays of a symbol-day into best levels: both engines, beside common tools.

CPU seconds, by turns in one run; each is given as levels a second. DuckDB's SQL and pandas' loop
get the first hour alone, for they would take minutes for a day.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

import duckdb
import pyarrow as pa
from pyarrow import parquet

from benchmarks.days import DAY_US, FRIENDLY, HOSTILE, START_US, make_day, to_stream
from benchmarks.results import Figure
from benchmarks.usage import peak_bytes
from benchmarks.walk import ROOT
from booktape.replay.fast import FastEngine
from booktape.replay.plain import PlainEngine
from booktape.replay.rows import Batch, Layout
from booktape.replay.stream import Batch as Rows

DEPTH: Final = 25
SECOND_US: Final = 1_000_000
HOUR_US: Final = 3600 * SECOND_US
MIB: Final = 1024 * 1024
MEMORY_LEVELS: Final = 500_000
# The common tools: a name, the interpreter, a script, and the meaning of each line that it prints,
# with the goal of the plain engine.
_OTHERS: Final = (
    (
        "pandas",
        ROOT / ".venv-bench" / "bin" / "python",  # made by `make bench`
        "groups.py",
        (("a loop over each event's rows", 5), ("a loop over each second's rows", None)),
    ),
    (
        "NautilusTrader's OrderBook",
        ROOT / ".venv-exports" / "bin" / "python",  # made by `make test-exports`
        "nautilus_book.py",
        (("a delta at a time", None),),
    ),
)
_SQL: Final = """
with epochs as (
    select *, row_number() over () as place, sum((action = 1)::int) over (order by rowid) as epoch
    from day
), ends as (select epoch - 1 as epoch, ts as over from epochs where action = 1),
spans as (
    select ts, side, price, size, coalesce(
        lead(ts) over (partition by epoch, side, price order by place), over, {end}
    ) as until
    from epochs left join ends using (epoch) where action = 0
), grid as (select unnest(generate_series({start}, {end} - 1, {every})) as t),
ranked as (
    select t, side, price, size, row_number() over (
        partition by t, side order by case when side = 0 then -price else price end
    ) as level
    from grid join spans on t >= ts and t < until where size > 0
)
select t, side, level, price, size from ranked where level <= {depth}
"""


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure all ways; the plain ones once."""
    figures = []
    rates = {}
    for name, nature in (("friendly", FRIENDLY), ("hostile", HOSTILE)):
        day = make_day(nature)
        for way, every in (("1 s grid", SECOND_US), ("each change", None)):
            rates[name, way] = median(_rate(FastEngine, day, every) for _ in range(rounds))
            label = f"fast, {name} day of {len(day.ts):,} levels, {way}: levels"
            figures.append(Figure(label, rates[name, way], "/CPU-s"))
        if nature is FRIENDLY:
            figures += _compare(folder, day, rates[name, "1 s grid"])
    label = f"peak memory of each change of {MEMORY_LEVELS:,} levels, their dice included"
    figures.append(Figure(label, measure_memory(), "MiB", goal=400))
    return figures


def measure_memory() -> float:
    """Return the peak memory, in MiB, of a process that reads each change of many levels."""
    code = "from benchmarks import replay; replay.draw_changes()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout) / MIB


def draw_changes() -> None:
    """Print the peak memory of this process after it has read each change and kept none."""
    day = make_day(HOSTILE, MEMORY_LEVELS)
    for _ in _replay(FastEngine, day, START_US, START_US + DAY_US, None):
        pass
    print(peak_bytes(os.getpid()))


def _compare(folder: Path, day: Rows, fast: float) -> list[Figure]:
    hour = _first_hour(day)
    table = pa.table(dict(zip(Rows._fields, hour, strict=True)))
    plain = _rate(PlainEngine, day, SECOND_US)
    expected = _count_levels(_replay(PlainEngine, hour, START_US, START_US + HOUR_US, SECOND_US))
    sql = len(hour.ts) / _timed(lambda: _query(table, expected))
    figures = [
        Figure("plain, 1 s grid: levels", plain, "/CPU-s"),
        Figure("DuckDB's SQL, an hour, 1 s grid: levels", sql, "/CPU-s"),
        Figure("fast / DuckDB's SQL", fast / sql, "x", goal=100, better="more"),
    ]
    hours = folder / "hour.parquet"
    parquet.write_table(table, hours)
    for name, python, script, lines in _OTHERS:
        if not python.exists():
            print(f"without {name}: there is no {python}", file=sys.stderr)
            continue
        command = [str(python), str(Path(__file__).parent / script), str(hours), str(DEPTH)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        for line, (what, goal) in zip(done.stdout.splitlines(), lines, strict=True):
            rate = len(hour.ts) / float(line.split()[0])
            figures += [
                Figure(f"{name}, {what}: levels", rate, "/CPU-s"),
                Figure(f"plain / {name}, {what}", plain / rate, "x", goal=goal, better="more"),
            ]
    return figures


def _query(table: pa.Table, expected: int) -> None:
    with duckdb.connect() as connection:
        connection.register("rows", table)
        connection.execute("create table day as select * from rows")
        question = _SQL.format(start=START_US, end=START_US + HOUR_US, every=SECOND_US, depth=DEPTH)
        connection.execute(f"create table answer as {question}")
        found = connection.execute("select count(*) from answer").fetchall()
    assert [(expected,)] == found


def _first_hour(day: Rows) -> Rows:
    count = sum(ts < START_US + HOUR_US for ts in day.ts.to_pylist())
    return Rows(*(column[:count] for column in day))


def _rate(engine: Any, day: Rows, every: int | None) -> float:
    def draw() -> None:
        for _ in _replay(engine, day, START_US, START_US + DAY_US, every):
            pass

    return len(day.ts) / _timed(draw)


def _timed(work: Callable[[], None]) -> float:
    begin_s = time.process_time()
    work()
    return time.process_time() - begin_s


def _replay(engine: Any, day: Rows, start: int, end: int, every: int | None) -> Any:
    layout, stream = Layout(DEPTH), to_stream(day)
    made = engine(stream, depth=DEPTH, bands=(), rows_max=layout.rows_max)
    blocks = made.changes(start, end) if every is None else made.grid(start, end, every)
    return (layout.make_batch(block, stream.sessions) for block in blocks)


def _count_levels(batches: Any) -> int:
    def count(batch: Batch) -> int:
        names = [name for name in batch.schema.names if "price" in name]
        return sum(len(batch) - batch[name].null_count for name in names)

    return sum(count(batch) for batch in batches)
