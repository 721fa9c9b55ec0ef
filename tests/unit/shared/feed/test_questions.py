"""What one connection asks, and in which order."""

from collections import deque

import pytest

from shared.errors import ConnectionLost
from shared.event import Refused, Throttled
from shared.exchange import Cost, KeepAlive
from shared.feed.questions import BAN_S, BAN_S_MAX, Questions
from shared.feed.subscriptions import ANSWER_S, Subscriptions
from tests.support.toys import SECOND, make_exchange

TS = 1_795_356_000 * SECOND
HALTED = Refused("snapshot", "halted", "A", is_halted=True)


class World:
    """The questions of a connection, and the limit that grants them."""

    def __init__(self, *, asks_snapshots: bool = True, **changes: object) -> None:
        if not asks_snapshots:
            changes |= {"snapshot_by": "first", "request_snapshot": None, "ready": "data"}
        exchange = make_exchange(**changes)
        self.wait_s = 0.0
        self.costs: list[Cost] = []
        self.held: list[str] = []
        self.books_wanted: deque[str] = deque()
        self.subscriptions = Subscriptions(exchange, ["book"])
        self.questions = Questions(
            exchange,
            self.subscriptions,
            spend=self._take,
            hold_deltas=self.held.append,
            books_wanted=self.books_wanted,
        )

    def _take(self, cost: Cost) -> float:
        self.costs.append(cost)
        return self.wait_s

    def sent(self, now_s: float) -> list[str]:
        return self.questions.due(now_s)[0]

    def go_live(self, *raw_symbols: str) -> None:
        """Subscribe to these at time 0."""
        self.subscriptions.ask(raw_symbols)
        self.sent(0.0)
        self.subscriptions.acknowledge("book", raw_symbols)
        for raw_symbol in raw_symbols:
            self.subscriptions.note_data("book", raw_symbol)


def test_a_subscription_is_asked_for_when_the_limit_allows_it() -> None:
    world = World(subscribe_cost=Cost("points", 3))
    world.subscriptions.ask(["A"])
    world.wait_s = 4.0
    assert [] == world.sent(0.0)
    world.wait_s = 0.0
    assert ["join book A"] == world.sent(1.0)
    assert [Cost("points", 3)] * 2 == world.costs


def test_a_book_is_asked_for_and_its_deltas_are_held_from_then_on() -> None:
    world = World()
    world.go_live("A")
    world.questions.begin_book("A")
    assert not world.questions.is_snapshot_asked("A")
    assert [] == world.held
    assert ["book A"] == world.sent(1.0)
    assert ["A"] == world.held
    assert world.questions.is_snapshot_asked("A")
    world.questions.settle_book("A")
    assert not world.questions.is_snapshot_asked("A")
    assert [] == world.sent(100.0)


def test_a_book_that_comes_with_its_subscription_is_not_asked_for() -> None:
    world = World(asks_snapshots=False)
    world.go_live("A")
    world.questions.begin_book("A")
    assert world.questions.is_snapshot_asked("A")
    assert [] == world.sent(1.0)
    assert [] == world.held


def test_a_resync_asks_for_the_book_anew() -> None:
    world = World()
    world.go_live("A")
    assert world.questions.resync("A", 1.0)
    assert not world.questions.resync("A", 1.0)
    assert ["book A"] == world.sent(1.0)
    assert not world.questions.resync("A", 1.0)


def test_a_resync_without_questions_leaves_and_joins() -> None:
    world = World(asks_snapshots=False)
    world.go_live("A")
    assert world.questions.resync("A", 1.0)
    assert ["leave book A", "join book A"] == world.sent(1.0)
    assert not world.questions.resync("A", 1.0)
    with pytest.raises(ConnectionLost):
        world.sent(1.1 + ANSWER_S)


def test_a_book_that_is_refused_waits_until_it_is_asked_for_again() -> None:
    world = World(asks_snapshots=False)
    world.go_live("A")
    world.subscriptions.refused["book", "A"] = 600.0
    assert not world.questions.resync("A", 1.0)
    world.subscriptions.note_data("book", "A")
    del world.subscriptions.refused["book", "A"]
    assert world.questions.resync("A", 1.0)


def test_a_book_that_waits_for_its_turn_needs_no_resync() -> None:
    world = World()
    world.go_live("A", "B")
    world.questions.begin_book("A")
    world.questions.begin_book("B")
    assert ["book A"] == world.sent(1.0)
    assert not world.questions.resync("B", 1.0)
    assert ["book B"] == world.sent(2.0)
    world.questions.settle_book("A")
    world.questions.settle_book("B")
    assert [] == world.sent(100.0)


@pytest.mark.parametrize("asks_snapshots", [True, False])
def test_a_snapshot_that_comes_by_itself_settles_a_resync(*, asks_snapshots: bool) -> None:
    world = World(asks_snapshots=asks_snapshots)
    world.go_live("A")
    world.questions.resync("A", 1.0)
    world.questions.settle_book("A")
    assert [] == world.sent(2.0)


@pytest.mark.parametrize("asks_snapshots", [True, False])
def test_nothing_more_is_asked_about_a_symbol_that_is_dropped(*, asks_snapshots: bool) -> None:
    world = World(asks_snapshots=asks_snapshots)
    world.go_live("A")
    world.questions.resync("A", 1.0)
    assert ["leave book A"] == world.questions.drop("A")
    assert [] == world.sent(100.0)


def test_a_refused_snapshot_is_asked_for_later_if_it_was_asked_for() -> None:
    world = World()
    world.go_live("A")
    world.questions.refuse_snapshot(HALTED, 1.0)
    assert [] == world.sent(100.0)
    world.questions.begin_book("A")
    assert ["book A"] == world.sent(100.0)
    world.questions.refuse_snapshot(HALTED, 101.0)
    assert [] == world.sent(160.0)
    assert ["book A"] == world.sent(161.0)


