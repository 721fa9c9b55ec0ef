"""Killed at each step of a flush and an upload, it loses nothing, doubles nothing, leaves nothing.

As SQLite is tested: at the 1st, 2nd, 3rd ... call of each kind that changes the disk, until one
run goes through. https://www.sqlite.org/testing.html
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from booktape.proof.verify import verify
from booktape.store.folder import FolderStore
from shared.delivery.journal import Journal
from tests.process.forks import Forks
from tests.process.writers import read_tape
from tests.support.tapes import SESSION, Recording, record_minute

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not shutil.which("strace"), reason="needs strace: apt-get install strace"),
]

CALLS = (
    *("write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "link", "mkdir", "rmdir"),
    *("unlinkat", "ftruncate", "fallocate"),
)
KILLED = -9
OFTEN = 20
TAPE = r"data/(tape|ledger)/.*\.(parquet|json)"


@pytest.fixture
def forks() -> Iterator[Forks]:
    forks = Forks("tests.process.one_flush")
    yield forks
    forks.close()


def make_journal(folder: Path) -> int:
    """Write the journal of a session that ended; return how many events it has."""
    journal = Journal.create(folder / "var" / "journal" / "bitvavo", SESSION)
    recording = Recording()
    for begins in (True, False, False):
        for frame in record_minute(recording, begins=begins):
            journal.append(frame)
    recording.end()
    journal.append(recording.take())
    journal.sync()
    journal.close()
    return journal.next_number


def assert_delivered(folder: Path, events: int) -> None:
    report = verify(FolderStore(folder / "data"))
    assert report.ok, report.faults
    assert [(0, events - 1, True)] == [(s.first, s.last, s.ended) for s in report.sessions]
    assert {SESSION: Counter(range(events))} == read_tape(folder / "data")
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    on_tape = {name for name in left if re.fullmatch(TAPE, name)}
    # What is left of a journal that was done with goes when its exchange's next one is made.
    removed = {name for name in left if ".removed/" in name}
    assert {"var/spool/reserve"} == left - on_tape - removed


@pytest.mark.parametrize("share", [6, pytest.param(1, marks=pytest.mark.soak)])
def test_a_kill_at_any_call_that_changes_the_disk_is_recovered_from(
    forks: Forks, tmp_path: Path, share: int
) -> None:
    """Of what is called often, one in `share` calls is tried."""
    events = make_journal(tmp_path / "fresh")
    trace = tmp_path / "trace"
    folder = shutil.copytree(tmp_path / "fresh", tmp_path / "whole")
    calls = ",".join(f"?{call}" for call in CALLS)
    assert 0 == forks.run(folder, "-o", str(trace), "-e", f"trace={calls}")
    assert_delivered(folder, events)
    counts = Counter(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    assert {"write", "fsync", "fdatasync", "rename", "unlink", "link"} <= set(counts)
    for call, count in counts.items():
        step = share if count > OFTEN else 1
        for number in [*range(1, count + 1, step), count + 1]:
            folder = shutil.copytree(tmp_path / "fresh", tmp_path / f"{call}-{number}")
            rule = f"inject={call}:signal=KILL:when={number}"
            status = forks.run(folder, "-o", str(trace), "-e", f"trace={call}", "-e", rule)
            assert (KILLED if number <= count else 0) == status, (call, number)
            assert 0 == forks.run(folder), (call, number)
            assert_delivered(folder, events)
            shutil.rmtree(folder)
