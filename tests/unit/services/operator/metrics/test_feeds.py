"""Metrics of a feed."""

from math import isnan

from msgspec.structs import replace

from services.operator.health.health import Process
from services.operator.health.silences import Silence
from services.operator.metrics.feeds import KINDS, METRICS, STATES, collect_feeds
from tests.support.healths import TS, S, make_feed, make_health, make_writer
from tests.support.metrics import Samples, read_samples

FEED = {"exchange": "bitvavo", "line": "a"}


def collect(*processes: Process) -> Samples:
    return read_samples(collect_feeds(make_health(*processes)))


def test_a_feed_that_never_reported_has_every_series_at_0() -> None:
    silent = replace(make_feed(), report=None, report_age_s=None, is_running=False)
    samples = collect(silent, make_writer())
    delay = samples.pull("feed_delay_seconds", **FEED)
    assert isnan(delay)
    assert 1 == samples.pull("feed_state", **FEED, state="starting")
    assert {0.0} == set(samples.values())
    others = len(METRICS) - 4
    assert len(STATES) - 1 + 3 + len(KINDS) + others == len(samples)
    living = collect(make_feed(), make_writer())
    assert {*samples, *living} - {*living} == set()


def test_each_state_is_a_series_of_which_one_is_1() -> None:
    samples = collect(make_feed(state="degraded"))
    states = {state: samples.of("feed_state", **FEED, state=state) for state in STATES}
    assert ["degraded"] == [state for state, value in states.items() if value]


def test_every_kind_of_incident_is_there_with_its_rows() -> None:
    samples = collect(make_feed(kinds={"gap": 2, "audit": 7}))
    assert 2 == samples.of("feed_incidents_total", **FEED, kind="gap")
    assert 7 == samples.of("feed_incidents_total", **FEED, kind="audit")
    assert 0 == samples.of("feed_incidents_total", **FEED, kind="mismatch")


def test_the_figures_are_those_of_the_report() -> None:
    feed = make_feed(
        refused=["X-Y"],
        rate_limited_until=TS + S,
        received_bytes=12_345,
        delay_ns=20_000_000,
        last_data_ts=TS,
    )
    samples = collect(feed, make_writer())
    expected = {
        "feed_messages_total": 660_000,
        "feed_received_bytes_total": 12_345,
        "feed_rate_limited": 1,
        "feed_delay_seconds": 0.02,
        "feed_last_data_timestamp_seconds": TS / 1e9,
        "feed_unsynced_events": 10,
        "feed_unstored_events": 10_000,  # 600,000 less what the writer has committed
    }
    assert expected == {name: samples.of(name, **FEED) for name in expected}
    assert [3, 3, 1] == [
        samples.of("feed_symbols", **FEED, state=state) for state in ("wanted", "live", "refused")
    ]


def test_a_ban_that_is_over_is_none() -> None:
    samples = collect(make_feed(rate_limited_until=TS - S))
    assert 0 == samples.of("feed_rate_limited", **FEED)


def test_without_a_writer_all_that_the_journal_has_is_unstored() -> None:
    assert 10_000 == collect(make_feed()).of("feed_unstored_events", **FEED)
    writer = make_writer(sessions={make_feed().report.session: (600_001, 600_001)})  # type: ignore[union-attr]
    assert 0 == collect(make_feed(), writer).of("feed_unstored_events", **FEED)


def test_a_hole_that_the_writer_found_is_one_of_its_feed() -> None:
    session = "20260101T000000.000000Z-bitvavo-a"
    samples = collect(make_feed(), make_feed("btcturk"), make_writer(journal_holes={session: 2}))
    assert 2 == samples.of("feed_incidents_total", **FEED, kind="journal_hole")
    other = {"exchange": "btcturk", "line": "a", "kind": "journal_hole"}
    assert 0 == samples.of("feed_incidents_total", **other)


def test_a_silence_is_a_figure_of_each_line_of_its_exchange() -> None:
    away = Silence(exchange="bitvavo", until=TS + S, ts=TS)
    health = make_health(make_feed(), make_feed("btcturk"), make_writer())
    samples = read_samples(collect_feeds(replace(health, silences=[away])))
    assert 1 == samples.of("feed_silenced", **FEED)
    assert 0 == samples.of("feed_silenced", exchange="btcturk", line="a")
