"""Our best prices held against the exchange's tickers."""

from collections.abc import Iterable

from shared.event import Delta, Ticker
from shared.feed.touches import Touches
from tests.support.feeds import Desk
from tests.support.toys import book


class World(Desk):
    """A book at 99 and 101 that is old enough to be judged."""

    def __init__(self, *, is_old: bool = True) -> None:
        super().__init__()
        self.doubted: list[float] = []
        self.touches = Touches(
            self.books,
            lambda _raw: self.doubted.append(self.now_s),
            self.parts.counts,
            self.parts.board.idle,
        )
        self.books.replace(self.ts, book("BTCEUR", 10))
        self._size = 0.0
        if is_old:
            self.later(60)

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.touches.look(self.ts, self.now_s)

    def say(self, bid: float | None, ask: float | None = None) -> None:
        """Send a ticker that is another one than the last."""
        self._size += 1.0
        size = self._size
        self.touches.judge(self.ts, Ticker("BTCEUR", bid, bid and size, ask, ask and size))

    def move(self, best_bid: float) -> None:
        """Let the best bid be another one."""
        ladder = self.books.find("BTCEUR")
        assert ladder is not None
        gone = [(price, 0.0) for price in ladder.bids if price != best_bid]
        last = self.books.last("BTCEUR")
        assert last is not None
        self.books.delta(self.ts, Delta("BTCEUR", [*gone, (best_bid, 1.0)], [], last + 1))

    def disagree(self, seconds: int, bids: Iterable[float] = (98.0,)) -> None:
        """Send wrong tickers for so long, one a second."""
        bids = list(bids)
        for second in range(seconds):
            self.say(bids[second % len(bids)])
            self.later(1)


def test_a_ticker_with_our_best_prices_agrees_at_once() -> None:
    world = World()
    for bid, ask in ((99.0, 101.0), (99.0, None), (None, 101.0), (None, None)):
        world.say(bid, ask)
        world.say(bid, ask)  # too soon to be looked at again
        world.later(10)
    assert (4, 4) == world.touches.take_quotes("BTCEUR")
    counts = world.parts.counts
    assert (4, 4) == (counts.tickers_agreed, counts.tickers_judged)
    assert (0, 0) == world.touches.take_quotes("BTCEUR")
    assert (0, 0) == world.touches.take_quotes("ETHEUR")


def test_five_different_tickers_over_ten_seconds_that_disagree_doubt_the_book() -> None:
    world = World()
    begun_s = world.now_s
    world.disagree(30)
    assert 1 == len(world.doubted)
    assert 10 < world.doubted[0] - begun_s < 25


def test_one_ticker_that_is_said_again_and_again_doubts_nothing() -> None:
    world = World()
    for _ in range(120):
        world.touches.judge(world.ts, Ticker("BTCEUR", 98.0, 1.0))
        world.later(1)
    assert [] == world.doubted


def test_a_book_that_follows_its_ticker_within_two_seconds_agrees() -> None:
    world = World()
    for number in range(60):
        bid = 90.0 + number % 7
        world.say(bid)
        world.later(1.9)
        world.move(bid)
        world.later(1)
    assert [] == world.doubted
    agreed, judged = world.touches.take_quotes("BTCEUR")
    counts = world.parts.counts
    assert (agreed, judged) == (counts.tickers_agreed, counts.tickers_judged)
    assert agreed == judged >= 10


def test_a_book_that_was_there_within_two_seconds_before_agrees() -> None:
    world = World()
    before = 99.0
    for number in range(60):
        now = 90.0 + number % 7
        world.move(now)
        world.later(1.5)
        world.say(before)  # as old as that
        world.later(1.5)
        before = now
    assert [] == world.doubted


def test_a_book_that_follows_too_late_is_doubted() -> None:
    world = World()
    said = [90.0 + number % 7 for number in range(60)]
    for number, bid in enumerate(said):
        world.say(bid)
        world.later(3)
        if number > 2:
            world.move(said[number - 2])  # six seconds after its ticker
    assert world.doubted


