"""Whose answer a snapshot is."""

from typing import Any

from shared.event import Snapshot
from shared.feed.answers import Answers
from shared.feed.auditing import Auditing
from shared.feed.board import BookAnswer
from shared.feed.peers import Peers
from shared.feed.questions import Questions
from shared.feed.subscriptions import Subscriptions
from shared.feed.watchdog import Watchdog
from tests.support.feeds import SYMBOLS, Desk
from tests.support.toys import book, delta


class World(Desk):
    """The snapshots of two books."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**changes)
        exchange, board, books, _, _ = self.parts
        self.auditing = Auditing(self.parts, Peers(exchange), lambda _: 0.0, 3600.0)
        self.auditing.follow(SYMBOLS)
        subscriptions = Subscriptions(exchange, ["book"])
        self.questions = Questions(
            exchange,
            subscriptions,
            spend=lambda _: 0.0,
            hold_deltas=books.hold_deltas,
            books_wanted=board.books_wanted,
        )
        self.watchdog = Watchdog(20.0)
        self.answers = Answers(
            self.parts,
            self.questions,
            self.auditing,
            self.watchdog,
            lambda _, raw: SYMBOLS.get(raw),
        )

    def ask(self, raw_symbol: str) -> None:
        self.questions.begin_book(raw_symbol)
        assert [f"book {raw_symbol}"] == self.questions.due(self.now_s)[0]

    def take(self, snapshot: Snapshot) -> None:
        self.answers.take(self.ts, snapshot, self.now_s)


def test_the_answer_to_a_question_begins_the_book() -> None:
    world = World()
    world.ask("BTCEUR")
    world.take(book("BTCEUR", 10))
    assert {"BTC-EUR"} == world.books.live()
    world.take(book("BTCEUR", 11))
    assert (1, 1) == (world.parts.counts.snapshots_not_asked_for, len(world.tape))
    assert world.watchdog.silent_s(world.now_s + 601) is not None


def test_one_that_is_too_old_is_asked_for_again_after_a_second() -> None:
    world = World()
    world.books.delta(world.ts, delta("BTCEUR", 12))
    world.ask("BTCEUR")
    world.take(book("BTCEUR", 11))
    assert (set(), 1) == (world.books.live(), world.parts.counts.snapshots_late)
    assert [] == world.questions.due(world.now_s + 0.9)[0]
    assert ["book BTCEUR"] == world.questions.due(world.now_s + 1.1)[0]


def test_the_answer_to_an_audit_is_compared() -> None:
    world = World()
    world.ask("BTCEUR")
    world.take(book("BTCEUR", 10))
    world.now_s += 3600
    world.auditing.look(world.ts, world.now_s)
    world.now_s += 3600
    world.auditing.look(world.ts, world.now_s)
    assert ["book BTCEUR"] == world.auditing.ask(world.now_s)
    world.take(book("BTCEUR", 10))
    assert ["audit"] == world.kinds()


def test_a_book_that_comes_by_itself_begins_where_it_is_recorded() -> None:
    world = World(snapshot_by="first", request_snapshot=None)
    world.take(book("BTCEUR", 10))
    world.take(book("NOPE", 10))
    assert {"BTC-EUR"} == world.books.live()


def test_a_book_over_rest_begins_at_the_time_of_its_answer() -> None:
    world = World(snapshot_by="rest", request_snapshot=None)
    world.questions.begin_book("BTCEUR")
    world.questions.due(world.now_s)
    world.parts.board.books.append(BookAnswer(7, book("BTCEUR", 10)))
    world.answers.take_all(world.now_s)
    assert [7] == [ts for ts, _, _ in world.tape]
