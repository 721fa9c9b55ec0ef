import errno
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import NoReturn

import msgspec
import pyarrow.parquet as pq
import pytest

from booktape.errors import ConfigError
from booktape.store.storage import Storage
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.main import (
    EXIT_FAULT,
    EXIT_LOCKED,
    IDLE_AFTER_S,
    IDLE_TICK_S,
    TICK_S,
    Stop,
    Ticks,
    WriterProcess,
    run,
)
from services.buffer_writer.spool import Spool
from services.buffer_writer.uploader import Uploader
from shared.delivery.frame import Frame, encode
from shared.delivery.pipe import Publisher, endpoint, open_context
from shared.errors import SpoolError
from shared.process.files import Lock
from shared.process.settings import Settings, State, WriterSettings
from shared.process.signals import STOP_SIGNALS
from shared.process.state import WRITER, StateFolder
from shared.process.status import WriterReport, read
from tests.support.writing import OTHER, SESSION, disk_full, make_book

WAIT_S = 30.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        storage=Storage(f"file:{tmp_path}/data"),
        state=State(tmp_path / "var", 0),
        writer=WriterSettings(flush_bytes=4096),
        exchanges={},
        folder=tmp_path,
    )


@pytest.fixture
def own_process() -> Iterator[None]:
    """Put back what a process of its own would take with it."""
    root = logging.getLogger()
    handlers, level = root.handlers.copy(), root.level
    signals = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in signals.items():
        signal.signal(number, handler)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


class Running:
    """A writer in a thread, and what it is sent."""

    def __init__(self, settings: Settings) -> None:
        self.state = settings.state.path
        (self.state / "journal" / "toy" / SESSION).mkdir(parents=True)
        self.process = WriterProcess(settings)
        self.stop = Stop()
        self.status: int | None = None
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        self.status = self.process.run(self.stop)

    def send(self, *frames: Frame) -> None:
        """Start it, and be done when all is sent."""
        with open_context() as context:
            publisher = Publisher(context, endpoint(self.state, "frames"))
            self._thread.start()
            for frame in frames:
                publisher.publish(encode(frame))
            publisher.close()

    def end(self) -> int | None:
        self.stop.set()
        self._thread.join(WAIT_S)
        return self.status

    def report(self) -> WriterReport:
        report = read(StateFolder(self.state).report(WRITER), WriterReport)
        assert report is not None
        return report


def test_what_was_sent_is_on_the_tape_when_it_ends(settings: Settings, tmp_path: Path) -> None:
    running = Running(settings)
    running.send(make_book(0), make_book(10), make_book(20))
    assert 0 == running.end()
    tables = [pq.read_table(path) for path in (tmp_path / "data" / "tape").rglob("*.parquet")]
    assert list(range(30)) == sorted(n for t in tables for n in t["event_number"].to_pylist())


