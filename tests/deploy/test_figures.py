import runpy

import pytest
from msgspec.structs import replace

from shared.process.status import WriterReport
from tests.support.healths import make_feed, make_health, make_writer, make_writer_report
from tests.support.paths import ROOT

FIGURES = runpy.run_path(str(ROOT / "deploy" / "host" / "figures.py"))
S = 1_000_000_000


def find(*processes: object, writer: WriterReport | None = None) -> dict[str, float]:
    health = replace(make_health(*processes), ts=1000 * S, spool_bytes=70, journals=[])  # type: ignore[arg-type]
    found: dict[str, float] = FIGURES["find_figures"](
        health, writer, flush_interval_s=100.0, disk_used_percent=12.5
    )
    return found


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
    starting = make_feed(line="b", state="connecting")
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
