"""What is not well breaches an alarm after an hour, what is well breaches none."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from services.operator.box.figures import find_figures
from services.operator.health.health import Health, Process
from services.operator.health.silences import Silence
from services.operator.health.trouble import Code
from services.operator.health.troubles import find_troubles
from shared.process.status import VERSION, ProcessReport, ServiceReport
from tests.deploy.templates import resources
from tests.support.healths import (
    TS,
    S,
    make_certifier,
    make_feed,
    make_health,
    make_journal,
    make_program,
    make_sink,
    make_writer,
)

HOUR_MIN = 60
FLUSH_INTERVAL_S = 300.0
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"Maximum": max, "Minimum": min}
ALARMS = [
    alarm["Properties"]
    for alarm in resources("collector", "AWS::CloudWatch::Alarm").values()
    if alarm["Properties"]["Namespace"] != "AWS/EC2"
]
OTHER = ProcessReport(version=VERSION + 1, process="x", pid=11, ts_start=TS - S, ts_written=TS - S)


def find_breached(minutes: Sequence[dict[str, float]]) -> set[str]:
    """Return the alarms that are in alarm at the end, of one reading of figures a minute."""
    return {alarm["MetricName"] for alarm in ALARMS if _is_breached(alarm, minutes)}


def _is_breached(alarm: dict[str, Any], minutes: Sequence[dict[str, float]]) -> bool:
    each = alarm["Period"] // 60
    periods = [minutes[at : at + each] for at in range(0, len(minutes), each)]
    is_breaching = []
    for period in periods[-alarm["EvaluationPeriods"] :]:
        values = [one[alarm["MetricName"]] for one in period if alarm["MetricName"] in one]
        if values:
            value = STATISTICS[alarm["Statistic"]](values)
            breaches = COMPARE[alarm["ComparisonOperator"]](value, alarm["Threshold"])
        else:
            breaches = alarm["TreatMissingData"] == "breaching"
        is_breaching.append(breaches)
    return all(is_breaching)


def read(health: Health, *, upload_age_s: float = 0.0) -> dict[str, float]:
    """Return what one reading publishes."""
    writer = next(process.writer for process in health.processes if process.name == "buffer_writer")
    return find_figures(
        health,
        writer,
        flush_interval_s=FLUSH_INTERVAL_S,
        disk_used_percent=40.0,
        upload_age_s=upload_age_s,
    )


def of_feed(**values: Any) -> Health:
    return make_health(make_feed(**values), make_feed("btcturk"), make_writer())


def of_writer(**values: Any) -> Health:
    return make_health(make_feed(), make_feed("btcturk"), make_writer(**values))


def of_process(**changes: Any) -> Health:
    return make_health(replace(make_feed(), **changes), make_feed("btcturk"), make_writer())


def of_sink(**values: Any) -> Health:
    return replace(make_health(), programs=[make_sink(**values)])


def of_program(program: Process) -> Health:
    return replace(make_health(), programs=[program])


UNCALLED = ServiceReport(
    version=VERSION,
    process="dashboard",
    pid=13,
    ts_start=0,
    ts_written=TS,
    call_error="hooks.example does not answer",
    call_error_since=TS - 3600 * S,
)
# Only who looks again and again can tell; where nothing can be looked at there are no figures.
UNSEEN = {"look-late"}
AWAY = Silence(exchange="bitvavo", until=TS + 3600 * S, ts=TS)
NOTHING = replace(
    make_health(*[replace(one, is_running=False) for one in make_health().processes]),
    supervisor_pid=None,
)
LOST = replace(make_health(), supervisor_pid=None, is_supervisor_lost=True)
TROUBLES: dict[Code, Health] = {
    "nothing-runs": NOTHING,
    "supervisor-deaf": replace(make_health(), supervisor_pid=None, supervisor_deaf_pid=4711),
    "session-refused": of_feed(sessions_refused=["x"]),
    "journal-unheard": of_writer(sessions={}),
    "upload-late": of_writer(oldest_flush_ts=TS - 7200 * S),
    "flush-conflict": make_health(conflicts=1),
    "config-fault": of_process(is_running=False, program_state="EXITED", program_exitstatus=78),
    "stopped": of_process(is_running=False, program_state="STOPPED"),
    "starting": of_process(is_running=False, program_state="STARTING"),
    "failing-to-start": of_process(is_running=False, program_state="BACKOFF"),
    "unsupervised": of_process(is_running=False, program_state=None),
    "supervisor-lost": LOST,
    "orphan": of_process(parent_pid=1),
    "report-missing": of_process(report_age_s=60.0),
    "report-foreign": of_process(report=OTHER),
    "release-differs": of_feed(release="0.0.9+g0123456789ab"),
    "feed-disk-full": of_feed(state="disk_full"),
    "exchange-unreachable": of_feed(state="connecting", unreachable_since=TS - 16 * S, live=0),
    "feed-not-live": of_feed(state="degraded", live=1, waiting=["A-EUR", "B-EUR"]),
    "rate-limited": of_feed(rate_limited_until=TS + 30 * S),
    "journal-failing": of_feed(journal_error="no space"),
    "symbols-refused": of_feed(refused=["X-EUR"]),
    "messages-malformed": of_feed(malformed_channels=["trades"]),
    "audits-missing": of_feed(audits_missing_since=TS - 3601 * S),
    "upload-failing": of_writer(upload_error="no such bucket"),
    "session-held": of_writer(held_sessions={"x": "newer"}),
    "writer-disk-full": of_writer(state="disk_full"),
    "clock-unsynchronised": of_feed(clock_synchronised=False, clock_error_s_max=16.0),
    "flush-failing": of_writer(flush_error="no space"),
    "sink-failing": of_sink(error="no answer in time"),
    "sink-refused": of_sink(error="answers 404", is_refused=True),
    "sink-rows-met": of_sink(rows_met=2),
    "certify-failing": of_program(make_certifier(faults=["damaged"])),
    "report-failing": of_program(make_certifier(report_fault="no space")),
    "day-uncertified": of_program(make_certifier(days_late=["bitvavo 2026-11-22"])),
    "call-failing": of_program(make_program(report=UNCALLED)),
    "journal-undelivered": make_health(
        make_feed("btcturk"), make_writer(), journals=[make_journal(owner_pid=None)]
    ),
}
WELL: dict[str, Health] = {
    "all of it": make_health(),
    "one exchange alone": make_health(make_feed(), make_writer()),
    "a handover": make_health(
        make_feed(), make_feed(line="b", state="live"), make_feed("btcturk"), make_writer()
    ),
    "a feed that is disabled": of_feed(state="disabled", symbols=0, live=0),
    "an exchange that has announced maintenance": replace(
        of_feed(state="connecting", unreachable_since=TS - 16 * S, live=0), silences=[AWAY]
    ),
    "a certifier that waits": of_program(make_certifier()),
    "a sink that catches up": of_sink(state="feeding", flushes_due=300),
    "a clock of which nothing is known": of_feed(clock_synchronised=None),
    "a clock that a simulated exchange shares": of_feed(
        clock_synchronised=False, is_on_loopback=True
    ),
    "journals on their way": make_health(journals=[make_journal()]),
    "a cell": make_health(
        make_feed(line="tokyoa"),
        make_writer(sessions={"20260101T000000.000000Z-bitvavo-tokyoa": (0, 1)}),
    ),
}


def test_every_trouble_that_there_is_is_tried() -> None:
    assert set(get_args(Code)) == TROUBLES.keys() | UNSEEN


def test_where_nothing_can_be_looked_at_somebody_is_called() -> None:
    assert set() != find_breached(HOUR_MIN * [{}])


@pytest.mark.parametrize("code", TROUBLES)
def test_a_trouble_of_an_hour_breaches_an_alarm(code: Code) -> None:
    health = TROUBLES[code]
    assert code in {trouble.code for trouble in find_troubles(health)}
    assert "Troubles" in find_breached(HOUR_MIN * [read(health)])


@pytest.mark.parametrize("name", WELL)
def test_what_is_well_breaches_none(name: str) -> None:
    assert [] == find_troubles(WELL[name])
    assert set() == find_breached(HOUR_MIN * [read(WELL[name])])


def test_a_silence_hides_no_feed_that_died() -> None:
    dead = replace(of_process(is_running=False, program_state="BACKOFF"), silences=[AWAY])
    assert {"Troubles", "FeedsDown"} == find_breached(HOUR_MIN * [read(dead)])


def test_a_trouble_that_passes_calls_nobody() -> None:
    well, starting = read(make_health()), read(TROUBLES["starting"])
    minutes = [*46 * [well], *14 * [{**well, "Troubles": starting["Troubles"]}]]
    assert set() == find_breached(minutes)
    assert {"Troubles"} == find_breached([*minutes, {**well, "Troubles": 1.0}])


@pytest.mark.parametrize(
    ("upload_age_s", "breached"), [(0.0, False), (1500.0, False), (2100.0, True)]
)
def test_uploads_that_fail_call_somebody_though_flushes_are_committed(
    upload_age_s: float, *, breached: bool
) -> None:
    found = find_breached(HOUR_MIN * [read(make_health(), upload_age_s=upload_age_s)])
    assert ({"UploadAgeSeconds"} if breached else set()) == found


@pytest.mark.parametrize(
    ("values", "is_down"),
    [
        ({"state": "degraded", "symbols": 10, "live": 9, "refused": ["X"]}, False),
        ({"state": "degraded", "symbols": 10, "live": 9, "waiting": ["X"]}, False),
        ({"state": "degraded", "symbols": 10, "live": 8, "waiting": ["X", "Y"]}, True),
        ({"state": "degraded", "symbols": 1, "live": 0, "refused": ["X"]}, True),
        ({"state": "connecting", "symbols": 10, "live": 0}, True),
    ],
)
def test_a_feed_is_down_without_most_of_what_its_exchange_does_not_refuse(
    values: dict[str, Any], *, is_down: bool
) -> None:
    breached = find_breached(HOUR_MIN * [read(of_feed(**values))])
    assert is_down == ("FeedsDown" in breached)


def test_a_box_that_says_nothing_calls_somebody() -> None:
    assert {"FlushPeriodsMissed", "FeedsDown"} == find_breached(HOUR_MIN * [{}])
