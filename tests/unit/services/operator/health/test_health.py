import os
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from typing_extensions import override

from services.operator.commands.progress import format_line
from services.operator.health.health import FOREIGN, gather
from services.operator.health.silences import Silence, write_silence
from services.operator.supervision.supervisor import Program, Supervisor, SupervisorError
from shared.process.files import Lock, write_atomic
from shared.process.state import StateFolder
from shared.process.status import VERSION, ServiceReport
from tests.support.healths import (
    TS,
    S,
    find_sentences,
    make_feed,
    make_ingest_report,
    make_sink_report,
)

SESSION = "20260101T000000.000000Z-bitvavo-a"


class Answers(Supervisor):
    """A supervisord that runs these programs."""

    def __init__(self, *names: str, pid: int | None = 1, dies: bool = False) -> None:
        super().__init__(Path("nowhere"))
        self._names = names
        self._pid = pid
        self._dies = dies

    @override
    def find_pid(self) -> int | None:
        return self._pid

    @override
    def programs(self) -> dict[str, Program]:
        if self._dies:
            raise SupervisorError("gone")
        return {name: Program(name, "RUNNING", 5, 0, "", "") for name in self._names}


NOBODY = Answers(pid=None)
ALL = Answers("buffer_writer", "ingest_bitvavo", "ingest_btcturk")


def write_report(state: Path, name: str, *, ts: int = TS, pid: int | None = None) -> None:
    report = make_ingest_report(process=name, ts_written=ts, pid=pid or os.getpid())
    write(state, name, msgspec.json.encode(report))


def write(state: Path, name: str, data: bytes) -> None:
    path = StateFolder(state).report(name)
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, data, fsync=False)


def test_an_empty_folder_has_a_writer_that_does_not_run(tmp_path: Path) -> None:
    health = gather(tmp_path, NOBODY, now_ns=TS)
    assert health.supervisor_pid is None
    [writer] = health.processes
    assert ("buffer_writer", False, "stopped") == (writer.name, writer.is_running, writer.state)
    assert [] == health.journals
    assert (0, 0, 0) == (health.spool_bytes, health.spool_flushes, health.conflicts)


def test_what_supervisord_runs_is_there_before_it_has_reported(tmp_path: Path) -> None:
    health = gather(tmp_path, ALL, now_ns=TS)
    names = [process.name for process in health.processes]
    assert ["ingest_bitvavo-a", "ingest_btcturk-a", "buffer_writer"] == names
    assert {"RUNNING"} == {process.program_state for process in health.processes}
    assert {"starting"} == {process.state for process in health.processes}


def test_a_process_that_holds_its_lock_runs(tmp_path: Path) -> None:
    write_report(tmp_path, "ingest_bitvavo-a", ts=TS - 2 * S)
    with Lock(tmp_path / "locks" / "bitvavo-a.lock"), Lock(tmp_path / "locks" / "writer.lock"):
        feed, writer = gather(tmp_path, NOBODY, now_ns=TS).processes
    assert (True, os.getpid(), 2.0) == (feed.is_running, feed.pid, feed.report_age_s)
    assert ("live", "silent") == (feed.state, writer.state)
    assert make_ingest_report(ts_written=TS - 2 * S, pid=os.getpid()) == feed.report
    assert (feed.report, None) == (feed.ingest, feed.writer)
    assert ("bitvavo", "a", "ingest_bitvavo") == (feed.exchange, feed.line, feed.program)
    assert not gather(tmp_path, NOBODY, now_ns=TS).processes[0].is_running


def test_what_a_process_before_it_said_is_not_what_it_says(tmp_path: Path) -> None:
    write_report(tmp_path, "ingest_bitvavo-b", ts=TS - S, pid=os.getppid())
    with Lock(tmp_path / "locks" / "bitvavo-b.lock"):
        [feed, _] = gather(tmp_path, NOBODY, now_ns=TS).processes
    assert (True, False, "silent") == (feed.is_running, feed.is_reporting, feed.state)


