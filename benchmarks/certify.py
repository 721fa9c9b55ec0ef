"""Measures time and memory to certify a day of 20 million levels, beside pyarrow's concatenation.

Each runs in its own process. The concatenation reads file by file and writes one file with the
options of a certified day, in the order of the rows' receipt.
"""

import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Final

from msgspec import Struct

from benchmarks.day_tape import DATE, FLUSHES, write_day
from benchmarks.results import Figure
from benchmarks.walk import ROOT

LOOK_S: Final = 0.25  # at the temporary folder
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
# The process reports its own peak: a child's peak begins at that of its parent.
_CERTIFY: Final = """
import os, sys
os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # as the command has it before it loads Arrow
from booktape.certify import bounds
from booktape.commands.main import main
bounds.NICE = 0  # it yields to others on a machine of theirs; here it would be measured for ever
status = main(["certify", sys.argv[1], "--temp", sys.argv[2]])
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(lines["VmHWM"].split()[0], lines["VmData"].split()[0])
sys.exit(status)
"""

# A top each minute, and every row; both ways must print the same.
_READ: Final = """
import hashlib, sys
import booktape
root, is_certified, date = sys.argv[1:]
tape = booktape.open(root, certified=is_certified == "True")
span = "bitvavo:BTC-EUR", f"{date}T00:00Z", f"{date}T23:59:59Z"
digest = hashlib.sha256(str(tape.top(*span, depth=25, every="1m").to_arrow().to_pylist()).encode())
for batch in tape.scan("book", *span).batches():
    for column in ("event_number", "price", "size"):
        digest.update(batch.column(column).to_string(window=batch.num_rows).encode())
print(digest.hexdigest())
"""


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure both ways by turns, the best of each; and the memory at half the rows."""
    half, whole = folder / "half", folder / "whole"
    write_day(half, flushes=FLUSHES // 2)
    rows = write_day(whole)
    size = sum(path.stat().st_size for path in (whole / "tape/book").rglob("*.parquet"))
    small = _certify(half, folder / "temp")
    ours, theirs = [], []
    concatenate = [sys.executable, "-c", _CONCATENATE, str(whole), str(folder / "one.parquet")]
    for _ in range(rounds):
        theirs.append(_run(concatenate)[0])
        shutil.rmtree(whole / "daily", ignore_errors=True)
        ours.append(_certify(whole, folder / "temp"))
    best, large = min(one.cpu_s for one in ours), ours[-1]
    growth = large.peak_kb / small.peak_kb
    files = list((whole / "daily/book").rglob("*.parquet"))
    certified = sum(path.stat().st_size for path in files)
    shutil.rmtree(folder / "temp", ignore_errors=True)
    return [
        Figure("rows", rows, ""),
        Figure("certify", best / rows * 1e9, "CPU-ns a level"),
        Figure("concatenating by pyarrow", min(theirs) / rows * 1e9, "CPU-ns a level"),
        Figure("certify / concatenating", best / min(theirs), "x", goal=1.5),
        Figure("peak memory", large.peak_kb / 1024, "MiB", goal=400),
        Figure("peak memory, all rows / half of them", growth, "x", goal=1.1),
        Figure("temporary disk / the day's segments", large.disk_bytes / size, "x", goal=2),
        Figure("a level, as recorded", size / rows, "B"),
        Figure("a level, certified", certified / rows, "B"),
        Figure("a level, concatenated", (folder / "one.parquet").stat().st_size / rows, "B"),
        *_read(whole, rounds),
    ]


def _read(tape: Path, rounds: int) -> list[Figure]:
    """Read one market's day from the segments and from the certified files: the answers agree."""
    costs: dict[str, list[float]] = {"False": [], "True": []}
    said = set()
    for _ in range(rounds):
        for is_certified, found in costs.items():
            cost, text = _run([sys.executable, "-c", _READ, str(tape), is_certified, DATE])
            found.append(cost)
            said.add(text)
    if len(said) != 1:
        raise RuntimeError(f"the answers differ: {said}")
    segments, certified = (min(found) for found in costs.values())
    return [
        Figure("a market's day from 288 segments", segments * 1e3, "CPU-ms"),
        Figure("the same from certified files", certified * 1e3, "CPU-ms"),
        Figure(
            "from segments / from certified files",
            segments / certified,
            "x",
            goal=1.0,
            better="more",
        ),
    ]


class _Certified(Struct, frozen=True):
    """The costs of one run of certify: CPU, memory, the peak of its temporary folder."""

    cpu_s: float
    peak_kb: int
    disk_bytes: int


def _certify(tape: Path, temporary: Path) -> _Certified:
    before = getrusage(RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _CERTIFY, str(tape), str(temporary)]
    most = 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.poll() is None:
            most = max(most, _measure_disk(temporary))
            time.sleep(LOOK_S)
        said = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"certify ended with status {process.returncode}")
    after = getrusage(RUSAGE_CHILDREN)
    cost = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return _Certified(cost, int(said.split()[-2]), most)


def _measure_disk(folder: Path) -> int:
    """Return the bytes of all files; somebody may remove one meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def _run(command: list[str]) -> tuple[float, str]:
    """Return the CPU seconds and the output of a process."""
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    after = getrusage(RUSAGE_CHILDREN)
    cost = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cost, done.stdout
