"""One ingest process against the simulators: as a whole, and as a process that is killed."""

import gc
import json
import logging
import os
import resource
import shutil
import signal
import threading
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any, NoReturn

import msgspec
import pytest
from msgspec.structs import replace

from services import __main__ as command
from services.ingest_bitvavo.exchange import EXCHANGE
from shared.delivery.frame import CHECKPOINT, FRAME_VERSION, decode_columns
from shared.delivery.journal import Journal
from shared.delivery.journal_file import FrameReader, find_files
from shared.delivery.pipe import Watermark, WatermarkPublisher, endpoint
from shared.exchange import Exchange, Message, Raw
from shared.ingest import process as module
from shared.ingest.process import EXIT_FAULT, EXIT_LOCKED, Ingest, run
from shared.process.configured import load_settings
from shared.process.files import Lock
from shared.process.signals import STOP_SIGNALS
from shared.process.status import IngestReport, read
from tests.support.columns import unpack
from tests.support.frames import make_end, make_foreign, make_frame
from tests.support.simulators import Simulator, booktape

WAIT_S = 30.0
OLD = "20251122T091500.123456Z-bitvavo-a"


def wait_until(is_so: Callable[[], Any]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def feed_events(journal: Path) -> list[tuple[str, Any]]:
    """Return kind and detail of every feed event in a journal, whose numbers have to be whole."""
    found: list[tuple[str, Any]] = []
    expected = None
    for file in find_files(journal):
        reader = FrameReader(file.path, journal.name)
        for frame, _, _ in reader.scan(0, file.size):
            assert expected in {None, frame.first}
            expected = frame.last + 1
            rows = decode_columns(frame).feed_events
            if rows:
                details = map(msgspec.json.decode, rows.detail)
                found += zip(rows.kind, details, strict=True)
        reader.close()
    return found


def checkpoints(journal: Path) -> list[str]:
    """Return the symbol of each book that was written whole."""
    found: list[str] = []
    for file in find_files(journal):
        reader = FrameReader(file.path, journal.name)
        for frame, _, _ in reader.scan(0, file.size):
            columns = decode_columns(frame)
            if columns.book is None:
                continue
            kinds, symbols = unpack(columns.book, "kind"), unpack(columns.book, "symbol")
            pairs = zip(kinds, symbols, strict=True)
            found += [columns.symbols[symbol] for kind, symbol in pairs if kind == CHECKPOINT]
        reader.close()
    return found


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator("bitvavo", "--symbols", "3", "--rate", "100") as simulator:
        yield simulator


class World:
    """One state folder, and the ingests that record into it."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.state = folder / "var"
        self.journals = self.state / "journal" / "bitvavo"
        self.path = self.state / "status" / "ingest_bitvavo-a.json"
        self._simulator = simulator
        self.status: int | None = None

    def variables(self, **changes: object) -> dict[str, str]:
        return {"BOOKTAPE__STATE__DISK_FREE_MIN_BYTES": "0", **self._simulator.variables(**changes)}

    def make(self, exchange: Exchange = EXCHANGE, **changes: object) -> Ingest:
        settings = load_settings({"bitvavo": exchange}, self.variables(**changes))
        return Ingest(exchange, settings, "a")

    def report(self) -> IngestReport:
        report = read(self.path, IngestReport)
        assert report is not None
        return report

    def has_reported(self) -> bool:
        return self.path.exists()

    def counts_journals(self, count: int) -> bool:
        return self.has_reported() and self.report().journals == count

    def is_live(self) -> bool:
        return self.has_reported() and self.report().state == "live"

    def run(self, ingest: Ingest, then: Callable[[], object]) -> int:
        """Run it here; do that in another thread meanwhile, and stop it."""

        def do() -> None:
            try:
                then()
            finally:
                ingest.stop()

        thread = Thread(target=do)
        thread.start()
        status = ingest.run()
        thread.join(WAIT_S)
        return status

    def sessions(self) -> list[Path]:
        return sorted(path for path in self.journals.iterdir() if path.is_dir())

    def leave(self, session: str, *frames: Any) -> Path:
        """Leave a journal behind, as an ingest does that is killed."""
        journal = Journal.create(self.journals, session)
        for frame in frames:
            journal.append(frame)
        journal.close()
        return self.journals / session


@pytest.fixture
def world(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path, simulator)


@pytest.fixture
def own_process() -> Iterator[None]:
    """Put back what a process of its own would take with it."""
    root = logging.getLogger()
    handlers, level = root.handlers.copy(), root.level
    root.handlers.clear()  # those of pytest would be closed
    signals = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    hook, threshold = threading.excepthook, gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()
    threading.excepthook = hook
    for number, handler in signals.items():
        signal.signal(number, handler)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


# --- one run -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("own_process")
def test_told_to_end_it_ends_its_session(world: World) -> None:
    def stop() -> None:
        wait_until(world.is_live)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = Thread(target=stop)
    thread.start()
    settings = load_settings({"bitvavo": EXCHANGE}, world.variables())
    assert 0 == run(EXCHANGE, settings)
    thread.join(WAIT_S)
    (session,) = world.sessions()
    events = feed_events(session)
    started = {"symbols": "3", "transport": "websocket", "session_before": None}
    assert ("session_start", started) == events[0]
    assert ["connected", "subscribed"] == [kind for kind, _ in events[1:3]]
    ended = ["BTC-EUR", "ETH-EUR", "USDT-EUR"]
    stopped = {"connection": 0, "symbols": ended, "reason": "stopped"}
    assert ("disconnected", stopped) == events[-2]
    adopted = Journal.adopt(session)
    assert adopted is not None
    adopted.close()
    assert ("session_end", {"reason": "stopped", "events": adopted.next_number}) == events[-1]
    assert "stopping" == world.report().state
    Lock(world.state / "locks" / "bitvavo-a.lock").acquire()


def test_a_session_names_the_one_before_it_whose_journal_is_long_gone(world: World) -> None:
    assert 0 == world.run(world.make(), lambda: wait_until(world.has_reported))
    (first,) = world.sessions()
    shutil.rmtree(world.journals)
    assert 0 == world.run(world.make(), lambda: None)
    (second,) = world.sessions()
    assert first.name == feed_events(second)[0][1]["session_before"]
    line = world.state / "lines" / "bitvavo-a.json"
    assert {"session": second.name} == msgspec.json.decode(line.read_bytes())


@pytest.mark.usefixtures("own_process")
def test_a_line_is_recorded_by_one_process(world: World) -> None:
    settings = load_settings({"bitvavo": EXCHANGE}, world.variables())
    with Lock(world.state / "locks" / "bitvavo-b.lock"):
        assert EXIT_LOCKED == run(EXCHANGE, settings, "b")
    assert not world.journals.exists()


def test_all_symbols_are_found_and_followed(world: World) -> None:
    ingest = world.make(symbols="all")
    assert 0 == world.run(ingest, lambda: wait_until(world.is_live))
    assert 3 == world.report().symbols


def test_books_may_be_polled(world: World) -> None:
    ingest = world.make(transport="rest", poll_interval_s=0.1)
    assert 0 == world.run(ingest, lambda: wait_until(world.is_live))
    assert 3 == world.report().live
    (session,) = world.sessions()
    assert {"session_start", "connected", "disconnected", "session_end"} == {
        kind for kind, _ in feed_events(session)
    }


def test_polled_symbols_are_followed_too(world: World) -> None:
    ingest = world.make(transport="rest", symbols="all", poll_interval_s=0.1)

    def follow() -> None:
        wait_until(world.is_live)
        ingest._doors.follow(["BTC-EUR"])
        wait_until(lambda: world.report().symbols == 1)

    assert 0 == world.run(ingest, follow)


def test_one_that_is_disabled_asks_for_nothing_and_delivers_what_is_left(world: World) -> None:
    left = world.leave(OLD, make_frame(session=OLD))
    # Nobody listens there: who asks for the least is told as unreachable.
    ingest = world.make(
        enabled="false",
        symbols="all",
        rest_url="http://127.0.0.1:9",
        websocket_url="ws://127.0.0.1:9/",
    )

    def look() -> None:
        wait_until(world.has_reported)
        assert ("disabled", None) == (world.report().state, world.report().unreachable_since)
        assert [left.name] == [j.session for j in ingest._sender.journals if j.session == OLD]

    assert 0 == world.run(ingest, look)
    session = next(path for path in world.sessions() if path.name != OLD)
    assert ["session_start", "session_end"] == [kind for kind, _ in feed_events(session)]


def test_a_line_is_named_by_the_cell_and_a_letter(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def note(_: object, __: object, line: str) -> int:
        asked.append(line)
        return 0

    monkeypatch.setattr(module, "run", note)
    for name, text in {**world.variables(), "BOOKTAPE__STATE__CELL": "tokyo"}.items():
        monkeypatch.setenv(name, text)
    for line in ("a", "b"):
        command._ingest(Namespace(exchange="bitvavo", line=line))
    assert ["tokyoa", "tokyob"] == asked


def test_behind_a_hole_in_its_journal_every_book_is_written_whole_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    ingest = world.make()
    publisher = WatermarkPublisher(ingest._context, endpoint(world.state, "watermarks"))

    def tell() -> None:
        wait_until(world.is_live)
        (session,) = world.sessions()
        watermark = Watermark("run", {session.name: (0, 7)}, {session.name: 7, OLD: 10**9})

        def has_all() -> bool:
            publisher.publish(watermark)
            return len(checkpoints(session)) >= 3

        wait_until(has_all)
        publisher.publish(watermark)

    assert 0 == world.run(ingest, tell)
    publisher.close()
    (session,) = world.sessions()
    assert [1, 1, 1] == list(Counter(checkpoints(session)).values())


def test_on_a_full_disk_nothing_is_opened(world: World) -> None:
    variables = {**world.variables(), "BOOKTAPE__STATE__DISK_FREE_MIN_BYTES": str(1 << 50)}
    ingest = Ingest(EXCHANGE, load_settings({"bitvavo": EXCHANGE}, variables), "a")
    assert 0 == world.run(ingest, lambda: wait_until(world.has_reported))
    (session,) = world.sessions()
    assert ["session_start", "disk_full", "session_end"] == [
        kind for kind, _ in feed_events(session)
    ]


def test_a_status_that_cannot_be_written_stops_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    ingest = world.make()
    (world.state / "status" / "ingest_bitvavo-a.json" / "in the way").mkdir(parents=True)
    warned = "cannot write the status"
    with caplog.at_level(logging.WARNING):
        assert 0 == world.run(
            ingest, lambda: wait_until(lambda: warned in [r.message for r in caplog.records])
        )


# --- what dead ingests left ----------------------------------------------------------------------


def test_journals_that_nobody_owns_are_adopted_and_their_sessions_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = world.leave(OLD, make_frame(0, 5, session=OLD))
    stopped = world.leave("2" + OLD, make_end(0, session="2" + OLD))
    empty = world.leave("3" + OLD)
    monkeypatch.setattr("shared.ingest.process.LOOK_S", 0.01)

    def adopt_all() -> None:
        wait_until(lambda: world.counts_journals(3) and not empty.exists())

    assert 0 == world.run(world.make(), adopt_all)
    assert ("session_end", {"reason": "killed", "events": 6}) == feed_events(killed)[-1]
    assert ["session_end"] == [kind for kind, _ in feed_events(stopped)]


def test_journals_that_lose_their_owner_later_are_adopted_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ingest.process.LOOK_S", 0.01)
    monkeypatch.setattr("shared.ingest.process.ADOPT_INTERVAL_S", 0.05)

    def orphan() -> None:
        wait_until(world.has_reported)
        killed = world.leave(OLD, make_frame(0, 5, session=OLD))
        wait_until(lambda: "session_end" in [kind for kind, _ in feed_events(killed)])

    assert 0 == world.run(world.make(), orphan)


def test_a_stop_comes_between_two_adoptions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        session = f"20{number:02}{OLD[4:]}"
        world.leave(session, make_frame(0, 5, session=session))
    adopt, ingest = Journal.adopt, world.make()
    adopted: list[Path] = []

    def adopt_and_stop(path: Path) -> Journal | None:
        adopted.append(path)
        ingest.stop()
        return adopt(path)

    monkeypatch.setattr(Journal, "adopt", adopt_and_stop)
    assert 0 == ingest.run()
    assert 1 == len(adopted)


def test_a_journal_that_cannot_be_adopted_is_left_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = world.leave(OLD, make_foreign(FRAME_VERSION + 1, session=OLD))
    data = next(foreign.glob("*.journal")).read_bytes()
    assert 0 == world.run(world.make(), lambda: wait_until(world.has_reported))
    assert 1 == world.report().journals
    assert "cannot adopt a journal" in [record.message for record in caplog.records]
    assert data == next(foreign.glob("*.journal")).read_bytes()


def test_a_session_that_cannot_be_ended_now_is_ended_later(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    killed = world.leave(OLD, make_frame(0, 500, session=OLD))
    ingest = world.make()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        assert not ingest._leftovers.adopt()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot adopt a journal" in [record.message for record in caplog.records]
    assert 0 == world.run(ingest, lambda: wait_until(world.has_reported))
    assert ("session_end", {"reason": "killed", "events": 501}) == feed_events(killed)[-1]


# --- faults --------------------------------------------------------------------------------------


def die(_: Raw) -> list[Message]:
    raise RuntimeError("a fault of our own")


def test_a_thread_that_dies_ends_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ingest = world.make(replace(EXCHANGE, parse=die))
    monkeypatch.setattr(threading, "excepthook", ingest.fail)
    assert EXIT_FAULT == ingest.run()
    died = next(r for r in caplog.records if r.message == "a thread died; starting again")
    assert "recorder" == vars(died)["died"]
    (session,) = world.sessions()
    assert "session_end" not in [kind for kind, _ in feed_events(session)]


def test_a_disk_that_cannot_sync_ends_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> NoReturn:
        raise OSError(5, "Input/output error")

    ingest = world.make()
    monkeypatch.setattr(threading, "excepthook", ingest.fail)
    monkeypatch.setattr(os, "fdatasync", refuse)
    assert EXIT_FAULT == ingest.run()


def test_a_session_that_cannot_be_ended_is_left_to_the_next_start(world: World) -> None:
    ingest = world.make()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_up() -> None:
        wait_until(lambda: ingest._journal.bytes > 100_000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))

    try:
        assert EXIT_FAULT == world.run(ingest, fill_up)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (session,) = world.sessions()
    assert "session_end" not in [kind for kind, _ in feed_events(session)]


def test_a_thread_that_hangs_does_not_keep_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Event()
    ingest = world.make()
    monkeypatch.setattr(module, "STOP_S", 0.5)
    monkeypatch.setattr(os, "fdatasync", lambda _: release.wait(WAIT_S))
    assert 0 == world.run(ingest, lambda: wait_until(world.has_reported))
    release.set()
    assert ingest._threads.end(ingest._stop_sender, within_s=WAIT_S)
    ingest._context.destroy()


# --- processes -----------------------------------------------------------------------------------


class Process:
    """`booktape ingest bitvavo`, as supervisord runs it."""

    def __init__(self, world: World) -> None:
        self._child = booktape(world.folder, world.variables(), "ingest", "bitvavo")
        self._world = world

    def wait_until_live(self) -> Path:
        """Return the journal of its session."""
        pid = self._child.pid

        def is_live() -> bool:
            return self._world.is_live() and self._world.report().pid == pid

        wait_until(is_live)
        return self._world.journals / self._world.report().session

    def kill(self) -> None:
        self._child.kill()
        self._child.communicate(timeout=WAIT_S)

    def end(self, number: int | None = None) -> tuple[int, list[dict[str, Any]]]:
        """Return its exit status and what it said."""
        if number is not None:
            self._child.send_signal(number)
        said = self._child.communicate(timeout=WAIT_S)[1]
        return self._child.returncode, [json.loads(line) for line in said.splitlines()]


@pytest.mark.process
def test_killed_and_started_again_it_ends_the_earlier_session_and_goes_on(world: World) -> None:
    first = Process(world)
    killed = first.wait_until_live()
    first.kill()
    assert "session_end" not in [kind for kind, _ in feed_events(killed)]
    second = Process(world)
    try:
        ended = second.wait_until_live()
        wait_until(lambda: feed_events(killed)[-1][0] == "session_end")
    finally:
        status, said = second.end(signal.SIGTERM)
    assert 0 == status
    assert "killed" == feed_events(killed)[-1][1]["reason"]
    assert "stopped" == feed_events(ended)[-1][1]["reason"]
    assert [killed, ended] == world.sessions()
    assert ["recording", "adopted", "ended"] == [line["message"] for line in said]


@pytest.mark.process
def test_a_second_process_of_a_line_says_so_and_is_to_be_tried_again(world: World) -> None:
    first = Process(world)
    try:
        first.wait_until_live()
        status, said = Process(world).end()
    finally:
        first.end(signal.SIGINT)
    assert EXIT_LOCKED == status
    assert "another process records this line" == said[0]["message"]
    assert 1 == len(world.sessions())
