"""Metrics of the writer."""

from msgspec.structs import replace

from services.operator.health.health import Health
from services.operator.metrics.writing import METRICS, collect_writing
from tests.support.healths import TS, S, make_feed, make_health, make_writer
from tests.support.metrics import Samples, read_samples


def collect(health: Health) -> Samples:
    return read_samples(collect_writing(health))


def test_a_writer_that_never_reported_has_every_series_at_0() -> None:
    samples = collect(make_health(make_feed(), replace(make_writer(), report=None)))
    assert {(metric.name, frozenset()) for metric in METRICS} == set(samples)
    assert {0} == set(samples.values())


def test_the_figures_are_those_of_the_report_and_of_the_spool() -> None:
    writer = make_writer(
        uploads=48,
        upload_bytes=9,
        upload_failures=3,
        upload_error="refused",
        flush_s=1.5,
        held_sessions={"s": "why"},
        oldest_flush_ts=TS - 90 * S,
        disk_size_bytes=2 * 10**10,
        disk_free_min_bytes=5,
    )
    health = replace(make_health(writer), spool_bytes=7, spool_flushes=2, conflicts=1)
    samples = collect(health)
    expected = {
        "writer_rows_total": 9_000_000,
        "writer_flush_seconds_total": 1.5,
        "writer_held_sessions": 1,
        "writer_flush_failing": 0,
        "writer_last_upload_timestamp_seconds": TS / 1e9 - 11,
        "upload_objects_total": 48,
        "upload_bytes_total": 9,
        "upload_failures_total": 3,
        "upload_failing": 1,
        "upload_waiting_seconds": 90,
        "spool_bytes": 7,
        "spool_flushes": 2,
        "spool_conflicts": 1,
        "disk_size_bytes": 2 * 10**10,
        "disk_free_min_bytes": 5,
    }
    assert expected == {name: samples.of(name) for name in expected}


def test_where_no_flush_waits_none_is_late() -> None:
    assert 0 == collect(make_health()).of("upload_waiting_seconds")
