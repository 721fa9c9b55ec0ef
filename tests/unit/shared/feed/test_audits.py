"""Books held against the exchange's over the socket."""

from shared.event import Checkpoint, Delta, FeedEvent, Refused, Snapshot
from shared.exchange import Cost, Limit
from shared.feed.audit_budget import AuditBudgets
from shared.feed.audit_rows import Cause
from shared.feed.audits import ANSWER_S, ATTEMPTS_MAX, Audits
from tests.support.feeds import SYMBOLS, Desk
from tests.support.toys import SECOND, book, delta


class World(Desk):
    """The audits of two live books at number 10."""

    def __init__(self, *, depth: int | None = None) -> None:
        limits = {"points": Limit(points=1000, interval_s=60.0)}
        super().__init__(depth=depth, limits=limits)
        self.wait_s = 0.0
        self.costs: list[Cost] = []
        self.told: list[tuple[str, Cause, bool]] = []
        self.audits = Audits(
            self.parts,
            budgets=AuditBudgets(self.parts.exchange),
            spend=self._spend,
            quotes=lambda _raw: (3, 4),
            audited=lambda *told: self.told.append(told),
        )
        self.audits.follow(SYMBOLS)
        for raw_symbol in SYMBOLS:
            self.books.replace(self.ts, book(raw_symbol, 10))
        self.tape.clear()

    def _spend(self, cost: Cost) -> float:
        self.costs.append(cost)
        return self.wait_s

    def later(self, seconds: float = 0.0) -> list[str]:
        """Let time pass; return what is asked then."""
        self.now_s += seconds
        self.audits.look(self.ts, self.now_s)
        return self.audits.ask(self.now_s)

    def ask(self, raw_symbol: str = "BTCEUR", cause: Cause = "interval") -> None:
        self.audits.want(raw_symbol, cause, self.now_s)
        assert [f"book {raw_symbol}"] == self.later(1)

    def answer(self, *answers: Snapshot) -> None:
        for snapshot in answers:
            self.audits.answer_audit(self.ts, snapshot, self.now_s)


def test_an_answer_of_our_number_is_compared_and_begins_the_book_anew_without_a_gap() -> None:
    world = World()
    world.ask()
    assert world.audits.is_asked("BTCEUR")
    world.books.delta(world.ts, delta("BTCEUR", 11))
    world.tape.clear()
    world.answer(Snapshot("BTCEUR", [(99.0, 1.0), (98.0, 1.0)], [(101.0, 1.0)], 11))
    audit, snapshot = world.tape.events()
    assert ("audit", 11, 11) == (audit.kind, audit.sequence_received, snapshot.sequence)
    detail = {"cause": "interval", "compared": 2, "differ": 0, "ticker": [3, 4]}
    assert [detail] == world.details("audit")
    world.books.delta(world.ts, delta("BTCEUR", 12))
    assert [12] == [event.sequence for event in world.tape.events(Delta)]
    assert ([], [("BTCEUR", "interval", True)]) == (world.resyncs, world.told)
    assert ({world.ts}, 1) == ({ts for ts, _, _ in world.tape}, world.parts.counts.audits)


def test_what_differs_is_a_row_and_what_the_exchange_has_replaces_it() -> None:
    world = World()
    world.ask()
    world.answer(Snapshot("BTCEUR", [(99.0, 2.0)], [(101.0, 1.0)], 10))
    assert ["mismatch", "audit"] == world.kinds()
    first = {"side": "bid", "price": 99.0, "ours": 1.0, "theirs": 2.0}
    assert [{"differ": 1, **first}] == world.details("mismatch")
    assert [("BTCEUR", "interval", False)] == world.told
    ladder = world.books.find("BTCEUR")
    assert ladder is not None
    assert {99.0: 2.0} == ladder.bids


def test_levels_behind_the_edge_of_either_are_not_compared_and_known_again_then() -> None:
    world = World(depth=2)
    full = [(99.0, 1.0), (98.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)]
    world.books.replace(world.ts, Snapshot("BTCEUR", *full, 10))
    world.books.delta(world.ts, Delta("BTCEUR", [(99.0, 0.0)], [], 11))
    world.tape.clear()
    world.ask()
    world.answer(Snapshot("BTCEUR", [(98.0, 1.0), (97.0, 5.0)], full[1], 11))
    assert ["audit"] == world.kinds()
    ladder = world.books.find("BTCEUR")
    assert ladder is not None
    assert {98.0: 1.0, 97.0: 5.0} == ladder.bids


