from services.simulator.bitvavo.protocol import Bitvavo
from services.simulator.bitvavo.simulated import SIMULATED


def test_its_faults_are_those_of_the_protocol() -> None:
    assert SIMULATED.build is Bitvavo
    assert Bitvavo.faults == SIMULATED.faults
