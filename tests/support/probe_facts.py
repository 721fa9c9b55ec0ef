"""Makes facts for a probe's judges, without a transcript."""

import json
from collections.abc import Sequence
from typing import Any

from services.operator.probe import probing
from services.operator.probe.evaluation import COMMON
from services.operator.probe.facts import Fact
from services.operator.probe.record import Kind, ProbeRecord
from services.operator.probe.table import AssumptionTable, JudgedRow

NS_PER_S = 1_000_000_000


def say(body: Any, *, s: float = 0.0, door: str = "a", kind: Kind = "text") -> ProbeRecord:
    """Return a message at so many seconds."""
    return ProbeRecord(ts=round(s * NS_PER_S), door=door, kind=kind, text=json.dumps(body))


def answer(
    path: str, body: Any, *, s: float = 0.0, status: int = 200, **headers: str
) -> ProbeRecord:
    """Return an answer over REST; underscores in the names of headers are dashes."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return ProbeRecord(
        ts=round(s * NS_PER_S),
        door="rest",
        kind="answer",
        path=path,
        status=status,
        headers=names,
        text=body if isinstance(body, str) else json.dumps(body),
    )


def read(exchange: str, *records: ProbeRecord) -> list[Fact]:
    """Return the facts that the second reading finds in these records."""
    reading = probing.load(exchange).reading()
    return [fact for record in records for fact in reading.see(record)]


def judge(
    exchange: str, *records: ProbeRecord, judge_at: int | None = None
) -> dict[str, JudgedRow]:
    """Return the rows after these records, by all judges of an exchange or by one."""
    declared = probing.load(exchange)
    table = AssumptionTable((*declared.assumptions, *COMMON))
    reading = declared.reading()
    chosen = declared.judges if judge_at is None else declared.judges[judge_at : judge_at + 1]
    judges = [one(table, reading) for one in chosen]
    for record in records:
        for fact in list(reading.see(record)):
            for one in judges:
                one.see(fact)
    for one in judges:
        one.finish()
    return {row.assumption.id: row for row in table.rows()}


def differing(rows: dict[str, JudgedRow]) -> dict[str, Sequence[str]]:
    """Return the examples of the refuted rows."""
    return {name: row.examples for name, row in rows.items() if row.examples}
