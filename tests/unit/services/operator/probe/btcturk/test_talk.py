import pytest

from services.operator.probe.btcturk.talk import NOBODY
from services.operator.probe.record import Kind, ProbeRecord
from tests.support.probe_facts import answer, differing, judge, say


def opened(door: str = "a") -> ProbeRecord:
    return ProbeRecord(ts=0, door=door, kind="opened")


def greeting(door: str = "a") -> ProbeRecord:
    return say([991, {"current": "6.0.0"}], door=door)


def join(pair: str = "XTRY", *, door: str = "a", leave: bool = False) -> ProbeRecord:
    body = {"type": 151, "channel": "obdiff", "event": pair, "join": not leave}
    return say([151, body], kind="sent", door=door)


def result(text: str, *, ok: bool = True) -> ProbeRecord:
    return say([100, {"ok": ok, "message": text}])


def book(pair: str = "XTRY", *, door: str = "a") -> ProbeRecord:
    body = {"CS": 5, "PS": pair, "BO": [], "AO": [], "channel": "obdiff"}
    return say([431, body], door=door)


def verdict(name: str, *records: ProbeRecord) -> str:
    return judge("btcturk", *records, judge_at=2)[name].verdict


def test_the_version_comes_first_on_every_connection() -> None:
    again = [opened(), greeting(), opened(), greeting()]
    row = judge("btcturk", *again, judge_at=2)["T1"]
    assert ("CONFIRMED", "2 sockets, version 6.0.0, 0 differ") == (row.verdict, row.seen)
    assert "REFUTED" == verdict("T1", opened(), result("join|obdiff:XTRY"))
    assert "REFUTED" == verdict("T1", ProbeRecord(ts=0, door="a", kind="refused", status=403))


def test_an_acknowledgement_is_no_word_of_a_pair() -> None:
    asked = [opened(), join(NOBODY)]
    assert "CONFIRMED" == verdict("T2", *asked, result(f"join|obdiff:{NOBODY}"))
    assert "REFUTED" == verdict("T2", *asked, result(f"join|obdiff:{NOBODY}", ok=False))
    assert "REFUTED" == verdict("T2", *asked, book(NOBODY))


def test_a_second_join_is_refused() -> None:
    once = [opened(), join(), result("join|obdiff:XTRY"), book()]
    assert "not seen" == verdict("T3", *once)
    assert "CONFIRMED" == verdict("T3", *once, join(), result("join|obdiff:XTRY", ok=False))
    assert "REFUTED" == verdict("T3", *once, join(), result("join|obdiff:XTRY"))
    left = [*once, join(leave=True), result("leave|obdiff:XTRY"), join()]
    assert "not seen" == verdict("T3", *left, result("join|obdiff:XTRY"))


@pytest.mark.parametrize(("door", "name"), [("p50", "T26"), ("p200", "T27"), ("pall", "T28")])
@pytest.mark.parametrize("kind", ["closed", "lost", None])
def test_a_crowd_is_judged_when_it_goes(door: str, name: str, kind: Kind | None) -> None:
    asked = [opened(door), join(door=door), join("YTRY", door=door), book(door=door)]
    end = [ProbeRecord(ts=0, door=door, kind=kind)] if kind else []
    row = judge("btcturk", *asked, *end, judge_at=2)[name]
    assert ("2 pairs, 1 differ", ("YTRY of 2",)) == (row.seen, row.examples)
    both = judge("btcturk", *asked, book("YTRY", door=door), *end, judge_at=2)[name]
    assert "2 pairs, 0 differ" == both.seen
    assert "0 pairs" == judge("btcturk", *asked[:3], *end, judge_at=2)[name].seen


def test_names_and_statuses_are_held_against_what_we_know() -> None:
    def listed(name: str, status: str) -> ProbeRecord:
        row = {"name": name, "numerator": "X", "denominator": "TRY", "status": status}
        return answer("/api/v2/server/exchangeinfo", {"data": {"symbols": [row]}})

    assert {} == differing(judge("btcturk", listed("XTRY", "TRADING"), judge_at=2))
    rows = differing(judge("btcturk", listed("X_TRY", "BREAK"), judge_at=2))
    assert {"T31": ("X_TRY of XTRY",), "T32": ("X_TRY: BREAK",)} == rows