def test_a_sign_of_life_has_a_refused_snapshot_asked_for_now_and_no_other() -> None:
    world = World()
    world.go_live("A", "B")
    for raw_symbol in "AB":
        world.questions.begin_book(raw_symbol)
    assert ["book A"] == world.sent(1.0)
    world.questions.refuse_snapshot(HALTED, 1.5)
    world.questions.note_life("B", 1.5)
    world.questions.note_life("A", 1.5)
    assert [["book B"], ["book A"]] == [world.sent(2.0), world.sent(3.0)]
    world.questions.refuse_snapshot(HALTED, 3.5)
    world.questions.note_life("A", 3.5)
    assert [] == world.sent(4.0)  # the second is due a second later
    assert ["book A"] == world.sent(4.5)


def test_a_sign_of_life_has_a_refused_subscription_asked_for_now() -> None:
    world = World(asks_snapshots=False)
    world.go_live("B")
    world.subscriptions.refused["book", "A"] = 600.0
    assert [] == world.sent(1.0)
    world.questions.note_life("A", 1.5)
    assert ["leave book A", "join book A"] == world.sent(2.0)


def test_a_market_that_is_woken_begins_its_book_however_it_stands() -> None:
    world = World()
    world.go_live("A")
    world.questions.wake("A", 1.0)
    assert ["book A"] == world.sent(1.0)
    world.questions.wake("A", 2.0)
    assert [] == world.sent(3.0)  # it is asked for already
    world.questions.refuse_snapshot(HALTED, 4.0)
    world.questions.wake("A", 5.0)
    assert ["book A"] == world.sent(5.0)


def test_where_no_books_are_recorded_none_is_woken() -> None:
    world = World(asks_snapshots=False)
    world.subscriptions.channels = ("ticker",)
    world.questions.wake("A", 1.0)
    assert [] == world.sent(1.0)


def test_a_silent_subscription_is_told_as_refused() -> None:
    world = World(asks_snapshots=False)
    world.subscriptions.ask(["A"])
    world.sent(0.0)
    world.sent(ANSWER_S + 1)
    assert ([], [("book", "A")]) == world.questions.due(2 * ANSWER_S + 2)


@pytest.mark.parametrize(
    ("notice", "wait_s"),
    [
        (Throttled("stop", wait_s=7.0), 7.0),
        (Throttled("stop", until_ns=TS + 900 * SECOND), 900.0),
        (Throttled("stop", until_ns=TS - 5), BAN_S),
        (Throttled("stop", until_ns=TS + 10**9 * SECOND), BAN_S_MAX),
        (Throttled("stop"), BAN_S),
    ],
)
def test_when_the_exchange_says_stop_it_is_quiet_for_as_long_as_it_says(
    notice: Throttled, wait_s: float
) -> None:
    world = World()
    world.subscriptions.ask(["A"])
    assert ["join book A"] == world.sent(0.0)
    assert not world.questions.is_quiet(0.0)
    assert wait_s == world.questions.stop(notice, TS, 0.0)
    assert world.questions.is_quiet(wait_s - 0.1)
    assert not world.questions.is_quiet(wait_s)
    assert ["join book A"] == world.sent(wait_s)


def test_a_shorter_stop_does_not_end_a_longer_one() -> None:
    world = World()
    world.questions.stop(Throttled("stop", wait_s=100.0), TS, 0.0)
    world.questions.stop(Throttled("stop", wait_s=1.0), TS, 1.0)
    assert world.questions.is_quiet(99.0)


def test_a_lost_connection_forgets_what_was_asked() -> None:
    world = World()
    world.go_live("A", "B")
    world.questions.resync("A", 1.0)
    world.questions.begin_book("B")
    world.subscriptions.ask(["C"])
    world.questions.clear()
    assert [] == world.sent(100.0)


def test_where_books_begin_over_rest_somebody_else_is_told_to_ask() -> None:
    world = World(snapshot_by="rest", request_snapshot=None)
    world.go_live("A")
    world.questions.begin_book("A")
    assert [] == world.sent(1.0)
    assert ["A"] == list(world.books_wanted)
    assert ["A"] == world.held
    assert world.questions.is_snapshot_asked("A")
    world.questions.clear()
    assert [] == list(world.books_wanted)


def test_a_keep_alive_is_due_again_and_again() -> None:
    world = World(keep_alive=KeepAlive(message="here", interval_s=5.0))
    world.questions.connected(10.0)
    heard = [world.questions.keep_alive(now_s) for now_s in (14.9, 15.0, 15.1, 20.0)]
    assert [[], ["here"], [], ["here"]] == heard


def test_it_is_calm_where_nothing_is_asked_nor_about_to_be() -> None:
    world = World()
    assert world.questions.is_calm()
    world.subscriptions.ask(["A"])
    assert not world.questions.is_calm()
    assert ["join book A"] == world.sent(0.0)
    assert not world.questions.is_calm()
    world.subscriptions.acknowledge("book", ["A"])
    assert world.questions.is_calm()
    world.questions.begin_book("A")
    assert not world.questions.is_calm()
    assert ["book A"] == world.sent(1.0)
    world.questions.refuse_snapshot(Refused("snapshot", "no", "A"), 1.0)
    assert world.questions.note_life("A", 1.0)
    world.questions.settle_book("A")
    assert world.questions.is_calm()
    assert not world.questions.note_life("A", 1.0)
    assert world.questions.resync("A", 1.0)
    assert not world.questions.is_calm()
