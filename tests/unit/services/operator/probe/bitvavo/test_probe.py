from services.operator.probe.bitvavo.probe import PROBING
from services.operator.probe.probing import load


def test_it_is_what_the_probe_finds() -> None:
    assert load("bitvavo") is PROBING
