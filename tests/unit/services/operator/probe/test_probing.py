import pytest

from services.__main__ import find_exchange_names
from services.operator.probe.probing import find_names, load


def test_a_probe_is_of_an_exchange_that_there_is() -> None:
    assert find_names()
    assert set(find_names()) <= set(find_exchange_names())


@pytest.mark.parametrize("name", find_names())
def test_each_declares_what_it_is_made_of(name: str) -> None:
    declared = load(name)
    ids = [one.id for one in declared.assumptions]
    assert len(ids) == len(set(ids))
    assert declared.pings in ids
