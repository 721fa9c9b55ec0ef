"""Two lines of one exchange side by side, and feeds that are handed over from one to the other."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.process.collector import EXCHANGES, Collector
from tests.process.standing import wait_until
from tests.support.judge import find_uncovered
from tests.support.simulators import booktape
from tests.support.tape_reader import query

pytestmark = pytest.mark.process

OPTIONS = {name: ["--symbols", "3", "--rate", "40"] for name in EXCHANGES}


def read_sequences(tape: Path, exchange: str) -> dict[str, list[int]]:
    """Return the numbers of each book that lines a, b, a have, snapshots too, sorted."""
    rows = query(
        tape,
        "book",
        "SELECT symbol, list_sort(list(DISTINCT sequence)) FROM tape "
        f"WHERE exchange = '{exchange}' AND session IN (SELECT DISTINCT session FROM tape "
        f"WHERE exchange = '{exchange}' ORDER BY session LIMIT 3) GROUP BY symbol",
    )
    return dict(rows)


def read_spans(tape: Path, exchange: str, symbol: str) -> list[tuple[str, int, int]]:
    """Return of each session its line, when a book of it begins and when it has its last event."""
    return [
        (session.rpartition("-")[2], first, last)
        for session, first, last in query(
            tape,
            "book",
            "SELECT session, epoch_us(min(ts_recv)), epoch_us(max(ts_recv)) FROM tape "
            f"WHERE exchange = '{exchange}' AND symbol = '{symbol}' "
            "GROUP BY session ORDER BY min(ts_recv)",
        )
    ]


def test_handed_over_neither_exchange_lacks_a_single_change(tmp_path: Path) -> None:
    with Collector(tmp_path / "it", options=OPTIONS) as collector:
        collector.start()
        wait_until(collector.is_live)
        with ThreadPoolExecutor(len(EXCHANGES)) as pool:
            for done in pool.map(partial(collector.booktape, "handover"), EXCHANGES):
                assert 0 == done.returncode, done.stdout + done.stderr
        handed_over = time.time_ns()
        for exchange in EXCHANGES:  # at its start it takes over what is left of line b
            assert 0 == collector.control("restart", f"ingest_{exchange}").returncode
        collector.finish()
        verdicts = collector.prove()
        tape = tmp_path / "it" / "data"
        for exchange in EXCHANGES:
            assert [] == verdicts[exchange].faults
            truth = collector.truth(exchange)
            assert [] == find_uncovered(tape, truth, exchange, until=handed_over)
            for symbol in read_sequences(tape, exchange):
                before, between, after, _ = read_spans(tape, exchange, symbol)
                assert ("a", "b", "a") == (before[0], between[0], after[0])
                assert between[1] < before[2]  # live on b before a had its last event
                assert after[1] < between[2]
        for numbers in read_sequences(tape, "bitvavo").values():
            assert list(range(numbers[0], numbers[-1] + 1)) == numbers


@pytest.mark.soak
def test_two_lines_side_by_side_both_record_all(tmp_path: Path) -> None:
    with Collector(tmp_path / "it", options=OPTIONS) as collector:
        collector.start()
        wait_until(collector.is_live)
        line_b = booktape(
            collector.folder, collector.environment, "ingest", "bitvavo", "--line", "b"
        )
        try:
            wait_until(lambda: any(p.line == "b" for p in collector.health().processes))
            wait_until(lambda: collector.process("ingest_bitvavo-b").state == "live")
            before = collector.ingest("ingest_bitvavo-b").journal_next
            wait_until(lambda: collector.ingest("ingest_bitvavo-b").journal_next > before + 100)
        finally:
            line_b.terminate()
            line_b.communicate()
        assert 0 == line_b.returncode
        collector.finish()
        verdict = collector.prove()["bitvavo"]
        # The last book is line a's, and b began later.
        assert [] == [fault for fault in verdict.faults if not fault.startswith("book")]
        tape = tmp_path / "it" / "data"
        both = query(
            tape,
            "book",
            "SELECT count(*) FROM (SELECT symbol, sequence FROM tape WHERE exchange = 'bitvavo' "
            "AND NOT is_snapshot GROUP BY ALL HAVING count(DISTINCT session) = 2)",
        )
        assert both[0][0] > 50
