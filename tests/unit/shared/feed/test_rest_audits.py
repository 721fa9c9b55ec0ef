"""Books held against answers without a number."""

from shared.event import Checkpoint, Delta, FeedEvent, Refused, Snapshot
from shared.feed.audit_rows import Cause
from shared.feed.board import AuditAnswer
from shared.feed.rest_audits import ANSWER_S, CHANGES_MAX, RestAudits
from tests.support.feeds import SYMBOLS, Desk
from tests.support.toys import book


class World(Desk):
    """The audits of two books, bids at 99, whose sizes change."""

    def __init__(self, snapshot_by: str = "first") -> None:
        super().__init__(snapshot_by=snapshot_by, request_snapshot=None)
        self.told: list[tuple[str, Cause, bool]] = []
        self.audits = RestAudits(
            self.parts, quotes=lambda _raw: (3, 4), audited=lambda *told: self.told.append(told)
        )
        self.audits.follow(SYMBOLS)
        for raw_symbol in SYMBOLS:
            self.books.replace(self.ts, book(raw_symbol, 10))
        self.tape.clear()

    def later(self, seconds: float) -> list[str]:
        """Let time pass a tenth of a second at a time; return what is wanted over REST."""
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            self.audits.look(self.ts, self.now_s)
        wanted = list(self.parts.board.audits_wanted)
        self.parts.board.audits_wanted.clear()
        return wanted

    def ask(self, raw_symbol: str = "BTCEUR", cause: Cause = "interval") -> None:
        self.audits.want(raw_symbol, cause, self.now_s)
        assert [raw_symbol] == self.later(3.5)

    def change(self, size: float, raw_symbol: str = "BTCEUR") -> None:
        last = self.books.last(raw_symbol)
        assert last is not None
        self.books.delta(self.ts, Delta(raw_symbol, [(99.0, size)], [], last + 1))

    def answer(
        self,
        size: float | None,
        raw_symbol: str = "BTCEUR",
        *,
        age_s: float = 0.0,
        number: int | None = None,
    ) -> None:
        snapshot = None
        if size is not None:
            snapshot = Snapshot(raw_symbol, [(99.0, size)], [(101.0, 1.0)], number)
        ts = self.ts - int(age_s * 1e9)
        self.parts.board.audits.append(AuditAnswer(raw_symbol, ts, snapshot))

    def audit_kinds(self) -> list[str]:
        return self.kinds()


def test_a_turn_writes_our_own_book_and_asks_for_the_exchanges() -> None:
    world = World()
    world.audits.take_turn(world.ts, "BTCEUR", world.now_s)
    assert [10] == [event.sequence for event in world.tape.events(Checkpoint)]
    assert ["BTCEUR"] == world.later(4)
    assert (False, []) == (world.audits.is_asked("BTCEUR"), world.audits.ask(world.now_s))
    assert not world.audits.refuse(world.ts, Refused("snapshot", "no", "BTCEUR"), world.now_s)


def test_an_answer_equal_to_our_book_is_a_row_and_no_snapshot() -> None:
    world = World()
    world.ask()
    world.answer(1.0)
    world.later(0.2)
    detail = {"cause": "interval", "compared": 2, "differ": 0, "ticker": [3, 4]}
    assert ([detail], 1) == (world.details("audit"), len(world.tape))
    (audit,) = world.tape.events(FeedEvent)
    assert audit.sequence_received is None
    assert ([("BTCEUR", "interval", True)], 1) == (world.told, world.parts.counts.audits)


def test_an_answer_as_old_as_three_seconds_is_equal_to_what_our_book_was_then() -> None:
    world = World()
    world.audits.want("BTCEUR", "interval", world.now_s)
    world.later(0.5)
    for size in (2.0, 3.0, 4.0):
        world.later(1)
        world.change(size)
    world.later(0.5)
    world.answer(2.0)
    world.later(0.2)
    assert [0] == [detail["differ"] for detail in world.details("audit")]


def test_an_answer_ahead_of_our_book_is_equal_to_what_it_becomes() -> None:
    world = World()
    world.ask()
    world.answer(5.0)
    world.later(1)
    world.change(5.0)
    world.later(1)
    world.change(6.0)
    assert [] == world.kinds()
    world.later(1.5)
    assert [0] == [detail["differ"] for detail in world.details("audit")]
    assert [] == world.resyncs


def test_sizes_that_rest_writes_with_fewer_digits_are_equal() -> None:
    world = World()
    world.change(0.123456789012)
    world.ask()
    world.answer(0.12345679)
    world.later(0.2)
    assert [0] == [detail["differ"] for detail in world.details("audit")]


def test_three_answers_equal_to_nothing_are_a_mismatch_and_the_book_begins_anew() -> None:
    world = World()
    world.ask()
    for _ in range(2):
        world.answer(7.0)
        assert ["BTCEUR"] == world.later(4.5)
        assert [] == world.kinds()
    world.answer(7.0)
    world.later(4)
    assert ["mismatch", "audit"] == world.kinds()
    first = {"side": "bid", "price": 99.0, "ours": 1.0, "theirs": 7.0}
    assert [{"differ": 1, **first}] == world.details("mismatch")
    assert [1] == [detail["differ"] for detail in world.details("audit")]
    assert ([("BTCEUR", "mismatch")], {"ETH-EUR"}) == (world.resyncs, world.books.live())
    assert [("BTCEUR", "interval", False)] == world.told


