from msgspec.structs import replace

from services.operator.commands.progress import Progress, format_line
from shared.process.status import ServiceReport
from tests.support.healths import TS, S, make_feed, make_health, make_program, make_writer


def look(*looks: tuple[float, object]) -> list[str]:
    said: list[str] = []
    progress = Progress(said.append, hint="Try this.")
    for age_s, feed in looks:
        progress.look(make_health(feed, make_writer()), age_s)  # type: ignore[arg-type]
    return [line for line in said if "writer" not in line]


def test_a_line_says_how_all_stands() -> None:
    line = format_line(make_health())
    assert line.endswith(
        "  bitvavo live 3/3, 91.7/s | btcturk live 3/3, 91.7/s | "
        "writer 56,789 rows held, flush 12 s ago, spool 0 B"
    )


def test_a_line_says_what_does_not_report_or_has_not_flushed() -> None:
    silent = replace(make_feed(), report_age_s=None)
    starting = replace(make_writer(), is_running=False, report_age_s=None)
    assert "bitvavo silent | writer starting" in format_line(make_health(silent, starting))
    stopped = replace(starting, program_state="STOPPED")
    assert "bitvavo silent | writer stopped" in format_line(make_health(silent, stopped))
    young = make_writer(last_flush_ts=None)
    assert "no flush yet" in format_line(make_health(make_feed(), young))


def test_lines_come_often_at_first_and_then_seldom() -> None:
    said: list[str] = []
    progress = Progress(said.append, hint="")
    ages: list[int] = []
    for age_s in range(180):
        progress.look(make_health(), float(age_s))
        ages += [age_s] * (len(said) - len(ages))
    assert [*range(2, 63, 5), 92, 122, 152] == ages


def test_an_exchange_that_cannot_be_reached_is_told_once_with_what_to_try() -> None:
    away = make_feed(state="connecting", unreachable_since=TS - 15 * S, last_error="refused")
    said = look((1, away), (2, away), (20, away), (21, make_feed()), (22, away))
    told = "bitvavo has been unreachable for 15 s: refused\n  the feed keeps trying. Try this."
    assert [told, "bitvavo is reachable again", told] == said


def test_a_short_outage_is_not_told() -> None:
    away = make_feed(unreachable_since=TS - 14 * S)
    assert [] == look((1, away), (2, make_feed()))


def test_a_trouble_is_told_once_if_it_lasts() -> None:
    two, one = make_feed(state="degraded", live=2), make_feed(state="degraded", live=1)
    well = make_feed()
    told = "! ingest_bitvavo-a is degraded: 1 of 3 books live; the feed recovers by itself"
    assert [told] == look((2, two), (10, two), (15, one), (20, two), (25, two))
    assert [] == look((10, two), (15, well), (20, two), (25, well))
    lasts = [(10, one), (15, one), (20, well), (25, one), (30, one)]
    assert [told, told] == look(*lasts)


def test_the_page_is_told_once_and_again_where_it_moved() -> None:
    said: list[str] = []
    progress = Progress(said.append, hint="")
    other = make_program(
        report=ServiceReport(
            process="dashboard", pid=13, ts_start=0, ts_written=TS, address="http://x/"
        )
    )
    before = replace(make_program(), pid=99)  # which has not reported yet
    for program in (
        make_program("mute", report=None),
        before,
        make_program(),
        make_program(),
        other,
    ):
        progress.look(replace(make_health(), programs=[program]), 0.0)
    assert ["  the page:     http://127.0.0.1:8600/", "  the page:     http://x/"] == said