def test_a_ticker_that_agrees_in_between_ends_the_row() -> None:
    world = World()
    for _ in range(20):
        world.disagree(9)
        world.say(99.0)
    assert [] == world.doubted


def test_the_side_that_disagrees_must_be_the_same() -> None:
    world = World()
    for number in range(40):
        world.say(98.0, 101.0) if number % 2 else world.say(99.0, 102.0)
        world.later(3)
    assert [] == world.doubted
    for _ in range(40):
        world.say(99.0, 102.0)
        world.later(3)
    assert world.doubted


def test_an_empty_side_is_not_judged() -> None:
    world = World()
    world.books.delta(world.ts, Delta("BTCEUR", [(99.0, 0.0)], [], 11))
    world.disagree(60)
    assert [] == world.doubted


def test_a_young_book_and_a_crossed_one_are_not_judged() -> None:
    world = World(is_old=False)
    world.disagree(9)
    assert (0, 0) == world.touches.take_quotes("BTCEUR")
    world.later(60)
    world.disagree(3)
    world.books.delta(world.ts, Delta("BTCEUR", [(101.0, 1.0)], [], 11))
    world.disagree(60)
    world.touches.judge(world.ts, Ticker("gone", 98.0))
    assert [] == world.doubted


def test_a_market_that_does_not_trade_is_not_judged() -> None:
    world = World()
    world.disagree(3)
    world.parts.board.idle.add("BTCEUR")
    world.disagree(60)
    assert [] == world.doubted
    world.parts.board.idle.clear()
    world.disagree(60)
    assert world.doubted


def test_the_same_book_is_doubted_after_a_minute_and_then_less_and_less_often() -> None:
    world = World()
    world.disagree(600)
    apart = [
        later - earlier for earlier, later in zip(world.doubted, world.doubted[1:], strict=False)
    ]
    assert 3 <= len(apart) <= 4
    assert all(gap_s >= wait_s for gap_s, wait_s in zip(apart, (60, 120, 240), strict=False))


def test_after_three_audits_that_agreed_the_ticker_is_the_doubted_one() -> None:
    world = World()
    for _ in range(5):
        world.disagree(600)
        if world.doubted:
            world.touches.note_audit("BTCEUR", is_for_ticker=True, has_agreed=True)
    doubted = len(world.doubted)
    assert world.parts.counts.tickers_doubted > 0
    world.disagree(4000)
    assert doubted == len(world.doubted)
    world.say(99.0)
    world.disagree(4000)
    assert len(world.doubted) > doubted


def test_an_audit_that_found_our_book_wrong_lets_us_ask_again_at_once() -> None:
    world = World()
    world.disagree(20)
    assert 1 == len(world.doubted)
    world.touches.note_audit("BTCEUR", is_for_ticker=True, has_agreed=False)
    world.touches.note_audit("ETHEUR", is_for_ticker=True, has_agreed=False)
    world.disagree(20)
    assert 2 == len(world.doubted)


def test_a_book_that_is_lost_or_left_is_judged_no_more() -> None:
    world = World()
    world.disagree(5)
    world.books.lose("BTCEUR")
    world.disagree(30)
    world.books.replace(world.ts, book("BTCEUR", 10))
    world.later(20)
    world.disagree(5)
    world.touches.drop("BTCEUR")
    world.touches.drop("BTCEUR")
    world.later(30)
    world.disagree(5)
    world.touches.clear()
    world.later(30)
    assert [] == world.doubted


def test_a_clock_that_is_set_back_ends_what_was_being_judged() -> None:
    world = World()
    world.disagree(8)
    world.now_s -= 3600
    world.touches.look(world.ts, world.now_s)
    world.disagree(8)
    assert [] == world.doubted


def test_a_market_faster_than_can_be_remembered_is_not_held_against_its_tickers() -> None:
    world = World()
    for number in range(12):
        world.say(50.0 + number)
        for change in range(600):
            world.move(90.0 + change % 2)
            world.now_s += 0.001
        world.later(1)
    assert [] == world.doubted
