"""A clock that is set, back or forward, under real processes: a row, and nothing lost or moved."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.process.status import IngestReport, read
from tests.process.standing import WAIT_S, wait_until
from tests.support.judge import judge
from tests.support.simulators import Simulator, booktape
from tests.support.tape_reader import query

LIBRARIES = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not LIBRARIES, reason="needs libfaketime: apt-get install faketime"),
]

STEPS_S = (-3600, 5400)  # back by an hour, then forward by one and a half
EVENTS = 150  # some seconds, in which the clock is looked at


def fake(folder: Path) -> tuple[dict[str, str], Callable[[int], None]]:
    """Return what a process needs to see a clock that is set, and what sets it."""
    offset = folder / "offset"

    def set_clock(ahead_s: int) -> None:
        partial = offset.with_suffix(".partial")
        partial.write_text(f"{ahead_s:+d}\n")
        partial.replace(offset)

    set_clock(0)
    return {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }, set_clock


def test_a_clock_that_is_set_is_told_and_neither_loses_nor_reorders(tmp_path: Path) -> None:
    clock, set_clock = fake(tmp_path)
    truth = tmp_path / "truth.jsonl"
    options = ["--symbols", "2", "--rate", "50", "--truth", str(truth)]
    with Simulator("bitvavo", *options) as simulator:
        variables = {
            **simulator.variables(symbols='"all"'),
            "BOOKTAPE__STATE__DISK_FREE_MIN_BYTES": "0",
            **clock,
        }
        writer = booktape(tmp_path, variables, "write")
        ingest = booktape(tmp_path, variables, "ingest", "bitvavo")
        status = tmp_path / "var" / "status" / "ingest_bitvavo-a.json"

        def recorded() -> int:
            report = read(status, IngestReport)
            return report.journal_next if report and report.state == "live" else 0

        try:
            wait_until(lambda: recorded() > 0)
            ahead_s = 0
            for step_s in STEPS_S:
                ahead_s += step_s
                set_clock(ahead_s)
                least = recorded() + EVENTS
                wait_until(lambda least=least: recorded() > least)  # type: ignore[misc]
        finally:
            for process in (ingest, writer):
                process.terminate()
                _, said = process.communicate(timeout=WAIT_S)
                assert 0 == process.returncode, said
    check_tape(tmp_path / "data", truth)


def check_tape(tape: Path, truth: Path) -> None:
    verdict = judge(tape, truth, "bitvavo", has_last_books=False)
    assert [] == verdict.faults
    assert verdict.sent > EVENTS
    rows = query(
        tape,
        "feed_events",
        "SELECT detail FROM tape WHERE kind = 'clock_step' ORDER BY event_number",
    )
    assert list(STEPS_S) == [round(json.loads(detail)["step_s"]) for (detail,) in rows]
    [(back,)] = query(
        tape,
        "book",
        "SELECT count(*) FROM (SELECT ts_recv < lag(ts_recv) OVER (ORDER BY event_number) AS back "
        "FROM tape WHERE NOT is_checkpoint) WHERE back",
    )
    assert 1 == back  # once the clock went back, and the rows keep the order of their coming
    [(out_of_order,)] = query(
        tape,
        "book",
        "SELECT count(*) FROM (SELECT sequence < lag(sequence) OVER (PARTITION BY symbol "
        "ORDER BY event_number) AS back FROM tape WHERE NOT is_checkpoint) WHERE back",
    )
    assert 0 == out_of_order
