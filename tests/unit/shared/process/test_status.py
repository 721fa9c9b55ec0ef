"""Reports: written by one release, read by it and by others."""

import os
from itertools import count
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import asdict

from booktape.release import RELEASE
from shared.process.status import (
    VERSION,
    IngestReport,
    ProcessReport,
    StatusFile,
    WriterReport,
    read,
    read_head,
)
from tests.support.healths import make_ingest_report, make_writer_report

# What the release before the first version wrote.
UNVERSIONED = {
    "process": "buffer_writer",
    "pid": 7,
    "ts_start": 1,
    "ts_written": 2,
    "counters": {"frames": 3},
    "rates": {},
    "gauges": {"state": "running"},
}


@pytest.mark.parametrize("report", [make_ingest_report(), make_writer_report()])
def test_what_is_written_is_read(tmp_path: Path, report: ProcessReport) -> None:
    path = tmp_path / "status" / "one.json"
    StatusFile(path, "one", clock_ns=lambda: 5).write(report)
    assert report == read(path, type(report))


def test_a_report_says_whose_it_is_and_when_it_was_written(tmp_path: Path) -> None:
    times = count(1_000)
    file = StatusFile(tmp_path / "one.json", "one", clock_ns=lambda: next(times))
    for written in (1_001, 1_002):
        expected = ProcessReport(
            version=VERSION,
            process="one",
            pid=os.getpid(),
            ts_start=1_000,
            ts_written=written,
            release=RELEASE,
        )
        assert expected == ProcessReport(**file.head())


@pytest.mark.parametrize("report", [make_ingest_report(), make_writer_report()])
def test_keys_of_a_newer_release_are_ignored(tmp_path: Path, report: ProcessReport) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(msgspec.json.encode({**msgspec.to_builtins(report), "news": [{"a": 1}]}))
    assert report == read(path, type(report))


@pytest.mark.parametrize(
    "other", [UNVERSIONED, {**UNVERSIONED, "version": VERSION + 1, "frames": "many"}]
)
def test_of_a_report_of_another_version_the_head_is_read(
    tmp_path: Path, other: dict[str, object]
) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(msgspec.json.encode(other))
    assert read(path, WriterReport) is None
    head = read_head(path)
    assert head is not None
    expected = {"version": 1, "release": None, **other}
    assert asdict(head) == {name: expected[name] for name in asdict(head)}


def test_a_report_of_another_version_is_not_read_however_familiar_it_looks(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(msgspec.json.encode(make_writer_report(version=VERSION + 1)))
    assert read(path, WriterReport) is None
    head = read_head(path)
    assert head is not None
    assert VERSION + 1 == head.version


def test_nothing_written_or_nothing_readable_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    assert read(path, IngestReport) is None
    cut = msgspec.json.encode({**asdict(read_report()), "version": VERSION})
    for data in (b'{"process":5}', b'{"process":', b'{"process":"\xff"', b'{"x":' * 100_000, cut):
        path.write_bytes(data)
        assert read(path, IngestReport) is None


def read_report() -> ProcessReport:
    """Return a head without all that an ingest says."""
    return ProcessReport(version=VERSION, process="one", pid=1, ts_start=1, ts_written=2)