def test_a_process_that_supervisord_did_not_start_is_an_orphan(tmp_path: Path) -> None:
    with Lock(tmp_path / "locks" / "writer.lock"):
        orphans = gather(tmp_path, ALL, now_ns=TS)
        own = gather(tmp_path, Answers("buffer_writer", pid=os.getppid()), now_ns=TS)
        by_hand = gather(tmp_path, Answers(), now_ns=TS)
    assert os.getppid() == orphans.processes[-1].parent_pid
    assert [False, False, True] == [orphans.is_orphan(one) for one in orphans.processes]
    assert not own.is_orphan(own.processes[-1])
    assert not any(by_hand.is_orphan(one) for one in by_hand.processes)


def test_a_supervisord_that_was_killed_leaves_its_pid_file(tmp_path: Path) -> None:
    path = tmp_path / "run" / "supervisord.pid"
    path.parent.mkdir()
    assert not gather(tmp_path, NOBODY, now_ns=TS).is_supervisor_lost
    for text, is_lost in (("4194305\n", True), (f"{os.getpid()}\n", False), ("?", False)):
        path.write_text(text)
        assert is_lost == gather(tmp_path, NOBODY, now_ns=TS).is_supervisor_lost
        assert not gather(tmp_path, ALL, now_ns=TS).is_supervisor_lost


def test_a_second_line_is_shown_while_it_runs(tmp_path: Path) -> None:
    write_report(tmp_path, "ingest_bitvavo-b")
    with Lock(tmp_path / "locks" / "bitvavo-b.lock"):
        [line_b, _] = gather(tmp_path, NOBODY, now_ns=TS).processes
        assert line_b.program_state is None
        assert "b" == line_b.line
    [writer] = gather(tmp_path, NOBODY, now_ns=TS).processes
    assert "buffer_writer" == writer.name


def test_a_feed_that_was_taken_out_of_supervisord_is_forgotten(tmp_path: Path) -> None:
    write_report(tmp_path, "ingest_gone-a")
    names = [process.name for process in gather(tmp_path, ALL, now_ns=TS).processes]
    assert "ingest_gone-a" not in names
    names = [process.name for process in gather(tmp_path, NOBODY, now_ns=TS).processes]
    assert "ingest_gone-a" in names


def test_a_report_of_the_future_is_of_a_clock_that_was_set_back() -> None:
    process = make_feed()
    ages = {-3600.0: False, -1.0: True, 0.5: True, 5.1: False}
    assert ages == {age: replace(process, report_age_s=age).is_reporting for age in ages}


def test_a_journal_says_when_it_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "journal" / "bitvavo" / SESSION
    folder.mkdir(parents=True)
    assert gather(tmp_path, NOBODY, now_ns=TS).journals[0].written_ts is None
    path = folder / "000000000000.journal"
    path.touch()
    os.utime(path, ns=(TS, TS))
    assert TS == gather(tmp_path, NOBODY, now_ns=TS).journals[0].written_ts


def test_a_writer_that_is_missing_among_the_programs_is_not_overlooked(tmp_path: Path) -> None:
    health = gather(tmp_path, Answers("ingest_bitvavo"), now_ns=TS)
    [writer] = [process for process in health.processes if process.name == "buffer_writer"]
    assert "stopped" == writer.state
    assert "no supervisord runs it" in " ".join(find_sentences(health))
    assert "writer" in format_line(health)


def test_a_supervisord_that_goes_between_two_questions_is_none(tmp_path: Path) -> None:
    assert gather(tmp_path, Answers(dies=True), now_ns=TS).supervisor_pid is None


def test_journals_are_listed_with_their_owner(tmp_path: Path) -> None:
    folder = tmp_path / "journal" / "bitvavo" / SESSION
    folder.mkdir(parents=True)
    (folder / "000000000000.journal").write_bytes(b"12345")
    (folder.parent / f"{SESSION}.removed").mkdir()
    with Lock(folder / "lock"):
        [journal] = gather(tmp_path, NOBODY, now_ns=TS).journals
    assert ("bitvavo", SESSION, 5) == (journal.exchange, journal.session, journal.bytes)
    assert (os.getpid(), False) == (journal.owner_pid, journal.is_delivered)
    [journal] = gather(tmp_path, NOBODY, now_ns=TS).journals
    assert journal.owner_pid is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"next":9,"ended":true,"end":9}', True),
        ('{"next":8,"ended":false,"end":9}', False),
        ("{", False),
    ],
)
def test_a_journal_is_delivered_when_the_writer_has_its_end(
    tmp_path: Path, text: str, *, expected: bool
) -> None:
    (tmp_path / "journal" / "bitvavo" / SESSION).mkdir(parents=True)
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / f"{SESSION}.json").write_text(text)
    [journal] = gather(tmp_path, NOBODY, now_ns=TS).journals
    assert expected == journal.is_delivered