def test_an_answer_that_is_equal_after_one_that_was_not_ends_well() -> None:
    world = World()
    world.ask()
    world.answer(7.0)
    world.later(4.5)
    world.answer(1.0)
    world.later(0.2)
    assert ["audit"] == world.kinds()


def test_an_answer_that_cannot_be_had_is_counted_and_no_row() -> None:
    world = World()
    world.ask()
    world.answer(None)
    world.later(1)
    assert ([], 1) == (world.tape, world.parts.counts.audits_unanswered)
    world.ask("ETHEUR")
    world.later(ANSWER_S + 1)
    assert ([], 2) == (world.tape, world.parts.counts.audits_unanswered)


def test_an_answer_that_comes_when_its_audit_is_over_is_passed_over() -> None:
    world = World()
    world.ask("ETHEUR")
    world.answer(55.0)
    world.answer(1.0, "ETHEUR")
    world.later(0.2)
    assert [0] == [detail["differ"] for detail in world.details("audit")]


def test_a_book_that_begins_anew_meanwhile_is_not_audited() -> None:
    world = World()
    world.ask()
    world.now_s += 0.1
    world.books.replace(world.ts, book("BTCEUR", 50))
    world.answer(7.0)
    world.later(20)
    world.ask("ETHEUR")
    world.books.doubt("ETHEUR", "gap")
    world.later(20)
    world.audits.want("ETHEUR", "edge", world.now_s)
    assert [] == world.later(5)
    assert [] == world.kinds()


def test_a_book_with_too_many_changes_is_not_audited() -> None:
    world = World()
    world.ask()
    for number in range(CHANGES_MAX + 1):
        world.change(float(number + 1))
    world.later(0.2)
    world.answer(1.0)
    world.later(5)
    assert [] == world.kinds()


def test_one_book_is_audited_at_a_time_and_early_ones_first() -> None:
    world = World()
    world.audits.want("BTCEUR", "interval", world.now_s)
    world.later(0.1)
    world.audits.want("BTCEUR", "ticker", world.now_s)  # it is under way
    world.audits.want("ETHEUR", "interval", world.now_s)
    world.audits.want("ETHEUR", "crossed", world.now_s)
    assert ["BTCEUR"] == world.later(4)
    world.answer(1.0)
    assert ["ETHEUR"] == world.later(4)
    world.answer(1.0, "ETHEUR")
    assert [] == world.later(10)
    assert ["interval", "crossed"] == [detail["cause"] for detail in world.details("audit")]


def test_a_symbol_that_is_left_is_forgotten() -> None:
    world = World()
    world.ask()
    world.audits.want("ETHEUR", "interval", world.now_s)
    world.audits.follow({})
    assert [] == world.later(10)
    world.audits.follow(SYMBOLS)
    world.audits.want("ETHEUR", "interval", world.now_s)
    world.books.lose("ETHEUR")
    assert [] == world.later(10)


# --- where books have numbers over REST ----------------------------------------------------------


def test_an_answer_of_a_number_is_compared_with_our_book_at_it() -> None:
    world = World("rest")
    world.audits.want("BTCEUR", "interval", world.now_s)
    world.later(1)
    world.change(2.0)
    world.change(3.0)
    assert ["BTCEUR"] == world.later(3)
    world.answer(2.0, number=11, age_s=60.0)
    world.later(0.2)
    assert [0] == [detail["differ"] for detail in world.details("audit")]
    (audit,) = world.tape.events(FeedEvent)
    assert 11 == audit.sequence_received


def test_answers_that_differ_at_their_numbers_are_a_mismatch() -> None:
    world = World("rest")
    world.ask()
    for again in (True, True, False):
        world.answer(2.0, number=10)
        assert again == (["BTCEUR"] == world.later(4.2))
    assert ["mismatch", "audit"] == world.audit_kinds()
    assert [("BTCEUR", "mismatch")] == world.resyncs


def test_answers_whose_number_our_book_never_comes_to_end_it() -> None:
    world = World("rest")
    world.ask()
    for again in (True, True, False):
        world.answer(1.0, number=12)
        assert again == (["BTCEUR"] == world.later(4.2))
    reason = "the exchange's book is ahead, and no change of it comes"
    assert [{"reason": reason}] == world.details("stale")
    assert [("BTCEUR", "stale")] == world.resyncs
    assert 1 == world.parts.counts.audits_unanswered


def test_answers_that_are_older_than_what_is_known_say_nothing() -> None:
    world = World("rest")
    world.ask()
    for _ in range(3):
        world.answer(1.0, number=9)
        world.later(4.2)
    assert [] == world.tape
    assert 1 == world.parts.counts.audits_unanswered
    assert [] == world.resyncs


def test_without_an_answer_a_book_that_tickers_doubt_ends() -> None:
    world = World()
    world.ask(cause="ticker")
    world.later(ANSWER_S + 1)
    reason = "tickers disagree with the book, and no audit can be had"
    assert [{"reason": reason}] == world.details("stale")
    assert [("BTCEUR", "stale")] == world.resyncs
