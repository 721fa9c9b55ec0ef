import pytest

from services.operator.probe import frames as module
from services.operator.probe.frames import FrameJudge
from services.operator.probe.record import Kind, ProbeRecord
from services.operator.probe.table import Assumption, AssumptionTable, JudgedRow

NS = 1_000_000_000


def judge(*records: ProbeRecord) -> dict[str, JudgedRow]:
    table = AssumptionTable([Assumption(name, "", "things") for name in ("F1", "F2", "F3", "P")])
    frames = FrameJudge(table, pings="P", ping_s=50.0)
    for record in records:
        frames.see(record)
    frames.finish()
    return {row.assumption.id: row for row in table.rows()}


def at(second: float, kind: Kind, text: str = "", door: str = "a") -> ProbeRecord:
    return ProbeRecord(ts=round(second * NS), door=door, kind=kind, text=text)


def test_texts_are_in_order_and_measured() -> None:
    rows = judge(at(0, "text", "x" * 100), at(0.5, "text"), at(2, "text", "xx"))
    assert ["CONFIRMED"] * 3 == [rows[name].verdict for name in ("F1", "F2", "F3")]
    assert "3 things, 2 a second, at most 2, 34 bytes each, 0 differ" == rows["F1"].seen
    assert "3 things, the longest 100 bytes, 0 differ" == rows["F3"].seen


@pytest.mark.parametrize(("kind", "name"), [("binary", "F1"), ("fragmented", "F2")])
def test_an_odd_frame_is_found(kind: Kind, name: str) -> None:
    rows = judge(at(0, kind), at(0, "text"))
    assert {name} == {one for one, row in rows.items() if row.verdict == "REFUTED"}


def test_a_message_that_is_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 10)
    assert "CONFIRMED" == judge(at(0, "text", "x" * 10))["F3"].verdict
    assert "REFUTED" == judge(at(0, "text", "x" * 11))["F3"].verdict


def test_pings_are_counted_by_their_socket() -> None:
    row = judge(at(0, "ping"), at(20, "ping", door="b"), at(51, "ping"), at(69, "ping", door="b"))
    assert ("CONFIRMED", "2 things, 49.0 to 51.0 s apart, 0 differ") == (
        row["P"].verdict,
        row["P"].seen,
    )


def test_a_ping_that_is_early_or_late_is_found() -> None:
    assert "REFUTED" == judge(at(0, "ping"), at(47, "ping"))["P"].verdict
    assert "REFUTED" == judge(at(0, "ping"), at(53, "ping"))["P"].verdict


@pytest.mark.parametrize("kind", ["closed", "lost"])
def test_a_new_connection_begins_anew(kind: Kind) -> None:
    assert "not seen" == judge(at(0, "ping"), at(1, kind), at(7, "ping"))["P"].verdict
