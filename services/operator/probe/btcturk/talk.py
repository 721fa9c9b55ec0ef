"""Judges BtcTurk's talk: greetings, acknowledgements, how many pairs a socket carries."""

from typing import Final

from services.operator.probe.btcturk.books import read_asked
from services.operator.probe.btcturk.second import PAIRS_PATH, BtcturkReading
from services.operator.probe.facts import Fact
from services.operator.probe.record import REST
from services.operator.probe.table import AssumptionTable

NOBODY: Final = "NOPETRY"  # no pair of the exchange
CROWDS: Final = {"p50": "T26", "p200": "T27", "pall": "T28"}  # sockets that carry many pairs
VERSION: Final = "991"


class BtcturkTalk:
    """Judges requests by their answers."""

    def __init__(self, table: AssumptionTable, _reading: BtcturkReading) -> None:
        """Start with nothing asked."""
        self._table = table
        self._greeted: set[str] = set()
        self._joined: dict[str, set[str]] = {}
        self._twice: set[tuple[str, str]] = set()
        self._begun: dict[str, set[str]] = {}

    def see(self, fact: Fact) -> None:
        """Judge one fact."""
        if fact.record.kind == "text" and fact.door not in self._greeted:
            self._greeted.add(fact.door)
            self._table.judge("T1", fact.record.text, holds=fact.kind == VERSION)
            if fact.kind == VERSION:
                self._table.note("T1", f"version {fact.body.get('current')}")
        if fact.kind == "opened":
            self._greeted.discard(fact.door)
            self._joined[fact.door], self._begun[fact.door] = set(), set()
        elif fact.kind == "refused":
            self._table.differ("T1", fact.record.text or str(fact.record.status))
        elif fact.kind == "sent":
            self._sent(fact)
        elif fact.kind == "100":
            self._acknowledged(fact)
        elif fact.kind in ("snapshot", "event"):
            self._data(fact)
        elif fact.kind in ("closed", "lost") and fact.door in CROWDS:
            self._judge_crowd(fact.door)
        elif fact.kind == REST and fact.record.path == PAIRS_PATH and fact.body:
            self._pairs(fact)

    def finish(self) -> None:
        """Judge the sockets that were never closed."""
        for door in CROWDS:
            self._judge_crowd(door)

    def _sent(self, fact: Fact) -> None:
        for channel, pair, join in read_asked(fact.record.text):
            joined = self._joined.setdefault(fact.door, set())
            name = f"{channel}:{pair}"
            if not join:
                joined.discard(name)
            elif name in joined:
                self._twice.add((fact.door, name))
            joined.add(name) if join else None

    def _acknowledged(self, fact: Fact) -> None:
        verb, _, name = fact.body["message"].partition("|")
        is_ok = fact.body["ok"]
        if verb != "join":
            return
        if name.endswith(NOBODY):
            self._table.judge("T2", fact.record.text, holds=is_ok)
        elif (fact.door, name) in self._twice and not (is_ok and name not in self._told(fact)):
            self._table.judge("T3", fact.record.text, holds=not is_ok)
            self._twice.discard((fact.door, name))

    def _told(self, fact: Fact) -> set[str]:
        """Return the names that have brought something on this socket."""
        return {f"obdiff:{pair}" for pair in self._begun.get(fact.door, set())}

    def _data(self, fact: Fact) -> None:
        self._begun.setdefault(fact.door, set()).add(fact.market)
        if fact.market == NOBODY:
            self._table.differ("T2", f"it speaks: {fact.record.text}")

    def _judge_crowd(self, door: str) -> None:
        begun = self._begun.pop(door, set())
        pairs = {name.partition(":")[2] for name in self._joined.pop(door, set())}
        if not begun:
            return  # the socket was deaf and dumb
        for pair in sorted(pairs):
            self._table.judge(CROWDS[door], f"{pair} of {len(pairs)}", holds=pair in begun)

    def _pairs(self, fact: Fact) -> None:
        for row in fact.body["symbols"]:
            name, status = row["name"], row["status"]
            whole = row["numerator"] + row["denominator"]
            self._table.judge("T31", f"{name} of {whole}", holds=name == whole)
            self._table.judge("T32", f"{name}: {status}", holds=status == "TRADING")
