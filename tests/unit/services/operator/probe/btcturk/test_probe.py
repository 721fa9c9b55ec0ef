from services.operator.probe.btcturk.probe import PROBING
from services.operator.probe.probing import load


def test_it_is_what_the_probe_finds() -> None:
    assert load("btcturk") is PROBING
