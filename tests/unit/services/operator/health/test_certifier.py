from services.operator.health.certifier import find_certifier_troubles
from shared.process.status import CertifierReport
from tests.support.healths import make_certifier


def find(
    faults: list[str], late: list[str], report_fault: str | None = None
) -> list[tuple[str, str]]:
    process = make_certifier(faults=faults, days_late=late, report_fault=report_fault)
    assert isinstance(process.report, CertifierReport)
    report = process.report
    return [(one.code, one.text) for one in find_certifier_troubles(process, report)]


def test_what_is_well_is_no_trouble() -> None:
    assert [] == find([], [])


def test_a_fault_and_a_late_day_are_troubles() -> None:
    assert [
        ("certify-failing", "the certifier could not certify a day: damaged (and 1 more)"),
        ("day-uncertified", "after a week no certificate stands for bitvavo 2026-11-22"),
    ] == find(["damaged", "full"], ["bitvavo 2026-11-22"])
    [(_, text)] = find([], [f"bitvavo {day}" for day in range(7)])
    assert text.endswith("bitvavo 4 and 2 more")
    text = "the certifier could not certify a day: damaged"
    assert [("certify-failing", text)] == find(["damaged"], [])


def test_a_report_that_cannot_be_put_is_a_trouble_of_its_own() -> None:
    text = "the certifier could not put a day's report beside the tape: no space"
    assert [("report-failing", text)] == find([], [], "no space")