def test_an_answer_that_is_too_old_is_asked_for_again_after_a_second() -> None:
    world = World()
    world.ask()
    world.answer(book("BTCEUR", 9))
    assert [] == world.later(0.9)
    assert ["book BTCEUR"] == world.later(0.2)
    world.answer(book("BTCEUR", 10))
    assert ["audit"] == world.kinds()


def test_the_third_in_a_row_that_is_too_old_says_that_the_numbers_began_anew() -> None:
    world = World()
    world.ask()
    for _ in range(2):
        world.answer(book("BTCEUR", 3))
        assert ["book BTCEUR"] == world.later(1.1)
    world.answer(book("BTCEUR", 4))
    (gap,) = world.tape.events(FeedEvent)
    assert ("gap", 11, 4) == (gap.kind, gap.sequence_expected, gap.sequence_received)
    world.books.delta(world.ts, delta("BTCEUR", 5))
    assert [4, 5] == [event.sequence for event in world.tape.events(Snapshot, Delta)]
    assert [] == world.resyncs


def test_an_answer_ahead_is_asked_for_again_once_a_change_has_come() -> None:
    world = World()
    world.ask()
    world.answer(book("BTCEUR", 12))
    assert [] == world.later(1.5)
    world.books.delta(world.ts, delta("BTCEUR", 11))
    assert ["book BTCEUR"] == world.later(0.1)
    world.tape.clear()
    world.answer(book("BTCEUR", 11))
    assert ["audit"] == world.kinds()


def test_an_answer_that_stays_ahead_ends_a_book_of_which_no_change_comes() -> None:
    world = World()
    world.ask()
    world.answer(book("BTCEUR", 12))
    assert [] == world.later(1.9)
    assert [] == world.later(0.2)
    assert ["stale"] == world.kinds()
    assert [("BTCEUR", "stale")] == world.resyncs
    assert {"ETH-EUR"} == world.books.live()
    assert [] == world.later(100)


def test_a_book_that_is_lost_meanwhile_is_not_audited() -> None:
    world = World()
    world.ask()
    world.books.doubt("BTCEUR", "gap")
    world.answer(book("BTCEUR", 10))
    world.ask("ETHEUR")
    world.answer(book("ETHEUR", 99))
    world.books.doubt("ETHEUR", "gap")
    world.later(5)
    world.audits.want("BTCEUR", "edge", world.now_s)
    assert [] == world.later(100)
    assert [] == world.kinds()
    assert 0 == world.parts.counts.audits


def test_a_book_that_is_lost_before_it_is_asked_for_is_left_alone() -> None:
    world = World()
    world.audits.want("BTCEUR", "interval", world.now_s)
    world.books.doubt("BTCEUR", "gap")
    assert [] == world.later(1)


def test_what_is_not_answered_is_asked_for_three_times_then_our_own_book_is_written() -> None:
    world = World()
    world.ask()
    asked = [world.later(ANSWER_S + 0.1) for _ in range(ATTEMPTS_MAX - 1)]
    assert [["book BTCEUR"]] * (ATTEMPTS_MAX - 1) == asked
    assert [] == world.tape
    assert [] == world.later(ANSWER_S + 0.1)
    assert [10] == [event.sequence for event in world.tape.events(Checkpoint)]
    assert 1 == world.parts.counts.audits_unanswered
    assert not world.audits.is_asked("BTCEUR")


def test_a_refusal_is_asked_again_a_few_times() -> None:
    world = World()
    world.ask()
    busy = Refused("snapshot", "busy", "BTCEUR")
    assert world.audits.refuse(world.ts, busy, world.now_s)
    assert [] == world.later(4.9)
    assert ["book BTCEUR"] == world.later(0.2)
    assert not world.audits.refuse(world.ts, Refused("snapshot", "busy", "ETHEUR"), world.now_s)
    assert not world.audits.refuse(world.ts, Refused("snapshot", "busy"), world.now_s)
    assert [] == world.kinds()


def test_a_market_that_stands_still_ends_its_book() -> None:
    world = World()
    world.ask()
    halted = Refused("snapshot", "431 HALTED", "BTCEUR", is_halted=True)
    assert world.audits.refuse(world.ts, halted, world.now_s)
    assert [{"reason": "431 HALTED"}] == world.details("stale")
    assert ({"ETH-EUR"}, []) == (world.books.live(), world.resyncs)
    assert not world.audits.is_asked("BTCEUR")


