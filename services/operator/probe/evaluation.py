"""Evaluates a probe's records, live or kept: an evaluation reads each twice and fills one table."""

from typing import Final

from services.operator.probe.facts import Fact
from services.operator.probe.first import FirstReading
from services.operator.probe.frames import FrameJudge
from services.operator.probe.probing import Probing, SecondReading
from services.operator.probe.record import ProbeRecord
from services.operator.probe.table import Assumption, AssumptionTable, JudgedRow
from shared.exchange import Exchange

# Code that expects a known shape raises these on a message of another shape.
UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)

# Assumptions about every exchange.
COMMON: Final = (
    Assumption("F1", "every message is a text", "messages", enough=100),
    Assumption("F2", "every message is one frame", "messages", enough=100),
    Assumption("F3", "no message is longer than 16 MiB", "messages", enough=100),
    Assumption("P1", "our parser reads every message", "messages", enough=100),
    Assumption("P2", "we know the kind of every message", "messages", enough=100),
    Assumption("P3", "our books equal those of the second reading", "levels compared", enough=100),
    Assumption("P4", "the second reading reads every message", "messages", enough=100),
)


class Evaluation:
    """Judges the records of one probe, in their order."""

    def __init__(self, exchange: Exchange, probing: Probing) -> None:
        """Start with nothing seen."""
        table = AssumptionTable((*probing.assumptions, *COMMON))
        self.reading: SecondReading = probing.reading()
        self._table = table
        self.first = FirstReading(exchange, table)
        self._frames = FrameJudge(table, pings=probing.pings, ping_s=probing.ping_s)
        self._judges = [judge(table, self.reading) for judge in probing.judges]

    def see(self, record: ProbeRecord) -> None:
        """Read one record twice."""
        self._frames.see(record)
        facts = self._read(record)
        for fact in facts:
            if fact.kind == "snapshot":  # compare before our book begins anew with it
                self.first.compare_book((fact.door, fact.market), fact.book)
        self.first.see(record)
        try:
            for fact in facts:
                for judge in self._judges:
                    judge.see(fact)
        except UNREADABLE as error:
            self._differ(record, error)

    def rows(self) -> list[JudgedRow]:
        """Judge what only the end shows; return the table. No record may follow."""
        for key, book in self.reading.books.items():
            self.first.compare_book(key, book)
        for judge in self._judges:
            judge.finish()
        self._frames.finish()
        self.first.finish()
        return self._table.rows()

    def _read(self, record: ProbeRecord) -> list[Fact]:
        try:
            facts = list(self.reading.see(record))
        except UNREADABLE as error:
            self._differ(record, error)
            return []
        if record.kind == "text":
            self._table.agree("P4")
        return facts

    def _differ(self, record: ProbeRecord, error: Exception) -> None:
        self._table.differ("P4", f"{type(error).__name__} {error}: {record.text}")
