import pytest

from services.simulator.market import SimulatedMarket
from services.simulator.simulation import LATE_MAX_S, chances_per_turn
from tests.unit.services.simulator.bitvavo.test_protocol import subscribe
from tests.unit.services.simulator.conftest import MakeWorld
from tests.unit.services.simulator.fakes import decoded


def test_chances_follow_the_weights_up_to_one() -> None:
    chances = chances_per_turn([8.0, 2.0, 1.0], expected=1.6)
    assert [1.0, 0.4, 0.2] == pytest.approx(chances)
    assert [1.0, 1.0] == pytest.approx(chances_per_turn([5.0, 1.0], expected=7.0))


@pytest.mark.parametrize("exchange", ["bitvavo", "btcturk"])
@pytest.mark.parametrize("rate", [5.0, 50.0, 400.0])
def test_the_rate_asked_for_is_kept(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, exchange: str, rate: float
) -> None:
    world = make_world(exchange, "--symbols", "20", "--rate", str(rate))
    moved: list[SimulatedMarket] = []
    monkeypatch.setattr(world.exchange, "publish", lambda market, _: moved.append(market))
    world.run(20)
    assert 20 * rate == pytest.approx(len(moved), rel=0.25)


def test_the_seed_and_not_the_listeners_decide_what_the_market_does(
    make_world: MakeWorld,
) -> None:
    def books(seed: int, *, is_heard: bool) -> list[object]:
        world = make_world("bitvavo", "--seed", str(seed))
        if is_heard:
            world.say(world.connect()[0], subscribe(("book", ["BTC-EUR"]), ("ticker", ["BTC-EUR"])))
        world.run(5)
        return [(market.bids(50), market.asks(50)) for market in world.exchange.markets]

    assert books(4, is_heard=True) == books(4, is_heard=False)
    assert books(4, is_heard=True) != books(5, is_heard=True)


def test_after_a_pause_it_skips_ahead_instead_of_flooding(make_world: MakeWorld) -> None:
    world = make_world("bitvavo")
    connection, socket = world.connect()
    world.say(connection, subscribe(("book", ["BTC-EUR"])))
    world.time.pass_time(60)
    world.simulation.advance()
    assert len(socket.messages) < 3 + 10 * LATE_MAX_S


def test_in_quiet_nothing_moves_and_the_final_books_are_written(make_world: MakeWorld) -> None:
    world = make_world("bitvavo")
    connection, socket = world.connect()
    world.say(connection, subscribe(("book", ["BTC-EUR"])))
    world.run(2)
    world.simulation.quiesce()
    count = len(socket.messages)
    world.run(2)
    world.simulation.quiesce()
    assert count == len(socket.messages)
    books = world.lines("book")
    assert ["BTC-EUR", "ETH-EUR", "USDT-EUR"] == [book["symbol"] for book in books]
    assert decoded(socket)[-1]["nonce"] == books[0]["sequence"]
    market = world.market("BTC-EUR")
    assert [market.price_text(price) for price, _ in market.bids(500)] == [
        price for price, _ in books[0]["bids"]
    ]
    world.say(connection, {"action": "getBook", "market": "BTC-EUR"})
    world.time.pass_time(1)
    assert books[0]["sequence"] == decoded(socket)[-1]["response"]["nonce"]


def test_going_quiet_shows_what_a_fault_has_hidden(make_world: MakeWorld) -> None:
    world = make_world("bitvavo")
    connection, _ = world.connect()
    world.say(connection, subscribe(("book", ["BTC-EUR"])))
    world.say(connection, {"action": "getBook", "market": "BTC-EUR"})
    world.run(2)
    connection.is_stalled = True
    world.market("ETH-EUR").is_halted = True
    connection.chains["BTC-EUR"].withheld = 1
    world.run(1)
    connection.is_stalled = False
    connection.chains["BTC-EUR"].withheld = 5
    world.simulation.quiesce()
    fault = world.lines("fault")[-1]
    assert ("stall", True) == (fault["fault"], fault["is_gap"])
    assert world.exchange.final_sequence(world.market("BTC-EUR")) >= fault["sequence_received"]


def test_connections_are_told_of_in_the_truth(make_world: MakeWorld) -> None:
    world = make_world("bitvavo")
    first, second = world.connect()[0], world.connect()[0]
    second.abort("drop")
    world.simulation.closed(second)
    world.simulation.closed(first)
    assert {} == world.simulation.connections
    assert [
        (1, "open", ""),
        (2, "open", ""),
        (2, "close", "drop"),
        (1, "close", "client"),
    ] == [(line["connection"], line["event"], line["reason"]) for line in world.lines("connection")]


# With seed 13 the next move of ETHTRY is beyond the window that BtcTurk tells of.
@pytest.mark.parametrize(("exchange", "seed"), [("bitvavo", 1), ("btcturk", 1), ("btcturk", 13)])
def test_a_stall_that_reaches_past_the_end_is_seen_by_every_book(
    make_world: MakeWorld, exchange: str, seed: int
) -> None:
    world = make_world(exchange, "--seed", str(seed), "--symbols", "5")
    connection, _ = world.connect()
    for market in world.exchange.markets:
        name = market.listing.raw_symbol
        if exchange == "bitvavo":
            world.say(connection, subscribe(("book", [name])))
            world.say(connection, {"action": "getBook", "market": name})
        else:
            world.say(connection, [151, {"channel": "obdiff", "event": name, "join": True}])
    world.run(3)
    connection.is_stalled = True
    world.faults._end_after(30.0, lambda: setattr(connection, "is_stalled", False))
    world.run(1)
    hurt = {name for name, chain in connection.chains.items() if chain.cause}
    assert hurt
    world.simulation.quiesce()
    assert hurt == {fault["raw_symbol"] for fault in world.lines("fault") if fault["is_gap"]}
