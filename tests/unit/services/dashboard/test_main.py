"""The dashboard's process, with a watch that stands still."""

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from services.dashboard.main import run
from services.operator.commands.status import encode_compact
from services.operator.health.health import Health
from shared.process.files import Lock
from shared.process.settings import Settings, load
from shared.process.state import DASHBOARD
from shared.process.status import ServiceReport, read
from tests.support.callees import Callee
from tests.support.healths import make_feed, make_health, make_writer

WAIT_S = 30.0


class Still:
    """A watch of a health that stands still."""

    def __init__(self, health: Health) -> None:
        self.health = health
        self.may_look = Event()
        self.may_look.set()
        self.listened = Event()

    def look(self) -> bytes:
        self.may_look.wait(WAIT_S)
        return encode_compact(self.health)

    def metrics(self, is_open: bool) -> tuple[str, str]:  # noqa: FBT001 (as it is asked)
        return f"figures {is_open}\n", "text/plain"

    def tell_late(self, age_s: float) -> bytes:
        return json.dumps({"code": "look-late", "text": f"{age_s}", "remedy": "r"}).encode()

    def listen(self, stop: Event) -> None:
        self.listened.set()
        stop.wait()


def make_settings(folder: Path, **alerts: object) -> Settings:
    variables = {f"BOOKTAPE__ALERTS__{name.upper()}": str(text) for name, text in alerts.items()}
    return load({"BOOKTAPE__DASHBOARD__PORT": "0", **variables}, folder, exchanges={})


def serve(settings: Settings, watch: Still, check: Any) -> int:
    """Run the process; `check` is called with the address, on another thread, then it is ended."""
    failed: list[BaseException] = []

    def work(address: str) -> None:
        try:
            check(address)
        except BaseException as error:  # noqa: BLE001 (raised by who waits)
            failed.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    status = run(
        settings,
        watch,
        announce=lambda at: Thread(target=work, args=[at]).start(),
        may_be_second=True,
    )
    if failed:
        raise failed[0]
    return status


def ask(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address + path, timeout=WAIT_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Leave the signals as they were."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def wait_for(pause: Event, is_so: Any) -> None:
    for _ in range(int(WAIT_S / 0.01)):
        if is_so():
            return
        pause.wait(0.01)
    pytest.fail("it never was")


def test_it_serves_reports_and_ends_at_term(tmp_path: Path) -> None:
    settings, watch = make_settings(tmp_path), Still(make_health())
    path = settings.state.folder.report(DASHBOARD)

    def check(address: str) -> None:
        wait_for(Event(), lambda: ask(address, "healthz") == (200, "ok\n"))
        assert (200, "figures False\n") == ask(address, "metrics")
        assert b"booktape" in urllib.request.urlopen(address, timeout=WAIT_S).read()
        wait_for(Event(), lambda: (found := read(path, ServiceReport)) and found.address == address)

    assert 0 == serve(settings, watch, check)
    assert watch.listened.is_set()
    report = read(path, ServiceReport)
    assert report is not None
    assert (os.getpid(), False, None) == (report.pid, report.calls, report.call_error)


def test_a_look_that_hangs_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.dashboard.looker.LATE_S", 0.0)
    monkeypatch.setattr("services.dashboard.main.END_S", 0.01)
    watch = Still(make_health())
    watch.may_look.clear()

    def check(address: str) -> None:
        assert 200 == ask(address, "")[0]
        status, body = ask(address, "healthz")
        assert (503, True) == (status, body.endswith("; r\n"))

    assert 0 == serve(make_settings(tmp_path), watch, check)
    watch.may_look.set()


def test_it_calls_somebody_when_something_is_not_well(tmp_path: Path) -> None:
    with Callee() as callee:
        settings = make_settings(tmp_path, webhook_url=f"{callee.url}/hook", after_s=0)
        watch = Still(make_health(make_feed(state="disk_full"), make_writer()))
        assert 0 == serve(settings, watch, lambda _: callee.heard.wait(WAIT_S))
    method, path, body, _ = callee.asked[0]
    assert ("POST", "/hook", False) == (method, path, json.loads(body)["ok"])


def test_its_heart_beats_while_all_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.dashboard.caller.HEARTBEAT_S", 0.01)
    with Callee() as callee:
        settings = make_settings(tmp_path, heartbeat_url=f"{callee.url}/beat")
        assert 0 == serve(settings, Still(make_health()), lambda _: callee.heard.wait(WAIT_S))
    assert "/beat" == callee.asked[0][1]


def test_a_second_one_serves_and_leaves_reports_and_calls_to_the_first(tmp_path: Path) -> None:
    with Callee() as callee:
        settings = make_settings(tmp_path, webhook_url=callee.url, after_s=0)
        watch = Still(make_health(make_feed(state="disk_full"), make_writer()))

        def check(address: str) -> None:
            wait_for(Event(), lambda: "disk is full" in ask(address, "healthz")[1])

        with Lock(settings.state.folder.dashboard_lock):
            assert 0 == serve(settings, watch, check)
        assert not settings.state.folder.report(DASHBOARD).exists()
    assert [] == callee.asked


def test_one_of_supervisord_waits_until_another_is_gone(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    with Lock(settings.state.folder.dashboard_lock):
        announced: list[str] = []
        watch = Still(make_health())
        assert 75 == run(settings, watch, announce=announced.append, may_be_second=False)
    assert [] == announced


def test_no_loop_is_left_behind() -> None:
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
