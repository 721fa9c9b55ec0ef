"""Declares Bitvavo's part of the probe."""

from typing import Final

from services.operator.probe.bitvavo.assumptions import ASSUMPTIONS
from services.operator.probe.bitvavo.books import BitvavoBooks
from services.operator.probe.bitvavo.costs import BitvavoCosts
from services.operator.probe.bitvavo.market_data import BitvavoMarketData
from services.operator.probe.bitvavo.script import play
from services.operator.probe.bitvavo.second import BitvavoReading
from services.operator.probe.bitvavo.talk import BitvavoTalk
from services.operator.probe.probing import Probing

PROBING: Final = Probing(
    assumptions=ASSUMPTIONS,
    reading=BitvavoReading,
    judges=(BitvavoBooks, BitvavoMarketData, BitvavoTalk, BitvavoCosts),
    script=play,
    pings="B25",
    ping_s=50.0,
)
