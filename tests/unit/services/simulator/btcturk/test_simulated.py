from services.simulator.btcturk.protocol import Btcturk
from services.simulator.btcturk.simulated import SIMULATED


def test_its_faults_are_those_of_the_protocol() -> None:
    assert SIMULATED.build is Btcturk
    assert Btcturk.faults == SIMULATED.faults
