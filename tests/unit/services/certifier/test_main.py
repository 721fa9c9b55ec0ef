import os
import time
from pathlib import Path

import msgspec
import pytest

from booktape.store.storage import Storage
from services.certifier.main import Certifier
from shared.process.settings import Settings, State, WriterSettings
from shared.process.status import CertifierReport, read
from tests.support.commands import make_sample

HOUR_NS = 3_600 * 10**9


def make_settings(root: Path, tape: Path) -> Settings:
    return Settings(
        storage=Storage(f"file:{tape}"),
        state=State(path=root / "var"),
        writer=WriterSettings(),
        exchanges={},
        folder=root,
    )


def run_pass(certifier: Certifier, now_ns: int) -> None:
    """Begin a pass and wait for its child."""
    certifier.step(now_ns)
    end_pass(certifier, now_ns)


def end_pass(certifier: Certifier, now_ns: int) -> None:
    """Wait for the child that certifies, then for the one that reports, if any."""
    assert certifier._child is not None
    while certifier._child is not None:
        certifier._child.wait()
        certifier.step(now_ns)


def report_of(root: Path) -> CertifierReport:
    report = read(root / "var/status/certifier.json", CertifierReport)
    assert isinstance(report, CertifierReport)
    return report


def test_a_pass_certifies_what_is_over_and_the_next_one_waits(tmp_path: Path) -> None:
    tape = make_sample(tmp_path)
    certifier = Certifier(make_settings(tmp_path, tape))
    now_ns = time.time_ns()
    certifier.step(now_ns)
    assert "certifying" == report_of(tmp_path).state
    end_pass(certifier, now_ns)
    report = report_of(tmp_path)
    assert ("waiting", 1, 2, []) == (report.state, report.passes, report.certified, report.faults)
    assert 2 == len(list((tape / "daily/certificates").rglob("*.json")))
    certifier.step(now_ns)
    assert 1 == report_of(tmp_path).passes
    assert report.next_pass_ts is not None
    run_pass(certifier, report.next_pass_ts)
    assert (2, 2) == (report_of(tmp_path).passes, report_of(tmp_path).certified)


def test_a_pass_puts_the_reports_that_are_due(tmp_path: Path) -> None:
    tape = make_sample(tmp_path)
    certifier = Certifier(make_settings(tmp_path, tape))
    run_pass(certifier, time.time_ns())
    page = tape / "reports/report-2026-09-21.html"
    assert "<section id=coverage>" in page.read_text(encoding="utf-8")
    assert report_of(tmp_path).report_fault is None


def test_a_report_that_fails_is_told_and_the_days_are_certified(tmp_path: Path) -> None:
    tape = make_sample(tmp_path)
    (tape / "reports").write_text("in the way")
    certifier = Certifier(make_settings(tmp_path, tape))
    now_ns = time.time_ns()
    run_pass(certifier, now_ns)
    report = report_of(tmp_path)
    assert (2, []) == (report.certified, report.faults)
    assert "reports" in (report.report_fault or "")
    assert report.next_pass_ts is not None
    assert report.next_pass_ts <= now_ns + HOUR_NS


def test_where_nothing_is_recorded_yet_nothing_is_wrong(tmp_path: Path) -> None:
    certifier = Certifier(make_settings(tmp_path, tmp_path / "none"))
    run_pass(certifier, time.time_ns())
    report = report_of(tmp_path)
    assert (1, [], []) == (report.passes, report.faults, report.days_late)
    assert report.report_fault is None


def test_what_fails_is_reported_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("BOOKTAPE__STORAGE__REGION", "eu-central-1")
    monkeypatch.setenv("BOOKTAPE__STORAGE__ENDPOINT_URL", "http://127.0.0.1:9")
    settings = make_settings(tmp_path, tmp_path)
    storage = Storage("s3://bucket/prefix", "eu-central-1", "http://127.0.0.1:9")
    certifier = Certifier(msgspec.structs.replace(settings, storage=storage))
    now_ns = time.time_ns()
    run_pass(certifier, now_ns)
    report = report_of(tmp_path)
    assert "is unreadable" in report.faults[0]
    assert report.next_pass_ts is not None
    assert report.next_pass_ts <= now_ns + HOUR_NS


def test_a_damaged_day_of_long_ago_is_late(tmp_path: Path) -> None:
    tape = make_sample(tmp_path)
    next((tape / "tape/trades/exchange=bitvavo").rglob("*.parquet")).write_bytes(b"PAR1")
    certifier = Certifier(make_settings(tmp_path, tape))
    run_pass(certifier, time.time_ns())
    report = report_of(tmp_path)
    assert ["bitvavo 2026-09-21"] == report.days_late
    assert "is damaged" in report.faults[0]
    assert 1 == report.certified


def test_a_pass_that_cannot_be_begun_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var/certify").write_text("in the way")
    certifier = Certifier(make_settings(tmp_path, tmp_path))
    certifier.step(time.time_ns())
    assert "a pass could not be begun" in report_of(tmp_path).faults[0]


def test_its_end_is_its_childs(tmp_path: Path) -> None:
    tape = make_sample(tmp_path)
    certifier = Certifier(make_settings(tmp_path, tape))
    certifier.step(time.time_ns())
    child = certifier._child
    assert child is not None
    certifier._end()
    assert child.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)
