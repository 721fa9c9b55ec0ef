import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from booktape.errors import ConfigError
from services.sink import main
from services.sink.main import SinkProcess, run
from shared.errors import LockHeld
from shared.process.files import Lock
from shared.process.settings import Settings, load
from tests.support.hand_tape import A, B, HandTape, feed, ticker, trade
from tests.support.line_server import Fate, LineServer


@pytest.fixture(autouse=True)
def as_nice_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "nice", lambda _: 0)


@pytest.fixture
def server() -> Iterator[LineServer]:
    with LineServer() as server:
        yield server


def make_settings(folder: Path, server: LineServer) -> Settings:
    own = {"URL": server.url, "BEGIN": "2026-11-01"}
    environment = {f"BOOKTAPE__SINKS__X__{name}": value for name, value in own.items()}
    return load(environment, folder, exchanges={})


def make_tape(folder: Path) -> HandTape:
    tape = HandTape(folder / "data")
    tape.write(A, feed(0, "session_start"), ticker(1), trade(1, "x"))
    tape.write(A, ticker(2), trade(3, "y"))
    tape.write(B, trade(1, "x"))
    return tape


def report(settings: Settings) -> dict[str, object]:
    path = settings.state.folder.report("sink_x")
    found: dict[str, object] = json.loads(path.read_bytes())
    return found


def test_what_there_is_now_is_fed_and_reported(tmp_path: Path, server: LineServer) -> None:
    settings = make_settings(tmp_path, server)
    make_tape(tmp_path)
    assert 0 == run(settings, "x", is_once=True)
    assert [1, 3] == server.numbers("ticker")
    assert [0, 2, 4] == sorted(server.numbers("trades"))
    assert [0] == server.numbers("feed_events")
    said = report(settings)
    expected = {"state": "waiting", "rows": 6, "flushes": 3, "flushes_due": 0, "error": None}
    assert expected.items() <= said.items()
    assert 0 == run(settings, "x", is_once=True)
    assert 0 == report(settings)["requests"]


def test_what_is_not_fed_is_told_by_the_status(tmp_path: Path, server: LineServer) -> None:
    settings = make_settings(tmp_path, server)
    make_tape(tmp_path)
    server.decide = lambda: Fate(is_kept=False, status=404, text="no such database")
    assert 1 == run(settings, "x", is_once=True)
    said = report(settings)
    assert ("failing", True, 3) == (said["state"], said["is_refused"], said["flushes_due"])
    assert "no such database" in str(said["error"])


def test_a_sink_that_nobody_configured_is_refused(tmp_path: Path, server: LineServer) -> None:
    with pytest.raises(ConfigError, match=r"sinks.y: no such sink is configured; there are: x"):
        run(make_settings(tmp_path, server), "y", is_once=True)


def test_a_sink_has_one_process(tmp_path: Path, server: LineServer) -> None:
    settings = make_settings(tmp_path, server)
    with Lock(settings.state.folder.sink_lock("x")), pytest.raises(LockHeld):
        run(settings, "x", is_once=True)


def test_it_feeds_until_it_is_told_to_stop(
    tmp_path: Path, server: LineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(tmp_path, server)
    make_tape(tmp_path)
    handlers: dict[int, Callable[[], None]] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)  # only the main thread may
    monkeypatch.setattr(main, "STATUS_S", 0.01)
    ended: list[int] = []
    process = SinkProcess(settings, "x")
    thread = Thread(target=lambda: ended.append(process.run()))
    thread.start()
    while 6 != sum(map(len, map(server.numbers, ("ticker", "trades", "feed_events")))):
        assert thread.is_alive()
    handlers[signal.SIGTERM]()
    thread.join()
    assert [0] == ended
    assert 6 == report(settings)["rows"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_its_own_ends_it_so_that_another_is_started(
    tmp_path: Path, server: LineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr("services.sink.looks.Looks.find_due", lambda *_: [None])
    assert 1 == SinkProcess(make_settings(tmp_path, server), "x").run()
