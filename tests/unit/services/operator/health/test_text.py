from typing import Any

import pytest
from msgspec.structs import replace

from booktape.release import RELEASE
from services.operator.health.silences import Silence
from services.operator.health.text import (
    format_age,
    format_bytes,
    format_health,
    format_number,
    since,
)
from tests.support.healths import (
    COUNTS,
    TS,
    S,
    make_feed,
    make_health,
    make_journal,
    make_program,
    make_sink,
    make_writer,
)


def test_one_screen_says_how_everything_stands() -> None:
    text = format_health(make_health(journals=[make_journal()]))
    expected = """\
2027-01-15 08:00:00 UTC   supervisord pid 10   state /state   {release}

feed     state  for  messages/s  last data  live  gaps today  reconnects  journal
bitvavo  live   2 h  91.7        1 s ago    3/3   2           1           1.2 MB
btcturk  live   2 h  91.7        1 s ago    3/3   2           1           0 B

writer   running, 1,234 rows/s, 56,789 rows held, last flush 12 s ago (500,000 rows)
spool    0 B in 0 flushes, last upload 11 s ago

all well"""
    assert expected.replace("{release}", RELEASE) == text


def test_a_missing_figure_is_a_dash() -> None:
    feed = make_feed(messages_per_s=None, last_data_ts=None)
    writer = make_writer(rows_per_s=None, last_flush_ts=None, last_upload_ts=None)
    lines = format_health(make_health(feed, writer)).splitlines()
    row = next(line for line in lines if line.startswith("bitvavo"))
    assert ["bitvavo", "live", "2", "h", "-", "-", "3/3", "2", "1", "0", "B"] == row.split()
    assert "writer   running, - rows/s, 56,789 rows held, last flush -" in lines
    assert "spool    0 B in 0 flushes, last upload -" in lines


def test_what_cannot_be_read_is_named_by_reason_the_most_frequent_first() -> None:
    reasons = {"book: no size": 1, "trades: no price": 60}
    counts = replace(COUNTS, malformed_reasons=reasons, unread={"trades side": 2})
    lines = format_health(make_health(make_feed(counts=counts), make_writer())).splitlines()
    named = "trades: no price (60), book: no size (1)"
    assert f"refused  bitvavo sent messages that we cannot read: {named}" in lines
    assert "unread   bitvavo sent values that we cannot read: trades side (2)" in lines


def test_messages_of_kinds_that_nobody_knows_are_named_the_most_frequent_first() -> None:
    assert "unknown" not in format_health(make_health())
    counts = replace(COUNTS, unknown={"candle": 3, "auction": 1200, "bell": 3})
    lines = format_health(make_health(make_feed(counts=counts), make_writer())).splitlines()
    kinds = "auction (1,200), bell (3), candle (3)"
    assert f"unknown  bitvavo sends messages of unknown kinds: {kinds}" in lines


def test_the_clock_is_shown_as_the_kernel_tells_of_it() -> None:
    assert "clock" not in format_health(make_health())
    cases = [
        (True, 0.0123, "synchronised, offset -0.25 ms, at most 12.3 ms off"),
        (False, 16.1, "not synchronised, offset -0.25 ms, at most 16.1 s off"),
    ]
    for word, error_s, said in cases:
        values: dict[str, Any] = {"clock_offset_s": -0.00025, "clock_error_s_max": error_s}
        feed = make_feed(clock_synchronised=word, **values)
        lines = format_health(make_health(feed, make_writer())).splitlines()
        assert f"clock    {said}" in lines


def test_a_process_that_does_not_report_shows_no_old_figures() -> None:
    feed = replace(make_feed(), report_age_s=60.0)
    lines = format_health(make_health(feed, make_writer())).splitlines()
    row = next(line for line in lines if line.startswith("bitvavo"))
    assert ["bitvavo", "silent", *"------", "0", "B"] == row.split()
    silent = replace(make_writer(), report_age_s=None)
    assert "writer   silent\n" in format_health(make_health(make_feed(), silent))


def test_what_is_not_well_is_said_last_with_a_mark() -> None:
    health = make_health(make_feed(line="b", state="disk_full"), make_writer())
    text = format_health(health)
    assert "bitvavo-b  disk_full" in text
    assert text.splitlines()[-1].startswith("! ingest_bitvavo-b has closed its feed")


def test_journals_that_nobody_owns_are_listed() -> None:
    lost = make_journal(owner_pid=None)
    assert f"journal  {lost.session}: 1.2 MB, waits for a feed to adopt it" in format_health(
        make_health(journals=[lost])
    )
    delivered = replace(lost, is_delivered=True)
    assert "adopt" not in format_health(make_health(journals=[delivered]))


def test_without_a_supervisord_it_says_so() -> None:
    health = replace(make_health(), supervisor_pid=None)
    assert "   no supervisord   " in format_health(health)


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_234_567, "1.23 MB"), (5e15, "5e+03 TB")],
)
def test_a_size_has_its_unit(size: float, expected: str) -> None:
    assert expected == format_bytes(size)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-3, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_an_age_has_its_unit(seconds: float, expected: str) -> None:
    assert expected == format_age(seconds)


@pytest.mark.parametrize(
    ("number", "expected"), [(None, "-"), (0, "0"), (12.34, "12.3"), (1234.5, "1,234")]
)
def test_a_figure_is_as_long_as_it_is_worth(number: float | None, expected: str) -> None:
    assert expected == format_number(number)


def test_a_moment_that_never_was_is_a_dash() -> None:
    assert "-" == since(None, TS)
    assert "-" == since(0, TS)
    assert "3 s" == since(TS - 3 * S, TS)


def test_a_sink_says_how_far_it_is() -> None:
    fed, fresh = make_sink(flushes_due=3), make_sink(sink="other", rows=0, last_fed_ts=None)
    lines = format_health(replace(make_health(), programs=[fed, fresh])).splitlines()
    assert "sink     influx: waiting, 1,234,567 rows fed, last 20 s ago, 3 flushes to come" in lines
    assert "sink     other: waiting, 0 rows fed, last -, 0 flushes to come" in lines
    silent = replace(fed, report_age_s=60.0)
    assert "sink     " not in format_health(replace(make_health(), programs=[silent]))


def test_a_silence_is_told_with_what_it_hides() -> None:
    away = Silence(exchange="bitvavo", until=TS + 3600 * S, ts=TS)
    text = format_health(replace(make_health(), silences=[away]))
    assert "silence  bitvavo until 2027-01-15 09:00:00 UTC\n" in text
    gone = make_feed(state="connecting", unreachable_since=TS - 60 * S)
    text = format_health(replace(make_health(gone, make_writer()), silences=[away]))
    assert "silence  bitvavo until 2027-01-15 09:00:00 UTC: exchange-unreachable\n" in text
    assert text.endswith("all well")


def test_where_nobody_is_called_it_is_said() -> None:
    def show(calls: bool | None) -> str:  # noqa: FBT001 (as it is reported)
        report = make_program().report
        assert report is not None
        program = make_program(report=replace(report, calls=calls))
        return format_health(replace(make_health(), programs=[program]))

    assert "\nalerts   nobody is called: [alerts] webhook_url is empty\n" in show(False)  # noqa: FBT003
    assert "alerts" not in show(True)  # noqa: FBT003
    assert "alerts" not in show(None)
