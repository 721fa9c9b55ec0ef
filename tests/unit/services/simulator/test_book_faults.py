"""Faults of books that no sequence shows."""

from typing import Any

import pytest

from services.simulator.book_faults import GIVEN_S, LIE_S, MUTED_S
from services.simulator.protocol import Secretive
from tests.unit.services.simulator.btcturk.test_protocol import join
from tests.unit.services.simulator.conftest import MakeWorld
from tests.unit.services.simulator.fakes import World, decoded
from tests.unit.services.simulator.test_faults import BITVAVO, BTCTURK, gaps, listen, live


def secrets(world: World) -> Secretive:
    assert isinstance(world.exchange, Secretive)
    return world.exchange


def run_until_told(world: World, fault: str) -> str:
    """Return the raw symbol that it befalls."""
    for _ in range(600):
        world.run(0.1)
        if lines := world.lines("fault"):
            assert {fault} == {line["fault"] for line in lines}
            return str(lines[0]["raw_symbol"])
    raise AssertionError(fault)


def changes(messages: list[Any], name: str) -> list[Any]:
    """Return the changes of one book among messages."""
    bodies = [m[1] if isinstance(m, list) and m[0] == 432 else m for m in messages]
    return [b for b in bodies if isinstance(b, dict) and name in (b.get("market"), b.get("PS"))]


def test_a_price_walks_off_what_was_given(make_world: MakeWorld) -> None:
    world, _ = live(make_world, "bitvavo", "walk", "--levels", "2500", "--rate", "60")
    before = world.market("BTC-EUR").best_ask[0]
    assert run_until_told(world, "walk") == "BTC-EUR"
    world.run(30)
    assert world.market("BTC-EUR").best_ask[0] > 1.09 * before
    assert [] == gaps(world)


def test_a_market_is_mute_for_a_while_and_then_its_numbers_have_gone_on(
    make_world: MakeWorld,
) -> None:
    world, client = live(make_world, "bitvavo", "mute", "--fault-interval-s", "60")
    name = run_until_told(world, "mute")
    client[1].messages.clear()
    world.run(MUTED_S - 5)
    assert [] == [m for m in changes(decoded(client[1]), name) if m["event"] == "book"]
    world.run(15)
    assert [name] == [raw_symbol for raw_symbol, _, _ in gaps(world)]


def test_a_pair_is_mute_for_a_while_and_no_number_shows_it(make_world: MakeWorld) -> None:
    world, client = live(make_world, "btcturk", "mute", "--fault-interval-s", "60")
    name = run_until_told(world, "mute")
    world.run(3)
    client[1].messages.clear()
    world.run(MUTED_S - 10)
    assert [] == changes(decoded(client[1]), name)
    world.run(20)
    assert changes(decoded(client[1]), name)
    assert [] == gaps(world)


def test_a_lie_is_told_at_the_end(make_world: MakeWorld) -> None:
    for exchange, names in (("bitvavo", BITVAVO), ("btcturk", BTCTURK)):
        world, _ = live(make_world, exchange, "lie", "--fault-interval-s", "60")
        name = run_until_told(world, "lie")
        assert name in names
        market = world.market(name)
        assert market.hidden
        side, price = market.hidden[0]
        world.faults._names = []  # no other lie follows
        world.run(LIE_S + 1)
        assert (side, price) not in market.hidden


def test_what_was_hidden_is_told_when_the_market_stops(make_world: MakeWorld) -> None:
    for fault in ("lie", "mute", "crossed"):
        world, client = live(make_world, "btcturk", fault, "--halt-s", "900")
        name = run_until_told(world, fault)
        world.run(5)
        world.simulation.quiesce()
        book: dict[str, dict[str, str]] = {"BO": {}, "AO": {}}
        for message in decoded(client[1]):
            if message[0] in (431, 432) and message[1]["PS"] == name:
                for side, levels in book.items():
                    if message[0] == 431:
                        levels.clear()
                    for level in message[1][side]:
                        if level.get("CP") == 3:
                            levels.pop(level["P"], None)
                        else:
                            levels[level["P"]] = level["A"]
        final = next(line for line in world.lines("book") if line["raw_symbol"] == name)
        assert {price: size for price, size in final["bids"]} == book["BO"]  # noqa: C416
        assert {price: size for price, size in final["asks"]} == book["AO"]  # noqa: C416


def test_a_question_is_answered_late_or_by_an_older_book(make_world: MakeWorld) -> None:
    world, client = live(make_world, "bitvavo", "", "--rate", "60")

    def ask(seconds: float) -> list[int]:
        """Return the nonces of the books that come within so long, and the newest sent before."""
        client[1].messages.clear()
        world.say(client[0], {"action": "getBook", "market": "BTC-EUR"})
        world.run(seconds)
        return [m["response"]["nonce"] for m in decoded(client[1]) if m.get("action") == "getBook"]

    secrets(world).answer_book_badly("late")
    assert [] == ask(11)
    world.run(2)
    assert 1 == len(ask(1))
    secrets(world).answer_book_badly("old")
    (nonce,) = ask(2)
    newest = [m["nonce"] for m in decoded(client[1]) if m.get("market") == "BTC-EUR"]
    assert nonce < newest[-1]
    assert client[0].chains["BTC-EUR"].has_snapshot


def test_a_book_is_crossed_and_none_is_asked_about_in_vain(make_world: MakeWorld) -> None:
    world, client = live(
        make_world, "bitvavo", "crossed", "--halt-s", "5", "--fault-interval-s", "60"
    )
    name = run_until_told(world, "crossed")
    market = world.market(name)
    assert market.best_bid[0] > market.best_ask[0]
    world.run(6)
    assert market.best_bid[0] < market.best_ask[0]
    assert [] == gaps(world)
    assert client[1].is_open


def test_bad_answers_come_where_somebody_has_a_book(make_world: MakeWorld) -> None:
    for fault in ("late_book", "old_book"):
        world, _ = live(make_world, "bitvavo", fault)
        for _ in range(100):
            world.run(0.1)
        assert fault in {line["fault"] for line in world.lines("fault")}


@pytest.mark.parametrize("exchange", ["bitvavo", "btcturk"])
def test_numbers_begin_anew_between_a_book_and_its_first_change(
    make_world: MakeWorld, exchange: str
) -> None:
    world, client = live(make_world, exchange, "early_reset", "--fault-interval-s", "100")
    for _ in range(3000):
        world.run(0.05)
        if gaps(world):
            break
    world.faults._names = []
    name = gaps(world)[0][0]
    if exchange == "bitvavo":
        world.say(client[0], {"action": "getBook", "market": name})
    else:
        for is_joining in (False, True):
            world.say(client[0], join("obdiff", name, is_joining=is_joining))
    world.run(20)
    assert ["gap", "early_reset", "nonce_reset"] == [one["fault"] for one in world.lines("fault")]
    assert [name, name] == [raw_symbol for raw_symbol, _, _ in gaps(world)]


def test_a_book_that_nobody_asks_for_is_reset_by_nothing(make_world: MakeWorld) -> None:
    world, _ = live(make_world, "bitvavo", "early_reset", "--fault-interval-s", "100")
    while not gaps(world):
        world.run(0.05)
    world.faults._names = []
    world.run(GIVEN_S + 1)
    listen(world, world.connect())
    world.run(20)
    assert ["gap"] == [one["fault"] for one in world.lines("fault")]
