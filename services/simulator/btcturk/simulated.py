"""Declares BtcTurk as a simulated exchange."""

from typing import Final

from services.simulator.btcturk.listing import SYMBOLS_MAX, list_markets
from services.simulator.btcturk.protocol import Btcturk
from services.simulator.protocol import Simulated

SIMULATED: Final = Simulated(
    build=Btcturk,
    list_markets=list_markets,
    symbols_max=SYMBOLS_MAX,
    levels=160,
    faults=Btcturk.faults,
)
