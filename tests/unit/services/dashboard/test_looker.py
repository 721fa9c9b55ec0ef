"""One look for all who view."""

import json
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest
from msgspec.structs import replace

from services.dashboard import looker as module
from services.dashboard.leases import Leases
from services.dashboard.looker import HISTORY_MAX, LATE_S, Greeting, Looker, Outlook
from services.operator.commands.status import encode_compact
from services.operator.health.health import Health
from shared.process.live_books import Lease, LiveBook, LiveBooks, read_file, write_file
from shared.process.state import StateFolder
from tests.support.healths import TS, make_feed, make_health, make_writer

WAIT_S = 30.0
LATE = b'{"code":"look-late","text":"late","remedy":"look"}'


class World:
    """A looker at a health that the test sets, and its clock."""

    def __init__(self, folder: Path, *, shown: tuple[str, ...] = ()) -> None:
        self.folder = StateFolder(folder)
        self.health: Health | Exception = make_health()
        self.now_s = 100.0
        self.looks = self.reports = 0
        self.looker = Looker(
            self.look,
            Leases(self.folder, clock_ns=lambda: TS),
            shown=shown,
            spread=("bitvavo:BTC-EUR",),
            report=self.report,
            steady_s=lambda: self.now_s,
        )
        self.outlook = Outlook(self.looker, lambda _: LATE)

    def look(self) -> bytes:
        self.looks += 1
        if isinstance(self.health, Exception):
            raise self.health
        return encode_compact(self.health)

    def report(self) -> None:
        self.reports += 1

    def wanted(self, exchange: str) -> list[str] | None:
        lease = read_file(self.folder.lease(exchange), Lease)
        return lease.symbols if lease else None


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_before_the_first_look_nothing_is_known(world: World) -> None:
    outlook = world.outlook
    assert [None] * 3 == [
        outlook.find_complaints(), outlook.find_status(), outlook.find_message(),
    ]  # fmt: skip


def test_a_look_is_shown_and_reported(world: World) -> None:
    world.health = make_health(make_feed(state="disk_full"), make_writer())
    world.looker.step()
    assert 1 == world.reports
    complaints = world.outlook.find_complaints()
    assert complaints is not None
    assert ["feed-disk-full"] == [complaint.code for complaint in complaints]
    status, message = world.outlook.find_status(), world.outlook.find_message()
    assert encode_compact(world.health) == status
    assert message is not None
    assert {} == json.loads(message)["books"]


def test_a_look_that_is_late_is_a_trouble_of_its_own(world: World) -> None:
    world.looker.step()
    world.now_s += LATE_S + 1
    assert world.outlook.is_late
    complaints = world.outlook.find_complaints()
    assert complaints is not None
    assert ["look-late"] == [complaint.code for complaint in complaints]
    for values in (world.outlook.find_status(), world.outlook.find_message()):
        assert values is not None
        told = json.loads(values)
        assert (False, "look-late") == (told["ok"], told["troubles"][0]["code"])
    world.looker.step()
    assert [] == world.outlook.find_complaints()


def test_a_first_look_that_never_ends_is_a_trouble_too(world: World) -> None:
    world.now_s += LATE_S + 1
    complaints = world.outlook.find_complaints()
    assert complaints is not None
    assert ["look-late"] == [complaint.code for complaint in complaints]


def test_nobody_pays_for_books_that_nobody_looks_at(world: World) -> None:
    world.looker.step()
    assert not (world.folder.path / "watch").exists()
    world.looker.wanted = [()]
    world.looker.step()
    assert ["BTC-EUR"] == world.wanted("bitvavo")  # of the spread
    assert [] == world.wanted("btcturk")  # which tells what it has
    world.looker.wanted = None
    world.looker.step()
    assert [None, None] == [world.wanted("bitvavo"), world.wanted("btcturk")]


def test_what_viewers_choose_is_asked_for_beside_the_spread(world: World) -> None:
    world.looker.wanted = [["btcturk:X-TRY"], ["bitvavo:Y-EUR"]]
    world.looker.step()
    assert ["Y-EUR", "BTC-EUR"] == world.wanted("bitvavo")
    assert ["X-TRY"] == world.wanted("btcturk")


