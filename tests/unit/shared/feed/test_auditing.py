"""What keeps the books of a connection true, whatever an exchange offers for it."""

from typing import Any

import pytest

from shared.event import Checkpoint, Delta, Refused, Ticker
from shared.feed import bounds
from shared.feed.auditing import Auditing
from shared.feed.board import AuditAnswer
from shared.feed.parts import Parts
from shared.feed.peers import Peers
from tests.support.feeds import SYMBOLS, Desk
from tests.support.readers import make_board
from tests.support.toys import book

FIRST: dict[str, Any] = {"snapshot_by": "first", "request_snapshot": None}
REST: dict[str, Any] = {"snapshot_by": "rest", "request_snapshot": None}


class World(Desk):
    """Two live books, looked after."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**changes)
        self.peers = Peers(self.parts.exchange)
        self.auditing = self.make(self.parts)
        self.auditing.follow(SYMBOLS)
        for raw_symbol in SYMBOLS:
            self.books.replace(self.ts, book(raw_symbol, 10))
        self.tape.clear()
        self._size = 0.0

    def make(self, parts: Parts) -> Auditing:
        return Auditing(parts, self.peers, lambda _: 0.0, 3600.0)

    def later(self, seconds: float) -> list[str]:
        """Let time pass a tenth of a second at a time; return what is asked."""
        asked: list[str] = []
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            self.auditing.look(self.ts, self.now_s)
            asked += self.auditing.ask(self.now_s)
        return asked

    def disagree(self, seconds: int) -> list[str]:
        """Let wrong tickers come for so long; return what is asked."""
        asked: list[str] = []
        for _ in range(seconds):
            self._size += 1.0
            self.auditing.carry(self.ts, Ticker("BTCEUR", 98.0, self._size))
            asked += self.later(1)
        return asked


def test_over_the_socket_a_book_is_audited_by_turns_and_nothing_of_ours_is_written() -> None:
    world = World()
    assert ["book BTCEUR"] == world.later(1801)
    assert world.auditing.is_asked("BTCEUR")
    world.auditing.answer_audit(world.ts, book("BTCEUR", 10), world.now_s)
    assert ["audit"] == world.kinds()
    assert [] == world.tape.events(Checkpoint)
    assert not world.auditing.refuse(world.ts, Refused("snapshot", "no", "ETHEUR"), world.now_s)


def test_where_books_come_by_themselves_ours_are_written_and_audited_over_rest() -> None:
    world = World(**FIRST)
    assert [] == world.later(1810)
    assert ["BTCEUR"] == list(world.parts.board.audits_wanted)
    world.parts.board.audits.append(AuditAnswer("BTCEUR", world.ts, book("BTCEUR", None)))
    world.later(1)
    assert ["BTCEUR"] == [event.raw_symbol for event in world.tape.events(Checkpoint)]
    assert ["audit"] == world.kinds()


def test_where_books_begin_over_rest_they_are_audited_over_rest_too() -> None:
    world = World(**REST)
    assert [] == world.later(1810)
    assert ["BTCEUR"] == list(world.parts.board.audits_wanted)
    world.parts.board.audits.append(AuditAnswer("BTCEUR", world.ts, book("BTCEUR", 10)))
    world.later(1)
    assert ["BTCEUR"] == [event.raw_symbol for event in world.tape.events(Checkpoint)]
    assert ["audit"] == world.kinds()
    assert not world.auditing.is_asked("BTCEUR")
    assert not world.auditing.refuse(world.ts, Refused("snapshot", "no", "BTCEUR"), world.now_s)
    assert [] == world.auditing.ask(world.now_s)


def test_a_book_that_tickers_doubt_begins_anew_where_rest_has_no_answer() -> None:
    world = World(**FIRST)
    world.later(20)
    assert [] == world.disagree(20) + world.later(5)
    assert ["BTCEUR"] == list(world.parts.board.audits_wanted)
    world.parts.board.audits.append(AuditAnswer("BTCEUR", world.ts, None))
    world.later(1)
    reason = "tickers disagree with the book, and no audit can be had"
    assert [{"reason": reason}] == world.details("stale")
    assert [("BTCEUR", "stale")] == world.resyncs


def test_a_book_under_another_status_is_audited_at_once() -> None:
    world = World()
    world.auditing.note_status("BTCEUR", world.now_s)
    assert ["book BTCEUR"] == world.later(0.5)
    world.auditing.answer_audit(world.ts, book("BTCEUR", 10), world.now_s)
    assert ["status"] == [detail["cause"] for detail in world.details("audit")]


def test_tickers_that_disagree_have_the_book_audited() -> None:
    world = World()
    world.later(20)
    assert ["book BTCEUR"] == world.disagree(20)
    world.auditing.answer_audit(world.ts, book("BTCEUR", 10), world.now_s)
    (audit,) = world.details("audit")
    assert ("ticker", 0) == (audit["cause"], audit["ticker"][0])
    assert audit["ticker"][1] >= 5


def test_tickers_of_another_connection_find_the_book() -> None:
    world = World()
    parts = world.parts._replace(board=make_board(tuple(SYMBOLS.values()), ["ticker"]))
    other = world.make(parts)
    other.follow(SYMBOLS)
    world.later(20)
    other.carry(world.ts, Ticker("BTCEUR", 99.0, 1.0))
    world.later(1800)
    world.auditing.answer_audit(world.ts, book("BTCEUR", 10), world.now_s)
    assert [[1, 1]] == [detail["ticker"] for detail in world.details("audit")]


def test_a_crossed_book_is_audited_at_once_and_then_less_and_less_often() -> None:
    world = World()
    asked: list[float] = []
    for second in range(600):
        best = Delta("BTCEUR", [(102.0, 1.0 + second)], [], 11 + second)
        world.books.delta(world.ts, best)
        for _ in world.later(1):
            asked.append(second)
            last = world.books.last("BTCEUR")
            crossed = book("BTCEUR", last, bid="102")
            world.auditing.answer_audit(world.ts, crossed, world.now_s)
    assert 3 <= len(asked) <= 4
    assert {"crossed"} == {detail["cause"] for detail in world.details("audit")}


def test_every_book_is_written_whole_once_that_is_wanted_twenty_a_second() -> None:
    world = World()
    world.parts.board.checkpoints_wanted += 1
    world.later(0.1)
    assert [] == world.tape  # the row that says why comes first
    world.later(0.1)
    assert 2 == len(world.tape.events(Checkpoint))
    world.later(1)
    assert 2 == len(world.tape)


def test_a_lost_connection_forgets_what_was_under_way() -> None:
    world = World()
    world.later(20)
    world.disagree(9)
    world.parts.board.checkpoints_wanted += 1
    world.later(0.1)
    world.auditing.clear()
    world.tape.clear()
    assert [] == world.disagree(60)
    assert [] == world.tape
    world.auditing.follow({"BTCEUR": "BTC-EUR"})
    assert [] == world.later(1)


def test_a_book_with_too_many_levels_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LEVELS_MAX", -1)
    world = World()
    world.later(0.1)
    assert [(raw_symbol, "stale") for raw_symbol in SYMBOLS] == world.resyncs
