"""Measures a cold reading: its import, and one book out of many files, beside DuckDB.

Each figure is of a process of its own. The tape is the sample, a flush each second: as many files
as a day has, and few rows in each.
"""

import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Final

from benchmarks.results import Figure
from benchmarks.walk import ROOT
from booktape.sample.flushes import cut_flushes
from booktape.sample.story import SECOND, tell_story
from booktape.sample.tape import SEED, make_histories

MOMENT: Final = "2026-09-21 12:00:59.5+00:00"
_IMPORT: Final = """
import time
begin_s = time.process_time()
import {names}
print(time.process_time() - begin_s)
"""
_BOOK: Final = """
import booktape
book = booktape.open({root!r}).book_at("bitvavo:BTC-EUR", {moment!r})
print(len(book.bids), len(book.asks))
"""
# The last session that has a snapshot up to then, and the last size of each price since it.
_SQL: Final = """
import duckdb
rows = duckdb.sql('''
with book as (
    select * from read_parquet('{root}/tape/book/exchange=bitvavo/*/*.parquet')
    where symbol = 'BTC-EUR' and ts_recv <= timestamptz '{moment}'
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


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure each way by turns; say the medians."""
    files = _write_tape(folder)
    imports = {
        names: median(float(_run(_IMPORT.format(names=names))[0]) for _ in range(rounds))
        for names in ("json, pathlib", "booktape")
    }
    ours, theirs = [], []
    for _ in range(rounds):
        book, cost = _run(_BOOK.format(root=str(folder), moment=MOMENT))
        ours.append(cost)
        answer, cost = _run(_SQL.format(root=folder, moment=MOMENT))
        theirs.append(cost)
        assert book == answer
    ratio = imports["booktape"] / imports["json, pathlib"]
    return [
        Figure("import booktape", imports["booktape"] * 1000, "CPU-ms", goal=100),
        Figure("import booktape / import json, pathlib", ratio, "x", goal=3),
        Figure(f"book_at, cold, from {files} files", median(ours), "CPU-s"),
        Figure("the same by DuckDB's SQL", median(theirs), "CPU-s"),
        Figure("book_at / DuckDB's SQL", median(ours) / median(theirs), "x", goal=2),
    ]


def _write_tape(root: Path) -> int:
    """Write the sample in flushes of a second; return how many files of books Bitvavo has."""
    for recording in tell_story(make_histories(SEED)):
        for flush in cut_flushes(
            recording.session, recording.exchange, recording.number(), interval_us=SECOND
        ):
            flush.write(root)
    return len(list((root / "tape" / "book" / "exchange=bitvavo").rglob("*.parquet")))


def _run(code: str) -> tuple[str, float]:
    """Return what a process prints, and its CPU seconds."""
    before = getrusage(RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    after = getrusage(RUSAGE_CHILDREN)
    cost = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return done.stdout.strip(), cost
