"""What a feed left behind is replayed beside what comes in; benchmarks/recovery.py measures it."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from booktape.proof.verify import verify
from booktape.store.folder import FolderStore
from shared.delivery.frame import Frame
from shared.delivery.journal import Journal
from shared.process.status import IngestReport, read
from tests.process.standing import WAIT_S, wait_until
from tests.process.writers import read_tape
from tests.support.first import make_first_frame
from tests.support.simulators import Simulator, booktape
from tests.support.tape_reader import query
from tests.support.tapes import SESSION, Recording, record_minute

pytestmark = pytest.mark.process

MINUTES = 1500


def leave_journal(state: Path, make: Callable[[Frame], Frame]) -> int:
    """Write what a feed leaves that was killed; return how many events."""
    journal = Journal.create(state / "journal" / "bitvavo", SESSION)
    recording = Recording()
    for minute in range(MINUTES):
        for frame in record_minute(recording, begins=not minute):
            journal.append(make(frame))
    journal.sync()
    journal.close()
    return journal.next_number


def leave_as_it_is(frame: Frame) -> Frame:
    return frame


@pytest.mark.parametrize("make", [leave_as_it_is, make_first_frame], ids=["ours", "older"])
def test_a_journal_left_behind_is_replayed_while_new_data_flows(
    tmp_path: Path, make: Callable[[Frame], Frame]
) -> None:
    state = tmp_path / "var"
    left = leave_journal(state, make)
    with Simulator("bitvavo", "--symbols", "2", "--rate", "100") as simulator:
        variables = {
            **simulator.variables(symbols='"all"'),
            "BOOKTAPE__STATE__DISK_FREE_MIN_BYTES": "0",
            "BOOKTAPE__WRITER__FLUSH_INTERVAL_S": "1",
            "BOOKTAPE__WRITER__FLUSH_ROWS": "5000",
        }
        ingest = booktape(tmp_path, variables, "ingest", "bitvavo")

        def recorded() -> int:
            report = read(state / "status" / "ingest_bitvavo-a.json", IngestReport)
            return report.journal_next if report else 0

        writer = None
        try:
            wait_until(lambda: recorded() > 100)
            before = recorded()
            writer = booktape(tmp_path, variables, "write")
            wait_until(lambda: not (state / "journal" / "bitvavo" / SESSION).exists())
            wait_until(lambda: recorded() > before)
        finally:
            for process in filter(None, (ingest, writer)):
                process.terminate()
                _, said = process.communicate(timeout=WAIT_S)
                assert 0 == process.returncode, said
    report = verify(FolderStore(tmp_path / "data"))
    assert report.ok, report.faults
    old, new = report.sessions
    assert (SESSION, 0, left, True) == (old.session, old.first, old.last, old.ended)
    [end] = old.outages
    assert (f'{{"reason":"killed","events":{left + 1}}}', left) == (end.detail, end.event_number)
    assert new.last >= before
    [(detail,)] = query(
        tmp_path / "data",
        "feed_events",
        f"SELECT detail FROM tape WHERE session = '{new.session}' AND kind = 'session_start'",
    )
    assert SESSION == json.loads(detail)["session_before"]
    numbers = read_tape(tmp_path / "data")
    assert Counter(range(left + 1)) == numbers[SESSION]
    assert Counter(range(new.last + 1)) == numbers[new.session]
