"""All metrics together."""

from math import isnan

from msgspec.structs import replace

from booktape.release import RELEASE, VERSION
from services.operator.health.health import Health
from services.operator.metrics.exposition import format_text
from services.operator.metrics.metrics import CODES, collect
from services.operator.metrics.usage import Usage
from tests.support.healths import TS, make_feed, make_health, make_program, make_writer
from tests.support.metrics import Samples, read_samples, read_text


def measure(pid: int | None) -> Usage:
    return Usage(pid / 2, pid, pid + 1) if pid else Usage()


def samples_of(health: Health) -> Samples:
    return read_samples(collect(health, measure=measure))


def test_no_series_is_there_twice_and_all_of_it_is_text() -> None:
    health = replace(make_health(), programs=[make_program()])
    samples = samples_of(health)
    text = read_text(format_text(collect(health, measure=measure)))
    assert samples.keys() == text.keys()
    assert all(name == name.lower() for name, _ in samples)
    labels = {name for _, pairs in samples for name, _ in pairs}
    assert not labels & {"symbol", "session"}  # their number has no bound


def test_a_trouble_is_counted_under_its_code() -> None:
    samples = samples_of(make_health(make_feed(state="disk_full"), make_writer()))
    assert 1 == samples.of("troubles")
    assert 1 == samples.of("trouble", code="feed-disk-full")
    assert 1 == sum(samples.of("trouble", code=code) for code in CODES)
    assert 0 == samples_of(make_health()).of("troubles")


def test_each_process_says_which_release_it_runs() -> None:
    feed = make_feed(release="0.0.9+gabc")
    samples = samples_of(make_health(feed, make_writer()))
    assert 1 == samples.of("build_info", process="", version=VERSION, release=RELEASE)
    assert 1 == samples.of(
        "build_info", process="ingest_bitvavo-a", version="0.0.9", release="0.0.9+gabc"
    )


def test_each_process_says_what_it_takes() -> None:
    health = replace(make_health(), programs=[make_program(pid=14)])
    samples = samples_of(health)
    for name, pid in (("buffer_writer", 12), ("dashboard", 14), ("supervisord", 10)):
        assert pid / 2 == samples.of("process_cpu_seconds_total", process=name)
        assert pid == samples.of("process_resident_memory_bytes", process=name)
        assert pid + 1 == samples.of("process_proportional_memory_bytes", process=name)
    assert TS / 1e9 - 7200 == samples.of("process_start_time_seconds", process="dashboard")


def test_a_process_is_up_that_runs_and_reports() -> None:
    programs = [make_program(), make_program("mute", report=None, report_age_s=None)]
    health = replace(make_health(), programs=programs)
    for name in ("ingest_bitvavo-a", "buffer_writer", "dashboard", "mute"):
        assert 1 == samples_of(health).of("process_up", process=name)
    late = replace(make_feed(), report_age_s=9.0)
    dead = replace(make_writer(), is_running=False, pid=None, report=None, report_age_s=None)
    samples = samples_of(make_health(late, dead))
    assert 0 == samples.of("process_up", process="ingest_bitvavo-a")
    assert 0 == samples.of("process_up", process="buffer_writer")
    assert isnan(samples.of("process_report_age_seconds", process="buffer_writer"))
    assert 0 == samples.of("process_start_time_seconds", process="buffer_writer")


def test_whether_supervisord_answers_is_said() -> None:
    assert 1 == samples_of(make_health()).of("supervisor_up")
    assert 0 == samples_of(replace(make_health(), supervisor_pid=None)).of("supervisor_up")
