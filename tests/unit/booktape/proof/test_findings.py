import json

from booktape.proof.findings import LINES_MAX, NotedRow, Range, Report, Session, format_report

SESSION = "20261122T091500.123456Z-bitvavo-a"
GAP = NotedRow("gap", "BTC-EUR", 1_795_348_800_000_001_999, 5, 7, 9, '{"channel":"book"}')
OUTAGE = NotedRow("disconnected", None, 1_795_348_800_000_000_000, 6, None, None, "{}")


def make_report(**changes: list[Range]) -> Report:
    session = Session(SESSION, 0, 1_234_567, rows=9_876_543, bytes=12_345_678)
    session.gaps.append(GAP)
    session.outages.append(OUTAGE)
    return Report(not changes.get("faults"), [session], **changes)


def test_a_person_reads_each_session_and_the_verdict() -> None:
    lines = format_report(make_report()).splitlines()
    assert ["session", "events", "rows", "MB", "gaps", "outages"] == lines[0].split()
    assert [SESSION, "0-1234567", "9,876,543", "12.3", "1", "1", "open"] == lines[1].split()
    assert "The tape is whole." == lines[-1]


def test_a_person_reads_gaps_and_outages() -> None:
    text = format_report(make_report())
    assert (
        f"Gaps (1)\n  2026-11-22T12:00:00.000001Z {SESSION} 5: gap BTC-EUR"
        ' expected 7, received 9 {"channel":"book"}\n'
    ) in text
    assert f"  2026-11-22T12:00:00.000000Z {SESSION} 6: disconnected {{}}\n" in text


def test_a_person_reads_what_is_wrong_and_what_is_not_yet_there() -> None:
    text = format_report(
        make_report(
            faults=[
                Range(SESSION, 3, 9, "ledger/x.json", "events are missing"),
                Range(SESSION, 11, 11, None, "an event is there twice"),
                Range(None, None, None, "tape/x", "this object is not of the tape"),
            ],
            pending=[Range(SESSION, 12, None, None, "the session has not ended")],
            expired=[Range(SESSION, 0, 2, None, "removed before the date")],
        )
    )
    assert f"\nPending (1)\n  {SESSION} 12-: the session has not ended\n" in text
    assert f"\nExpired (1)\n  {SESSION} 0-2: removed before the date\n" in text
    assert f"\nFaults (3)\n  {SESSION} 3-9: events are missing (ledger/x.json)\n" in text
    assert f"\n  {SESSION} 11: an event is there twice\n" in text
    assert "\n  this object is not of the tape (tape/x)\n" in text
    assert text.endswith("\n\nTHE TAPE IS NOT WHOLE.")


def test_a_fault_without_a_session_is_told() -> None:
    text = format_report(Report(ok=False, faults=[Range(None, None, None, None, "nobody's")]))
    assert "\nFaults (1)\n  nobody's\n\nTHE TAPE IS NOT WHOLE." == text


def test_long_lists_are_cut_for_a_person_alone() -> None:
    missing = Range(SESSION, 1, 1, None, "an event is there twice")
    report = make_report(faults=[missing] * (LINES_MAX + 3))
    text = format_report(report)
    assert LINES_MAX == text.count("an event is there twice")
    assert "\n  ... and 3 more; --json has them all\n" in text
    assert LINES_MAX + 3 == len(json.loads(report.to_json())["faults"])


def test_an_empty_tape_is_not_called_whole() -> None:
    assert "There is nothing on this tape." == format_report(Report(ok=True))
