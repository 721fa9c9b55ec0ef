import pytest

from services.simulator.bitvavo.lies import LIES
from services.simulator.found import load_lies
from tests.support.probing import honest, lie, tell
from tests.unit.services.operator.probe.bitvavo.test_assumptions import ROWS

ALONE = {"null_side"}  # no row of their own


def test_they_are_those_that_the_simulator_finds() -> None:
    assert load_lies("bitvavo") is LIES


def test_each_is_there_for_a_row_of_the_probe() -> None:
    assert set(LIES) - ALONE == {name for name, _ in ROWS.values()}


@pytest.mark.parametrize("name", LIES)
def test_each_says_something_else(name: str) -> None:
    assert list(honest("bitvavo")) != lie("bitvavo", name)


@pytest.mark.parametrize("name", LIES)
def test_each_begins_anew_with_every_simulator(name: str) -> None:
    records = honest("bitvavo")[:400]
    first, second = (tell(LIES[name](), records) for _ in range(2))
    assert first == second
