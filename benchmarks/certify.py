"""Measures time and memory to certify a day of 20 million levels, beside pyarrow's concatenation.

Each is a process of its own. The concatenation reads file by file and writes one with the same
options as a certified day has, in the order in which rows came.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Final

from benchmarks.day_tape import FLUSHES, write_day
from benchmarks.results import Figure
from benchmarks.walk import ROOT

_CONCATENATE: Final = """
import sys
from pathlib import Path
import pyarrow as pa
from pyarrow import parquet
from booktape.certify.daily_file import GROUP_ROWS_MAX, daily_options
from booktape.tables import SCHEMAS

pa.set_cpu_count(1)
paths = sorted(Path(sys.argv[1]).rglob("tape/book/**/*.parquet"))
with parquet.ParquetWriter(sys.argv[2], SCHEMAS["book"], **daily_options("book")) as writer:
    held, rows = [], 0
    for path in paths:
        held.append(parquet.ParquetFile(path).read(use_threads=False))
        rows += held[-1].num_rows
        if rows >= GROUP_ROWS_MAX or path == paths[-1]:
            writer.write_table(pa.concat_tables(held), row_group_size=GROUP_ROWS_MAX)
            held, rows = [], 0
"""
# The peak is the process's own: a child's first is that of the parent it was forked from.
_CERTIFY: Final = """
import sys
from booktape.commands.main import main
status = main(["certify", sys.argv[1], "--temp", sys.argv[2]])
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(lines["VmHWM"].split()[0], lines["VmData"].split()[0])
sys.exit(status)
"""


def run(folder: Path) -> list[Figure]:
    """Measure both ways, and the memory at half the rows."""
    half, whole = folder / "half", folder / "whole"
    write_day(half, flushes=FLUSHES // 2)
    rows = write_day(whole)
    size = sum(path.stat().st_size for path in (whole / "tape/book").rglob("*.parquet"))
    _, small_kb = _certify(half, folder / "temp")
    theirs, _ = _run([sys.executable, "-c", _CONCATENATE, str(whole), str(folder / "one.parquet")])
    ours, large_kb = _certify(whole, folder / "temp")
    files = list((whole / "daily/book").rglob("*.parquet"))
    certified = sum(path.stat().st_size for path in files)
    shutil.rmtree(folder / "temp", ignore_errors=True)
    return [
        Figure("rows", rows, ""),
        Figure("certify", ours / rows * 1e9, "CPU-ns a level"),
        Figure("concatenating by pyarrow", theirs / rows * 1e9, "CPU-ns a level"),
        Figure("certify / concatenating", ours / theirs, "x", goal=1.5),
        Figure("peak memory", large_kb / 1024, "MiB", goal=400),
        Figure("peak memory, all rows / half of them", large_kb / small_kb, "x", goal=1.1),
        Figure("a level, as recorded", size / rows, "B"),
        Figure("a level, certified", certified / rows, "B"),
    ]


def _certify(tape: Path, temporary: Path) -> tuple[float, int]:
    cost, said = _run([sys.executable, "-c", _CERTIFY, str(tape), str(temporary)])
    return cost, int(said.split()[-2])


def _run(command: list[str]) -> tuple[float, str]:
    """Return the CPU seconds of a process, and what it prints."""
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    after = getrusage(RUSAGE_CHILDREN)
    cost = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cost, done.stdout