def test_a_flush_is_stored_while_it_runs(settings: Settings, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(settings, writer=WriterSettings(flush_rows=10))
    running = Running(settings)
    running.send(make_book(0), make_book(10))
    ledger, end_s = tmp_path / "data" / "ledger", time.monotonic() + WAIT_S
    while len(list(ledger.rglob("*.json"))) < 2:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    assert 0 == running.end()


def test_what_waits_is_uploaded_before_anything_else_is_begun(
    settings: Settings, tmp_path: Path
) -> None:
    # On a full disk an upload may be what makes room for all the rest.
    state = settings.state.path
    (state / "journal" / "toy" / SESSION).mkdir(parents=True)
    process = WriterProcess(settings)
    process._spool.committed.begin(SESSION, 0)
    frame = make_book(0)
    process._spool.commit(FrameRun(SESSION, frame.day, [frame], frame.last + 1, ends_session=False))
    (state / "run").write_text("where the sockets shall lie", encoding="utf-8")
    with pytest.raises(FileExistsError):
        process.run(Stop())
    process._stop_uploading.set()
    process._uploading.join(WAIT_S)
    assert 1 == len(list((tmp_path / "data" / "ledger").rglob("*.json")))


def test_it_says_how_it_does(settings: Settings) -> None:
    running = Running(settings)
    running.send(make_book(0))
    running.end()
    running.process._status_due_s = 0.0
    running.process._report()
    report = running.report()
    assert ("running", "buffer_writer") == (report.state, report.process)
    assert {SESSION: (10, 10)} == report.sessions
    assert (None, None, {}) == (report.flush_error, report.upload_error, report.held_sessions)
    assert (1, 10, 10) == (report.frames, report.rows, report.last_flush_rows)
    assert (0, 0, 0) == (report.rows_buffered, report.spool_flushes, report.conflicts)
    assert report.disk_free_bytes > 0


def test_it_says_since_when_the_oldest_flush_waits(settings: Settings) -> None:
    (settings.state.path / "journal" / "toy" / SESSION).mkdir(parents=True)
    spool = WriterProcess(settings)._spool
    assert spool.committed.oldest_ts is None
    spool.committed.begin(SESSION, 0)
    first, *_ = [
        spool.commit(FrameRun(SESSION, frame.day, [frame], frame.last + 1, ends_session=False))
        for frame in (make_book(0), make_book(10))
    ]
    assert (
        first.written_at
        == spool.committed.oldest_ts
        == WriterProcess(settings)._spool.committed.oldest_ts
    )


def test_another_store_under_a_session_that_goes_on_is_a_fault_of_the_configuration(
    settings: Settings, tmp_path: Path
) -> None:
    running = Running(settings)
    running.send(make_book(0))
    assert 0 == running.end()
    other = msgspec.structs.replace(settings, storage=Storage(f"file:{tmp_path}/other"))
    with pytest.raises(ConfigError, match="1 sessions that began in file:"):
        WriterProcess(other)
    assert not (tmp_path / "other").exists()
    WriterProcess(settings)


def test_a_root_that_was_there_and_is_gone_is_not_made_anew(
    settings: Settings, tmp_path: Path
) -> None:
    running = Running(settings)
    running.send(make_book(0))
    assert 0 == running.end()
    (tmp_path / "data").rename(tmp_path / "unmounted")
    process = WriterProcess(settings)
    frame = make_book(10)
    process._spool.commit(FrameRun(SESSION, frame.day, [frame], frame.last + 1, ends_session=False))
    assert process._uploader.step() > 0
    assert "mount its disk" in str(process._uploader.error)
    assert not (tmp_path / "data").exists()


def test_it_says_which_sessions_it_holds_back(settings: Settings) -> None:
    running = Running(settings)
    running.send(msgspec.structs.replace(make_book(0), version=99))
    running.end()
    running.process._status_due_s = 0.0
    running.process._report()
    expected = {SESSION: "frame version 99 is unknown to this release; deploy a newer one"}
    assert expected == running.report().held_sessions


@pytest.mark.parametrize(("number", "state"), [(28, "disk_full"), (5, "disk_error")])
def test_it_says_when_it_cannot_flush(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, number: int, state: str
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(number, "no")

    monkeypatch.setattr(Spool, "commit", refuse)
    running = Running(settings)
    running.send(make_book(0))
    assert 0 == running.end()
    running.process._status_due_s = 0.0
    running.process._report()
    report = running.report()
    remedy = "; make room on this disk" if number == errno.ENOSPC else ""
    assert (state, f"[Errno {number}] no{remedy}") == (report.state, report.flush_error)
    assert 10 == report.rows_buffered


def test_a_status_that_cannot_be_written_is_no_fault(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.process.status.write_atomic", disk_full)
    running = Running(settings)
    running.send(make_book(0))
    assert 0 == running.end()


def test_a_thread_that_died_ends_the_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Uploader, "run", lambda *_: None)
    running = Running(settings)
    running.send()
    running._thread.join(WAIT_S)
    assert EXIT_FAULT == running.status


@pytest.mark.usefixtures("own_process")
def test_a_second_one_ends_at_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with Lock(settings.state.path / "locks" / "writer.lock"):
        assert EXIT_LOCKED == run(settings)
    assert f"already held by process {os.getpid()}" in capsys.readouterr().err


# A signal every 0.2 ms, while a wait begins or ends or is under way.
STORM = """
import signal
from services.buffer_writer.main import Stop

stop = Stop()
signal.signal(signal.SIGALRM, lambda *_: stop.set())
signal.setitimer(signal.ITIMER_REAL, 2e-4, 2e-4)
for _ in range(20_000):
    stop.wait(1e-6)
signal.setitimer(signal.ITIMER_REAL, 0)
print(stop.is_set)
"""


def test_it_may_be_told_to_end_at_any_moment() -> None:
    told = subprocess.run(
        [sys.executable, "-c", STORM], capture_output=True, text=True, timeout=WAIT_S, check=True
    )
    assert "True\n" == told.stdout


@pytest.mark.usefixtures("own_process")
def test_told_to_end_it_ends_well(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uploader, "run", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert 0 == run(settings)


@pytest.mark.usefixtures("own_process")
@pytest.mark.parametrize("error", [SpoolError("cannot undo"), OSError(5, "broken")])
def test_a_disk_that_is_broken_ends_it(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    def fail(_: Spool) -> NoReturn:
        raise error

    monkeypatch.setattr(Spool, "recover", fail)
    assert EXIT_FAULT == run(settings)
    assert "the writer cannot go on" in capsys.readouterr().err


def test_it_looks_less_often_where_nothing_comes() -> None:
    ticks = Ticks()
    looks = [(0, 100.0), (0, 100.0 + IDLE_AFTER_S), (0, 200.0), (1, 200.5), (1, 201.0)]
    expected = [TICK_S, IDLE_TICK_S, IDLE_TICK_S, TICK_S, TICK_S]
    assert expected == [ticks.next_s(*look) for look in looks]


def test_a_feed_that_starts_after_the_sockets_were_swept_is_heard(settings: Settings) -> None:
    running = Running(settings)
    running.send(make_book(0))
    path = running.state / "run" / "frames.ipc"
    other = make_book(0, session=OTHER)
    (running.state / "journal" / "toy" / OTHER).mkdir()
    with open_context() as context:
        wait_for(path.exists)
        path.unlink()
        publisher = Publisher(context, endpoint(running.state, "frames"))
        publisher.publish(encode(other))
        wait_for(lambda: OTHER in running.process._writer.watermark().sessions)
        publisher.close()
    assert 0 == running.end()


def wait_for(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)
