"""Declares BtcTurk's part of the probe."""

from typing import Final

from services.operator.probe.btcturk.assumptions import ASSUMPTIONS
from services.operator.probe.btcturk.books import BtcturkBooks
from services.operator.probe.btcturk.market_data import BtcturkMarketData
from services.operator.probe.btcturk.script import play
from services.operator.probe.btcturk.second import BtcturkReading
from services.operator.probe.btcturk.talk import BtcturkTalk
from services.operator.probe.probing import Probing

PROBING: Final = Probing(
    assumptions=ASSUMPTIONS,
    reading=BtcturkReading,
    judges=(BtcturkBooks, BtcturkMarketData, BtcturkTalk),
    script=play,
    pings="T25",
    ping_s=15.0,
)
