"""What we store is what the exchange has: simulated markets, our feeds, hours of their clock."""

from collections import Counter

import pytest

from tests.support.markets import Markets

DAY_S = 86_400.0
HOUR_S = 3_600.0
GOOD = {"session_start", "connected", "subscribed", "audit"}


def make(exchange: str = "bitvavo", **changes: object) -> Markets:
    """Return a few markets, each audited once in five minutes, that have gone on for a while."""
    options = {"symbols": 4, "rate": 10.0, "checkpoint_interval_s": 300.0, "step_s": 0.2, **changes}
    world = Markets(exchange, **options)  # type: ignore[arg-type]
    world.run(30)
    return world


def kinds(world: Markets) -> set[str]:
    return {kind for kind, _ in world.kinds}


# --- a day of good weather -----------------------------------------------------------------------


@pytest.mark.parametrize("exchange", ["bitvavo", "btcturk"])
def test_in_good_weather_nothing_is_doubted(exchange: str) -> None:
    world = Markets(exchange, symbols=12, rate=6.0, checkpoint_interval_s=900.0, step_s=0.25)
    world.run(900)
    assert kinds(world) <= GOOD
    assert 11 <= world.count("audit") <= 12
    assert ([], 12) == (list(world.wrong_books()), len(world.live()))


@pytest.mark.soak
@pytest.mark.parametrize(
    ("exchange", "symbols", "rate"), [("bitvavo", 437, 10.0), ("btcturk", 379, 30.0)]
)
def test_a_day_of_all_markets_has_no_false_alarm(exchange: str, symbols: int, rate: float) -> None:
    """Move all of them for a day; fewer times than they do, but no socket is silent."""
    world = Markets(exchange, symbols=symbols, rate=rate, step_s=0.4)
    world.exchange.conflation_s = max(world.exchange.conflation_s, 5.0)  # of all tickers at once
    world.run(DAY_S)
    assert kinds(world) <= GOOD
    audits = Counter({s: n for (kind, s), n in world.kinds.items() if kind == "audit"})
    assert symbols == len(audits)
    assert {23, 24, 25} >= set(audits.values())
    assert {0} == {detail["differ"] for detail in world.details("audit")}
    assert all(taken <= 800 for taken in world.points.most.values())
    assert ([], symbols) == (list(world.wrong_books()), len(world.live()))


# --- what only an audit shows --------------------------------------------------------------------


def test_a_price_that_runs_off_what_was_given_of_its_book_is_never_lost() -> None:
    world = make(symbols=1, levels=2_500, checkpoint_interval_s=HOUR_S)
    market = world.market("BTC-EUR")
    before = market.best_ask[0]
    market.walk(0.1)
    for _ in range(30):
        world.run(2)
        assert [] == list(world.wrong_books(depth=1))
    assert market.best_ask[0] > 1.09 * before
    world.run(20)
    assert [] == list(world.wrong_books())
    edges = [detail for detail in world.details("audit") if detail["cause"] == "edge"]
    assert edges
    assert {0} == {detail["differ"] for detail in edges}
    assert kinds(world) <= GOOD


def test_a_market_of_bitvavo_that_falls_silent_is_found_out_by_its_tickers() -> None:
    world = make(checkpoint_interval_s=HOUR_S)
    market = world.market("BTC-EUR")
    world.secrets.mute(market, is_muted=True)
    world.run(40)
    assert ["BTC-EUR"] == [symbol for kind, symbol in world.kinds if kind == "stale"]
    assert world.kinds["resync", "BTC-EUR"]
    world.secrets.mute(market, is_muted=False)
    world.run(30)
    assert [] == list(world.wrong_books())
    assert not world.lost


def test_a_pair_of_btcturk_that_falls_silent_is_found_out_by_its_tickers() -> None:
    world = make("btcturk", checkpoint_interval_s=HOUR_S)
    market = world.market("BTC-TRY")
    world.secrets.mute(market, is_muted=True)
    world.run(50)
    assert 1 == world.kinds["mismatch", "BTC-TRY"]
    world.secrets.mute(market, is_muted=False)  # what changed meanwhile is never told
    world.run(100)
    audits = world.details("audit", "BTC-TRY")
    assert {"ticker", "crossed"} >= {detail["cause"] for detail in audits}
    assert all(detail["differ"] for detail in audits)
    assert {"BTC-TRY"} == {symbol for kind, symbol in world.kinds if kind == "resync"}
    assert [] == list(world.wrong_books())
    assert not world.lost  # leaving and joining was enough


