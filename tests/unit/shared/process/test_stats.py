"""Counters, and how fast one of them grows."""

import pytest
from msgspec.structs import asdict

from shared.process.stats import RATE_WINDOW_S, Rate, WriterCounters


def test_all_that_a_writer_counts_begins_at_zero_or_never_was() -> None:
    assert {0, None} == set(asdict(WriterCounters()).values())


def test_a_rate_is_taken_over_the_window() -> None:
    rate, now_s, total = Rate(now_s=100.0), 100.0, 0
    for _ in range(30):
        now_s, total = now_s + 1.0, total + 8
        rate.measure(total, now_s=now_s)
    assert 8.0 == rate.measure(total, now_s=now_s)
    for _ in range(int(RATE_WINDOW_S)):
        now_s += 1.0
        rate.measure(total, now_s=now_s)
    assert 0.0 == rate.measure(total, now_s=now_s)


def test_a_rate_follows_a_change_within_the_window() -> None:
    rate = Rate(now_s=0.0)
    rate.measure(0, now_s=RATE_WINDOW_S)
    rate.measure(60, now_s=1.5 * RATE_WINDOW_S)
    assert 60 / RATE_WINDOW_S == rate.measure(60, now_s=2 * RATE_WINDOW_S)


def test_a_process_just_started_has_no_rate() -> None:
    assert Rate(now_s=5.0).measure(1, now_s=5.0) is None


def test_samples_are_few_however_often_it_is_measured() -> None:
    rate = Rate(now_s=0.0)
    rates = [rate.measure(number, now_s=number / 100) for number in range(1, 3_001)]
    assert len(rate._samples) <= RATE_WINDOW_S + 2
    assert pytest.approx(100.0, rel=0.01) == rates[-1]
