from services.operator.probe.btcturk.script import PAIRS_A_SOCKET, play
from services.operator.probe.btcturk.second import BtcturkReading
from services.operator.probe.steps import Close, Get, Open, Send


def reading(count: int) -> BtcturkReading:
    one = BtcturkReading()
    one.pairs = {f"X{number}TRY": "TRADING" for number in range(count)}
    one.pairs["XDEADTRY"] = "HALTED"
    return one


def test_every_connection_and_every_book_over_rest_has_its_cost() -> None:
    steps = list(play(reading(3), 0.0, lambda: 1.0))
    assert all(step.cost for step in steps if isinstance(step, Open))
    assert all(step.cost for step in steps if isinstance(step, Get) and "?" in step.path)


def test_a_socket_carries_fifty_pairs_and_the_crowds_carry_more() -> None:
    steps = list(play(reading(230), 0.0, lambda: 1.0))
    doors = [step.door for step in steps if isinstance(step, Open)]
    assert ["t", "a0", "a1", "a2", "a3", "a4", "b", "p50", "p200", "pall"] == doors
    joins = [step for step in steps if isinstance(step, Send) and '"obdiff"' in step.text]

    def count(door: str) -> int:
        return sum(step.door == door for step in joins)

    assert PAIRS_A_SOCKET <= count("a0") <= PAIRS_A_SOCKET + 6  # a resync is a leave and a join
    assert [50, 200, 230] == [count(door) for door in ("p50", "p200", "pall")]
    assert ["p50", "p200", "pall"] == [step.door for step in steps if isinstance(step, Close)]
    assert not any("XDEADTRY" in step.text for step in joins)


def test_a_resync_leaves_and_joins_where_the_pair_is_at_home() -> None:
    one = reading(3)
    one.homes = {"X0TRY": "a7"}
    steps = [step for step in play(one, 0.0, lambda: 1.0) if isinstance(step, Send)]
    leaves = [steps.index(step) for step in steps if '"join":false' in step.text]
    assert leaves
    for at in leaves:
        assert steps[at].door == steps[at + 1].door
        assert steps[at].text.replace("false", "true") == steps[at + 1].text
    assert "a7" == steps[leaves[0]].door


def test_what_was_lost_is_opened_again() -> None:
    ticks = iter(range(0, 100, 10))
    steps = list(play(reading(3), 1.0, lambda: float(next(ticks))))
    assert 6 <= sum(isinstance(step, Open) and step.door == "a0" for step in steps)
