"""Faults that exchanges are likely to show, and what our feeds make of them."""

from services.simulator.switches import Switched, Switches
from tests.support.markets import Line, Markets


def make(exchange: str, **changes: object) -> Markets:
    """Return a few markets that have gone on for a while, and that nothing audits by turns."""
    options = {"symbols": 4, "rate": 10.0, "checkpoint_interval_s": 36_000.0, "step_s": 0.1}
    world = Markets(exchange, **{**options, **changes})  # type: ignore[arg-type]
    world.run(30)
    assert ([], 4) == (list(world.wrong_books()), len(world.live()))
    return world


def switches(world: Markets) -> Switches:
    assert isinstance(world.exchange, Switched)
    return world.exchange.switches


def cut(world: Markets, line: Line) -> None:
    """Cut a connection; the next turn begins on another one."""
    assert line.connection is not None
    world.exchange.closed(line.connection)
    world.take(line.feed.disconnected(world.machine.ts, "reset"))
    line.connection = None


def reset_early(world: Markets, raw_symbol: str) -> None:
    """Lose a change of a book; begin its numbers anew once the next book was given."""
    (line,) = [one for one in world.lines if raw_symbol in one.connection.chains]  # type: ignore[union-attr]
    assert line.connection is not None
    line.connection.chains[raw_symbol].withheld = 1
    while not line.connection.chains[raw_symbol].cause:
        world.run(0.1)
    while True:
        world.run(0.1)
        chain = line.connection.chains.get(raw_symbol)
        if chain is not None and chain.has_snapshot and not chain.is_pending:
            break
    if not chain.has_delta:
        world.exchange.reset_sequence(world.market_of(raw_symbol))


def test_numbers_that_begin_anew_behind_a_book_are_a_gap_of_either_exchange() -> None:
    for exchange in ("bitvavo", "btcturk"):
        world = make(exchange, rate=4.0)
        raw_symbol = world.markets[0].listing.raw_symbol
        symbol = world.markets[0].listing.symbol
        while world.kinds["gap", symbol] % 2 == 0:
            before = world.kinds["gap", symbol]
            reset_early(world, raw_symbol)
            world.run(20)
            if world.kinds["gap", symbol] == before + 2:
                break
        assert ([], 4) == (list(world.wrong_books()), len(world.live()))
        assert 0 == world.count("mismatch") + world.count("stale")
        assert [] == world.lost


def test_a_pair_that_says_its_changes_alone_is_joined_anew() -> None:
    world = make("btcturk")
    market = world.markets[0]
    late = switches(world).late_books
    late.add(market.listing.raw_symbol)
    for line in world.lines:
        cut(world, line)
    world.run(40)
    assert 3 == len(world.live())
    assert 1 == world.kinds["subscription_refused", market.listing.symbol]
    late.clear()
    world.run(10)
    assert ([], 4) == (list(world.wrong_books()), len(world.live()))
    assert 0 == world.count("gap") + world.count("stale")


def test_a_market_whose_numbers_are_young_is_as_any_other() -> None:
    world = make("bitvavo", rate=40.0)
    for line in world.lines:
        cut(world, line)
    for market in world.markets:
        world.exchange.reset_sequence(market)
    world.run(30)
    assert ([], 4) == (list(world.wrong_books()), len(world.live()))
    world.run(60)
    assert [] == list(world.wrong_books())
    assert 0 == world.count("mismatch") + world.count("stale")


def test_tickers_that_cannot_be_read_are_rows_of_one_kind_and_end_no_book() -> None:
    for exchange in ("bitvavo", "btcturk"):
        world = make(exchange)
        switches(world).is_ticker_unreadable = True
        world.run(20)
        switches(world).is_ticker_unreadable = False
        rows = world.details("malformed")
        assert len(rows) >= 3
        assert {"ticker"} == {detail["channel"] for detail in rows}
        kinds = {kind for line in world.lines for kind in line.feed.counts.malformed_reasons}
        assert len(kinds) <= 3  # one for each field
        world.run(30)
        assert ([], 4) == (list(world.wrong_books()), len(world.live()))
        assert 0 == world.count("mismatch") + world.count("gap")
        # A connection that brings nothing else brings no data.
        assert {None} >= {symbol for kind, symbol in world.kinds if kind == "stale"}