def test_the_books_come_with_the_message_and_the_markets_with_a_greeting(world: World) -> None:
    world.looker.wanted = [()]
    world.looker.step()
    first = world.looker.greeting
    assert Greeting({}, [], ("bitvavo:BTC-EUR",)) == first
    book = LiveBook(5, [(1.0, 1.0)], [])
    path = world.folder.live_books("btcturk", "a")
    file = LiveBooks(TS, "btcturk", "a", "s", {"P-TRY": book}, ["O-TRY", "P-TRY"])
    write_file(path, file)
    world.looker.step()
    message = world.outlook.find_message()
    assert message is not None
    books = json.loads(message)["books"]
    assert book == msgspec.convert(books["btcturk"]["P-TRY"], LiveBook)
    second = world.looker.greeting
    assert {"btcturk": ["O-TRY", "P-TRY"]} == second.markets
    assert ["btcturk:O-TRY", "btcturk:P-TRY"] == second.shown
    world.looker.step()
    assert second is world.looker.greeting
    assert ["O-TRY", "P-TRY"] == world.wanted("btcturk")  # what is shown first is asked for


def test_a_feed_that_does_not_run_has_no_live_book(world: World) -> None:
    world.looker.wanted = [()]
    world.looker.step()
    file = LiveBooks(TS, "btcturk", "a", "s", {"P-TRY": LiveBook(5, [], [])}, ["P-TRY"])
    write_file(world.folder.live_books("btcturk", "a"), file)
    world.looker.step()
    assert ["btcturk"] == list(json.loads(world.outlook.find_message() or b"")["books"])
    dead = replace(make_feed("btcturk"), is_running=False)
    world.health = make_health(make_feed(), dead, make_writer())
    world.looker.step()
    assert {} == json.loads(world.outlook.find_message() or b"")["books"]


def test_books_of_a_look_that_is_late_are_no_live_books(world: World) -> None:
    world.looker.wanted = [()]
    world.looker.step()
    file = LiveBooks(TS, "btcturk", "a", "s", {"P-TRY": LiveBook(5, [], [])}, ["P-TRY"])
    write_file(world.folder.live_books("btcturk", "a"), file)
    world.looker.step()
    assert json.loads(world.outlook.find_message() or b"")["books"]
    world.now_s += LATE_S + 1
    assert {} == json.loads(world.outlook.find_message() or b"")["books"]


def test_what_is_configured_is_shown_first(tmp_path: Path) -> None:
    world = World(tmp_path, shown=("btcturk:X-TRY",))
    world.looker.wanted = [()]
    world.looker.step()
    assert ["X-TRY"] == world.wanted("btcturk")


def test_the_rates_so_far_are_kept_and_bounded(world: World) -> None:
    for _ in range(HISTORY_MAX + 5):
        world.looker.step()
    history = world.looker.history()
    assert ["ingest_bitvavo-a", "ingest_btcturk-a"] == list(history)
    assert HISTORY_MAX == len(history["ingest_bitvavo-a"])
    assert (TS, 91.7) == history["ingest_bitvavo-a"][0]


def test_the_thread_goes_on_whatever_a_look_meets(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.001)
    world.health = RuntimeError("broken")
    seen, stop = Event(), Event()
    monkeypatch.setattr(world.looker, "_report", seen.set)
    thread = Thread(target=world.looker.run, args=(stop,))
    thread.start()
    while world.looks < 2:
        stop.wait(0.001)
    assert not seen.is_set()
    world.health = make_health()
    assert seen.wait(WAIT_S)
    stop.set()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert "a look at the processes failed" in caplog.text


def test_who_comes_is_not_kept_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_S", 3600.0)
    looked, stop = Event(), Event()
    monkeypatch.setattr(world.looker, "_report", looked.set)
    thread = Thread(target=world.looker.run, args=(stop,))
    thread.start()
    assert looked.wait(WAIT_S)
    looked.clear()
    for _ in range(3):
        world.looker.wake()
    assert looked.wait(WAIT_S)
    stop.set()
    world.looker.wake()
    thread.join(WAIT_S)
    assert not thread.is_alive()
