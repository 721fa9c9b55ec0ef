from msgspec.structs import replace

from services.operator.metrics.sinks import METRICS, collect_sinks
from tests.support.healths import TS, S, make_health, make_program, make_sink
from tests.support.metrics import read_samples


def test_a_sink_s_figures_are_those_of_its_report() -> None:
    sink = make_sink(rows=7, requests=3, failures=2, rows_met=1, flushes_due=4, error="busy")
    found = read_samples(collect_sinks(replace(make_health(), programs=[sink])))
    expected = {
        "sink_rows_total": 7,
        "sink_requests_total": 3,
        "sink_failures_total": 2,
        "sink_rows_met_total": 1,
        "sink_failing": 1,
        "sink_flushes_due": 4,
        "sink_last_timestamp_seconds": (TS - 300 * S) / S,
    }
    assert expected == {name: found.pull(name, sink="influx") for name in expected}
    assert not found


def test_each_is_there_before_a_sink_has_reported() -> None:
    silent = make_program("sink_influx", report=None)
    other = make_program("dashboard")
    found = read_samples(collect_sinks(replace(make_health(), programs=[silent, other])))
    assert {metric.name: 0.0 for metric in METRICS} == {
        metric.name: found.pull(metric.name, sink="influx") for metric in METRICS
    }
    assert not found
