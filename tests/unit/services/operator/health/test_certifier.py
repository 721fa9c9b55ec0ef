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
        ("certify-failing", "a day could not be certified: damaged (and 1 more)"),
        ("day-uncertified", "a week later no certificate stands for bitvavo 2026-11-22"),
    ] == find(["damaged", "full"], ["bitvavo 2026-11-22"])
    [(_, text)] = find([], [f"bitvavo {day}" for day in range(7)])
    assert text.endswith("bitvavo 4 and 2 more")
    assert [("certify-failing", "a day could not be certified: damaged")] == find(["damaged"], [])


def test_a_report_that_cannot_be_put_is_a_trouble_of_its_own() -> None:
    text = "a day's report could not be put beside the tape: no space"
    assert [("report-failing", text)] == find([], [], "no space")
