import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.operator.box.figures import (
    find_figures,
    find_upload_age_s,
    find_used_percent,
)
from services.operator.health.health import Process
from shared.process.status import WriterReport
from tests.support.healths import make_feed, make_health, make_writer, make_writer_report

S = 1_000_000_000


def find(*processes: Process, writer: WriterReport | None = None) -> dict[str, float]:
    health = replace(make_health(*processes), ts=1000 * S, spool_bytes=70, journals=[])
    return find_figures(
        health, writer, flush_interval_s=100.0, disk_used_percent=12.5, upload_age_s=8.0
    )


def make_report(*, start_s: int, flush_s: int | None) -> WriterReport:
    flushed = None if flush_s is None else flush_s * S
    return make_writer_report(ts_start=start_s * S, ts_written=999 * S, last_flush_ts=flushed)


def test_what_waits_and_how_full_the_disk_is_are_told() -> None:
    found = find(make_feed(), make_writer())
    assert (70.0, 12.5) == (found["BytesWaiting"], found["DiskUsedPercent"])


def test_a_feed_that_is_not_live_is_down() -> None:
    assert 0.0 == find(make_feed())["FeedsDown"]
    stopped = replace(make_feed(), is_running=False)
    assert 1.0 == find(stopped)["FeedsDown"]
    other = replace(stopped, exchange="btcturk")
    assert 1.0 == find(make_feed(), other)["FeedsDown"]
    assert 2.0 == find(stopped, other)["FeedsDown"]


def test_a_feed_is_not_down_while_one_of_its_lines_is_live() -> None:
    starting = make_feed(line="b", state="connecting", live=0)
    assert 0.0 == find(make_feed(), starting)["FeedsDown"]
    assert 1.0 == find(starting)["FeedsDown"]


@pytest.mark.parametrize(
    ("start_s", "flush_s", "periods"), [(0, 950, 0.5), (0, 600, 4.0), (980, None, 0.2)]
)
def test_periods_without_a_flush_are_counted_from_the_last_one_or_the_start(
    start_s: int, flush_s: int | None, periods: float
) -> None:
    found = find(writer=make_report(start_s=start_s, flush_s=flush_s))
    assert periods == pytest.approx(found["FlushPeriodsMissed"])


def test_a_writer_that_never_said_anything_has_no_figure() -> None:
    assert "FlushPeriodsMissed" not in find()


def test_a_disk_is_somewhere_between_empty_and_full(tmp_path: Path) -> None:
    assert 0 < find_used_percent(tmp_path) <= 100


def test_troubles_are_counted_and_how_long_the_oldest_upload_waits_is_told() -> None:
    assert (0.0, 8.0) == tuple(find()[name] for name in ("Troubles", "UploadAgeSeconds"))
    assert 1.0 == find(make_feed(refused=["X-EUR"]), make_writer())["Troubles"]


def test_the_oldest_flush_that_waits_is_the_one_that_counts(tmp_path: Path) -> None:
    assert 0.0 == find_upload_age_s(tmp_path, 1000 * S)
    for name, ts in (("a.json", 400), ("b.json", 700), ("a.parquet", 100)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(ts * S, ts * S))
    (tmp_path / "conflict").mkdir()  # what is set aside is a trouble of its own
    assert 600.0 == find_upload_age_s(tmp_path, 1000 * S)
    assert 0.0 == find_upload_age_s(tmp_path, 300 * S)  # a clock that was set back
