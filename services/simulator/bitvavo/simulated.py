"""Declares Bitvavo as a simulated exchange."""

from typing import Final

from services.simulator.bitvavo.listing import SYMBOLS_MAX, list_markets
from services.simulator.bitvavo.protocol import Bitvavo
from services.simulator.protocol import Simulated

SIMULATED: Final = Simulated(
    build=Bitvavo,
    list_markets=list_markets,
    symbols_max=SYMBOLS_MAX,
    levels=2_500,
    faults=Bitvavo.faults,
)