def test_early_audits_come_first_and_none_is_asked_for_twice() -> None:
    world = World()
    world.audits.take_turn(world.ts, "BTCEUR", world.now_s)
    world.audits.want("ETHEUR", "ticker", world.now_s)
    world.audits.want("ETHEUR", "edge", world.now_s)
    assert ["book ETHEUR"] == world.later()
    world.audits.want("ETHEUR", "edge", world.now_s)
    assert [] == world.later(0.1)  # the pace of the exchange
    assert ["book BTCEUR"] == world.later(0.1)
    assert [] == world.later(1)
    world.answer(book("ETHEUR", 10))
    assert ["ticker"] == [detail["cause"] for detail in world.details("audit")]


def test_early_audits_take_a_quarter_of_the_points_and_leave_the_others_theirs() -> None:
    world = World()
    asked: list[str] = []
    for _ in range(295):  # in less than a minute
        world.audits.want("BTCEUR", "edge", world.now_s)
        world.audits.want("ETHEUR", "interval", world.now_s)
        asked += world.later(0.2)
        for raw_symbol in SYMBOLS:
            if world.audits.is_asked(raw_symbol):
                world.answer(book(raw_symbol, 10))
    assert [200, 80] == [asked.count("book BTCEUR"), asked.count("book ETHEUR")]


def test_where_the_limit_is_used_up_the_next_one_waits() -> None:
    world = World()
    world.wait_s = 7.0
    world.audits.want("BTCEUR", "interval", world.now_s)
    world.audits.want("ETHEUR", "interval", world.now_s)
    assert [] == world.later()
    world.wait_s = 0.0
    assert [] == world.later(6.9)
    assert [Cost("points")] == world.costs
    assert ["book BTCEUR"] == world.later(0.2)


def test_what_the_exchanges_limit_refuses_takes_nothing_of_the_budget() -> None:
    world = World()
    world.wait_s = 0.1
    world.audits.want("BTCEUR", "edge", world.now_s)
    for _ in range(290):  # in less than a minute
        assert [] == world.later(0.2)
    assert len(world.costs) > 200  # which is all that early audits have
    world.wait_s = 0.0
    assert ["book BTCEUR"] == world.later(0.3)


def test_a_book_that_tickers_doubt_ends_where_no_audit_of_it_can_be_had() -> None:
    world = World()
    world.ask(cause="ticker")
    for _ in range(ATTEMPTS_MAX):
        world.later(ANSWER_S + 1)
    assert ["stale"] == world.kinds()
    reason = "tickers disagree with the book, and no audit can be had"
    assert [{"reason": reason}] == world.details("stale")
    assert [("BTCEUR", "stale")] == world.resyncs
    assert [] == world.tape.events(Checkpoint)


def test_what_waits_too_long_for_points_is_our_own_book() -> None:
    world = World()
    world.wait_s = 100.0
    world.audits.want("BTCEUR", "interval", world.now_s)
    world.later()
    assert [] == world.tape
    world.later(121)
    assert [10] == [event.sequence for event in world.tape.events(Checkpoint)]


def test_a_book_that_runs_off_what_is_known_is_audited_at_once_but_not_for_ever() -> None:
    world = World(depth=4)
    full = [(99.0 - n, 1.0) for n in range(4)]
    world.books.replace(world.ts, Snapshot("BTCEUR", full, [(101.0, 1.0)], 10))
    world.later()
    gone = [(99.0 - n, 0.0) for n in range(3)]
    world.books.delta(world.ts, Delta("BTCEUR", gone, [], 11))
    world.books.delta(world.ts, Delta("ETHEUR", [(99.0, 0.0)], [], 11))  # thin: all is known
    world.tape.clear()
    assert ["book BTCEUR"] == world.later(1)
    world.answer(Snapshot("BTCEUR", [(96.0 - n, 1.0) for n in range(4)], [(101.0, 1.0)], 11))
    assert ["edge"] == [detail["cause"] for detail in world.details("audit")]
    again = [(96.0 - n, 0.0) for n in range(3)]
    world.books.delta(world.ts, Delta("BTCEUR", again, [], 12))
    asked = [second for second in range(1, 20) if world.later(1)]
    assert [10] == asked


def test_a_symbol_that_is_left_is_forgotten() -> None:
    world = World()
    world.ask()
    world.audits.want("ETHEUR", "edge", world.now_s)
    world.audits.follow({})
    assert not world.audits.is_asked("BTCEUR")
    assert [] == world.later(100)
    assert [] == world.tape


def test_an_answer_without_a_number_is_none() -> None:
    world = World()
    world.ask()
    world.answer(book("BTCEUR", None))
    assert ([], 1000 * SECOND + SECOND) == (world.tape, world.ts)