@pytest.mark.parametrize(("exchange", "symbol"), [("bitvavo", "ETH-EUR"), ("btcturk", "ETH-TRY")])
def test_one_wrong_level_in_a_book_is_found_within_the_interval(exchange: str, symbol: str) -> None:
    world = make(exchange, rate=2.0)
    world.secrets.lie(world.market(symbol))
    world.run(330)
    (mismatch,) = world.details("mismatch")
    assert 1 == mismatch["differ"]
    assert mismatch["theirs"] == 2 * mismatch["ours"]
    world.run(10)
    assert [] == list(world.wrong_books())
    assert {symbol} == {s for kind, s in world.kinds if kind == "mismatch"}


def test_what_lies_behind_the_edge_is_not_ours_to_know() -> None:
    world = make(levels=2_500, rate=2.0)
    side = world.market("BTC-EUR").sides[0]
    side.put(side.prices[10], 5)  # the worst but ten
    side.take_changes()
    world.run(330)
    assert kinds(world) <= GOOD


# --- how audits are answered ---------------------------------------------------------------------


@pytest.mark.parametrize("how", ["late", "old"])
def test_an_audit_that_is_answered_badly_ends_well(how: str) -> None:
    world = make(symbols=1, rate=5.0)
    for _ in range(4):
        world.secrets.answer_book_badly(how)
        world.run(300)
    assert kinds(world) <= GOOD
    assert 3 <= world.count("audit") <= 4
    assert 0 == world.checkpoints
    assert [] == list(world.wrong_books())


def test_an_audit_that_is_never_answered_is_our_own_book() -> None:
    world = make(symbols=1, rate=2.0)
    received, world.exchange.received = world.exchange.received, lambda *_: None  # type: ignore[method-assign]
    world.run(600)
    assert 0 == world.count("audit")
    assert 1 <= world.checkpoints <= 2
    assert world.lines[0].feed.counts.audits_unanswered == world.checkpoints
    world.exchange.received = received  # type: ignore[method-assign]
    world.run(600)
    assert 1 <= world.count("audit") <= 2
    assert kinds(world) <= GOOD


def test_a_market_that_stands_still_ends_its_book_and_has_the_list_asked_for() -> None:
    world = make(symbols=2, checkpoint_interval_s=60.0)
    market = world.market("ETH-EUR")
    market.is_halted = True
    world.run(60)
    assert 1 == world.kinds["stale", "ETH-EUR"]
    assert world.lines[0].board.is_list_wanted
    assert {"BTC-EUR"} == world.live()
    side = market.sides[0]
    side.put(side.prices[-1], 0)  # a halted market's orders change, and nobody is told
    side.take_changes()
    market.is_halted = False
    world.run(70)
    assert ([], {"BTC-EUR", "ETH-EUR"}) == (list(world.wrong_books()), world.live())


def test_an_answer_over_rest_that_cannot_be_had_is_counted_and_no_row() -> None:
    world = make("btcturk", symbols=2, rate=2.0)
    world.answer_audit = lambda *_: None
    world.run(610)
    assert kinds(world) <= GOOD - {"audit"}
    assert 4 == sum(line.feed.counts.audits_unanswered for line in world.lines)
    assert 4 <= world.checkpoints <= 5


def test_a_book_is_crossed_as_in_an_auction_and_all_of_it_is_stored() -> None:
    world = make(rate=8.0, checkpoint_interval_s=HOUR_S)
    world.market("BTC-EUR").cross()
    snapshots = world.snapshots
    world.run(200)
    assert 3 <= world.kinds["crossed", "BTC-EUR"] <= 4
    audits = world.details("audit", "BTC-EUR")
    assert [("crossed", 0)] * 3 == [(detail["cause"], detail["differ"]) for detail in audits]
    assert 3 == world.snapshots - snapshots
    assert kinds(world) <= {*GOOD, "crossed"}
    world.market("BTC-EUR").uncross()
    world.run(20)
    assert [] == list(world.wrong_books())


# --- what audits must not do ---------------------------------------------------------------------


def test_books_that_begin_are_never_behind_audits() -> None:
    def begin(*, has_audits: bool) -> float:
        """Return when the last of all books was live."""
        world = Markets("bitvavo", symbols=437, rate=20.0, checkpoint_interval_s=HOUR_S)
        auditing = world.lines[0].feed._auditing
        while len(world.live()) < 437:
            for market in world.markets if has_audits else ():
                auditing._audits.want(market.listing.raw_symbol, "edge", world.machine.now_s)
            world.run(1)
        assert world.points.most["points"] <= 800
        return world.machine.now_s

    assert begin(has_audits=False) == begin(has_audits=True)


def test_thin_books_are_not_audited_for_ever() -> None:
    world = make(symbols=2, levels=4, rate=5.0, checkpoint_interval_s=HOUR_S)
    for market in world.markets:
        for side in market.sides:
            while len(side.prices) > 1:
                side.put(side.prices[0], 0)
        world.exchange.publish(market, market.step(world.machine.ts))
    world.run(1200)
    assert world.count("audit") <= 2
    assert kinds(world) <= GOOD
