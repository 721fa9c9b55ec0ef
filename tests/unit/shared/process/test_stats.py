import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from typing_extensions import override

from shared.process.stats import RATE_WINDOW_S, Stats, read


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stats(clock: Clock) -> Stats:
    times: Iterator[int] = count(1_000)
    return Stats("ingest_bitvavo", clock_ns=lambda: next(times), monotonic_s=clock)


def test_counters_add_up_and_gauges_are_replaced(stats: Stats) -> None:
    stats.count("messages")
    stats.count("messages", 4)
    stats.gauge("state", "connecting")
    stats.gauge("state", "live")
    stats.gauge("ts_last", None)
    report = stats.report()
    assert {"messages": 5} == report.counters
    assert {"state": "live", "ts_last": None} == report.gauges


def test_a_report_says_whose_it_is_and_when_it_was_written(stats: Stats) -> None:
    report = stats.report()
    assert ("ingest_bitvavo", os.getpid(), 1_000, 1_001) == (
        report.process,
        report.pid,
        report.ts_start,
        report.ts_written,
    )


def test_a_rate_is_taken_over_the_window(stats: Stats, clock: Clock) -> None:
    for _ in range(30):
        clock.now_s += 1.0
        stats.count("messages", 8)
        stats.report()
    assert {"messages": 8.0} == stats.report().rates
    for _ in range(int(RATE_WINDOW_S)):
        clock.now_s += 1.0
        stats.report()
    assert {"messages": 0.0} == stats.report().rates


def test_a_rate_follows_a_change_within_the_window(stats: Stats, clock: Clock) -> None:
    clock.now_s += RATE_WINDOW_S
    stats.report()
    clock.now_s += RATE_WINDOW_S / 2
    stats.count("messages", 60)
    stats.report()
    clock.now_s += RATE_WINDOW_S / 2
    assert {"messages": 60 / RATE_WINDOW_S} == stats.report().rates


def test_a_process_just_started_has_no_rate(stats: Stats) -> None:
    stats.count("messages")
    assert {} == stats.report().rates


def test_samples_are_few_however_often_it_reports(stats: Stats, clock: Clock) -> None:
    for _ in range(3_000):
        clock.now_s += 0.01
        stats.count("messages")
        stats.report()
    assert len(stats._samples) <= RATE_WINDOW_S + 2
    assert pytest.approx(100.0, rel=0.01) == stats.report().rates["messages"]


def test_a_count_is_not_lost_in_the_middle_of_another(stats: Stats) -> None:
    other = Thread(target=stats.count, args=("messages", 4))

    class Slow(int):
        """An amount during whose addition another thread counts, as far as it may."""

        @override
        def __radd__(self, value: int) -> int:
            other.start()
            other.join(timeout=0.1)
            return value + int(self)

    stats.count("messages", Slow(3))
    other.join()
    assert 7 == stats.report().counters["messages"]


def test_what_is_written_is_read(stats: Stats, clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "ingest_bitvavo.json"
    stats.count("messages", 3)
    stats.gauge("state", "live")
    clock.now_s += 1.5
    stats.write(path)
    report = read(path)
    assert report is not None
    assert ({"messages": 3}, {"messages": 2.0}, {"state": "live"}) == (
        report.counters,
        report.rates,
        report.gauges,
    )


def test_nothing_written_or_nothing_readable_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "none.json") is None
    (tmp_path / "other.json").write_bytes(msgspec.json.encode({"process": 5}))
    assert read(tmp_path / "other.json") is None
    for data in (b'{"process":', b'{"process":"\xff"', b'{"x":' * 100_000):
        (tmp_path / "torn.json").write_bytes(data)
        assert read(tmp_path / "torn.json") is None
