"""Calls to servers that answer, refuse, hang, and answer late."""

import json
import socket
from random import Random
from threading import Event, Thread
from typing import Any

import pytest

from services.dashboard import caller as module
from services.dashboard.caller import LOOK_S, RETRY_CAP_S, Caller, Heartbeat
from services.dashboard.calls import Calls
from services.dashboard.sight import Complaint
from services.dashboard.web import Web
from tests.support.callees import Callee

WAIT_S = 30.0
TS = 10**18
DISK = Complaint("feed-disk-full", "the disk is full", "make room", "ingest_a-a", "a")


class World:
    """A caller of one address, its clock, and what is not well."""

    def __init__(self, url: str, *, answer_s: float = WAIT_S) -> None:
        self.complaints: list[Complaint] | None = []
        self.now_s = 0.0
        self.web = Web(url, answer_s=answer_s)
        self.caller = Caller(
            Calls(after_s=60, repeat_s=600),
            lambda: self.complaints,
            self.web.ask,
            host="box",
            random=Random(1),
            clock_ns=lambda: TS + int(self.now_s),
            steady_s=lambda: self.now_s,
        )

    def step(self, at: float, *complaints: Complaint) -> float:
        self.now_s, self.complaints = at, list(complaints)
        return self.caller.step()

    def fall_ill(self) -> float:
        """Have a trouble that has stood; return how long the caller waits then."""
        self.step(0, DISK)
        return self.step(60, DISK)


def bodies(callee: Callee) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body, _ in callee.asked]


def test_a_trouble_is_sent_once_and_so_is_its_end() -> None:
    with Callee() as callee:
        world = World(callee.url)
        assert LOOK_S == world.fall_ill()
        for at in (61, 62, 100):
            world.step(at, DISK)
        for at in (110, 171, 172, 300):
            world.step(at)
    [told, over] = bodies(callee)
    assert (False, "box", TS + 60) == (told["ok"], told["host"], told["ts"])
    assert "booktape on box: 1 not well\n- the disk is full; make room" == told["text"]
    assert ["feed-disk-full"] == [each["code"] for each in told["troubles"]]
    assert (True, []) == (over["ok"], over["troubles"])
    assert over["text"].startswith("booktape on box: all well again")
    assert told["id"] != over["id"]


def test_before_anything_was_seen_nobody_is_called() -> None:
    world = World("http://127.0.0.1:9/")
    world.complaints = None
    assert LOOK_S == world.caller.step()
    assert world.caller.error is None


def test_a_server_that_refuses_is_asked_again_and_the_error_is_shown() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        world = World(f"http://127.0.0.1:{taken.getsockname()[1]}/hook")
        wait_s = world.fall_ill()
        assert 0 <= wait_s <= RETRY_CAP_S
        assert str(world.caller.error).startswith("127.0.0.1 cannot be reached: ")
        world.step(90, DISK)
        assert TS + 60 == world.caller.error_since  # since the first
    with Callee() as callee:
        world.caller._send = Web(callee.url).ask
        world.step(100, DISK)
    assert 1 == len(callee.asked)
    assert not world.caller.error
    assert not world.caller.error_since


def test_what_is_over_before_anybody_heard_is_told_to_nobody() -> None:
    with Callee(status=500) as callee:
        world = World(callee.url)
        world.fall_ill()
        assert "the webhook answers 500" == world.caller.error
        callee.status = 204
        assert LOOK_S == world.step(200)
    assert 1 == len(callee.asked)


def test_a_server_that_answers_late_is_told_once() -> None:
    with Callee(is_slow=True) as callee:
        world = World(callee.url)
        world.step(0, DISK)
        thread = Thread(target=world.step, args=(60, DISK))
        thread.start()
        assert callee.heard.wait(WAIT_S)
        callee.may_answer.set()
        thread.join(WAIT_S)
        for at in (61, 90, 120):
            world.step(at, DISK)
    assert 1 == len(callee.asked)


def test_a_server_that_hangs_is_told_again_by_the_same_id_and_of_the_end() -> None:
    with Callee(is_slow=True) as callee:
        world = World(callee.url, answer_s=0.05)
        world.fall_ill()
        assert "does not answer" in str(world.caller.error)
        world.step(70, DISK)
        callee.may_answer.set()
        world.web._answer_s = WAIT_S
        world.step(200)
    [first, again, over] = bodies(callee)
    assert first["id"] == again["id"] != over["id"]
    assert [False, False, True] == [first["ok"], again["ok"], over["ok"]]


def test_the_thread_calls_until_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    with Callee() as callee:
        world = World(callee.url)
        world.step(0, DISK)
        world.now_s = 60
        stop = Event()
        thread = Thread(target=world.caller.run, args=(stop,))
        thread.start()
        assert callee.heard.wait(WAIT_S)
        stop.set()
        thread.join(WAIT_S)
    assert not thread.is_alive()


def test_the_heart_beats_while_all_is_well_and_only_then() -> None:
    found: list[list[Complaint] | None] = [[], [DISK], None, []]
    with Callee() as callee:
        heartbeat = Heartbeat(lambda: found.pop(0), Web(f"{callee.url}/beat").ask)
        for _ in range(4):
            heartbeat.step()
    assert [("GET", "/beat", b"", "")] * 2 == callee.asked


def test_a_heartbeat_that_nobody_hears_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        web = Web(f"http://127.0.0.1:{taken.getsockname()[1]}/beat")
        Heartbeat(list, web.ask).step()
    assert "the heartbeat's server cannot be reached" in caplog.text


def test_the_heart_beats_each_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.001)
    with Callee() as callee:
        stop = Event()
        thread = Thread(target=Heartbeat(list, Web(callee.url).ask).run, args=(stop,))
        thread.start()
        while len(callee.asked) < 2:
            stop.wait(0.001)
        stop.set()
        thread.join(WAIT_S)
    assert not thread.is_alive()