def test_the_spool_is_counted_without_what_is_set_aside(tmp_path: Path) -> None:
    conflict = tmp_path / "spool" / "conflict"
    conflict.mkdir(parents=True)
    for name in ("s-0-9.json", "s-0-9.book.parquet", "reserve", "conflict/x.json"):
        (tmp_path / "spool" / name).write_bytes(b"1234")
    health = gather(tmp_path, NOBODY, now_ns=TS)
    assert (4, 1, 1) == (health.spool_bytes, health.spool_flushes, health.conflicts)


def test_a_report_of_another_release_is_told_apart(tmp_path: Path) -> None:
    head = {"process": "ingest_bitvavo-a", "pid": os.getpid(), "ts_start": 1, "ts_written": TS}
    older = {**head, "counters": {}, "rates": {}, "gauges": {"state": "live"}}
    newer = {**head, "version": VERSION + 1, "state": {"is": "live"}}
    for report, version in ((older, 1), (newer, VERSION + 1)):
        write(tmp_path, "ingest_bitvavo-a", msgspec.json.encode(report))
        with Lock(tmp_path / "locks" / "bitvavo-a.lock"):
            feed = gather(tmp_path, NOBODY, now_ns=TS).processes[0]
        assert (True, FOREIGN, None) == (feed.is_reporting, feed.state, feed.ingest)
        assert feed.report is not None
        assert version == feed.report.version


def test_other_programs_are_told_apart_from_feeds_and_the_writer(tmp_path: Path) -> None:
    report = ServiceReport(
        version=VERSION, process="dashboard", pid=5, ts_start=1, ts_written=TS - S, address="http"
    )
    write(tmp_path, "dashboard", msgspec.json.encode(report))
    programs = Answers("buffer_writer", "certifier", "dashboard", "ingest_toy")
    health = gather(tmp_path, programs, now_ns=TS)
    assert {"ingest_toy-a", "buffer_writer"} == {process.name for process in health.processes}
    [certifier, dashboard] = health.programs
    assert ("certifier", "running", None) == (certifier.name, certifier.state, certifier.report)
    assert ("dashboard", "running", 5, 1.0) == (
        dashboard.name,
        dashboard.state,
        dashboard.pid,
        dashboard.report_age_s,
    )
    assert report == dashboard.report
    later = gather(tmp_path, programs, now_ns=TS + 9 * S)
    assert ["running", "silent"] == [program.state for program in later.programs]
    assert [] == gather(tmp_path, NOBODY, now_ns=TS).programs


def test_a_sink_is_known_by_its_lock_whoever_runs_it(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    report = make_sink_report(ts_written=TS - S, pid=os.getpid())
    write(tmp_path, "sink_influx", msgspec.json.encode(report))
    assert [] == gather(tmp_path, ALL, now_ns=TS).programs
    with Lock(state.sink_lock("influx")):
        for supervisor in (NOBODY, ALL, Answers("buffer_writer", "sink_influx")):
            [sink] = gather(tmp_path, supervisor, now_ns=TS).programs
            assert ("sink_influx", True, os.getpid()) == (sink.name, sink.is_running, sink.pid)
            assert ("waiting", report) == (sink.state, sink.sink)
    [dead] = gather(tmp_path, Answers("buffer_writer", "sink_influx"), now_ns=TS).programs
    assert (False, "starting") == (dead.is_running, dead.state)


def test_silences_are_those_that_are_not_over(tmp_path: Path) -> None:
    away = Silence(exchange="bitvavo", until=TS + S, ts=TS)
    write_silence(StateFolder(tmp_path), away)
    assert [away] == gather(tmp_path, ALL, now_ns=TS).silences
    assert [] == gather(tmp_path, ALL, now_ns=TS + S).silences
