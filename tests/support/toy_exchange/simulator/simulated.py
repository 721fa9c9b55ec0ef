"""Declares the toy to the simulator, as a simulated exchange."""

from typing import Final

from services.simulator.protocol import Simulated
from services.simulator.toy.protocol import SYMBOLS_MAX, Toy, list_markets

SIMULATED: Final = Simulated(
    build=Toy,
    list_markets=list_markets,
    symbols_max=SYMBOLS_MAX,
    levels=40,
    faults=Toy.faults,
)
