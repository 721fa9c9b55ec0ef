from typing import Any

import pytest
from msgspec.structs import replace

from booktape.release import RELEASE
from services.operator.health.readiness import find_unready
from services.operator.health.silences import Silence
from services.operator.health.troubles import (
    NAMES_MAX,
    find_silenced,
    find_troubles,
    find_unreachable,
    make_late,
)
from shared.process.status import VERSION, ProcessReport, ServiceReport
from tests.support.healths import (
    COUNTS,
    TS,
    S,
    find_sentences,
    make_feed,
    make_health,
    make_journal,
    make_program,
    make_writer,
)


def test_when_all_is_well_there_is_nothing_to_say() -> None:
    assert [] == find_sentences(make_health(journals=[make_journal()]))


def test_where_nothing_runs_one_sentence_says_how_to_start() -> None:
    dead = [replace(process, is_running=False) for process in make_health().processes]
    health = replace(make_health(*dead), supervisor_pid=None)
    assert ["nothing runs; start it with: booktape up"] == find_sentences(health)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"program_state": "EXITED", "program_exitstatus": 78},
            "found a fault in the configuration",
        ),
        ({"program_state": "EXITED", "program_exitstatus": 1}, "supervisord keeps trying"),
        ({"program_state": "STARTING"}, "is starting"),
        ({"program_state": "BACKOFF"}, "see the end of /state/log/ingest_bitvavo.log"),
        ({"program_state": "STOPPED"}, "was stopped; supervisorctl start ingest_bitvavo"),
        ({"program_state": None}, "no supervisord runs it; booktape up"),
    ],
)
def test_a_process_that_does_not_run_is_explained(changes: dict[str, Any], expected: str) -> None:
    stopped = replace(make_feed(), is_running=False, **changes)
    [trouble] = find_sentences(make_health(stopped, make_writer()))
    assert trouble.startswith("ingest_bitvavo-a ")
    assert expected in trouble


def test_an_order_names_the_file_that_it_takes() -> None:
    stopped = replace(make_feed(), is_running=False, program_state="STOPPED")
    health = replace(make_health(stopped, make_writer()), conf="/state/run/supervisor.conf")
    [trouble] = find_sentences(health)
    expected = "was stopped; supervisorctl -c /state/run/supervisor.conf start ingest_bitvavo"
    assert trouble.endswith(expected)


def test_what_a_killed_supervisord_left_behind_is_told() -> None:
    running = [replace(one, program_state=None) for one in make_health().processes]
    line_b = replace(make_feed(line="b"), program_state=None)
    health = replace(make_health(*running, line_b), supervisor_pid=None)
    assert [] == find_sentences(health)  # whoever runs them by hand knows
    troubles = find_sentences(replace(health, is_supervisor_lost=True))
    assert 3 == len(troubles)
    assert troubles[0] == (
        "the supervisord that started ingest_bitvavo-a is gone; nothing would start it again; "
        "kill 11, which drains it, then: booktape up"
    )


def test_what_an_earlier_supervisord_left_in_the_way_is_told() -> None:
    orphan = replace(make_feed(), parent_pid=1, program_state="STARTING")
    own = replace(make_writer(), parent_pid=10)
    [trouble] = find_sentences(make_health(orphan, own))
    assert trouble.startswith("ingest_bitvavo-a is process 11, which an earlier supervisord left")


@pytest.mark.parametrize("age_s", [None, 5.1])
def test_a_process_that_reports_nothing_is_told(age_s: float | None) -> None:
    silent = replace(make_feed(), report_age_s=age_s)
    [trouble] = find_sentences(make_health(silent, make_writer()))
    assert "ingest_bitvavo-a (pid 11) runs but reports nothing" in trouble


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"state": "connecting", "unreachable_since": TS - 16 * S, "last_error": "refused"},
            "bitvavo has been unreachable for 16 s: refused; the feed keeps trying",
        ),
        (
            {"state": "connecting", "unreachable_since": TS - 14 * S},
            "ingest_bitvavo-a is connecting; the feed recovers",
        ),
        ({"state": "disk_full"}, "the disk is full; make room"),
        (
            {"state": "disk_full", "unreachable_since": TS - 16 * S},
            "ingest_bitvavo-a has closed its feed: the disk is full; make room",
        ),
        (
            {"state": "degraded", "live": 1, "waiting": ["A-EUR", "B-EUR"]},
            "ingest_bitvavo-a is degraded: 1 of 3 books live (A-EUR, B-EUR)",
        ),
        ({"rate_limited_until": TS + 30 * S}, "refuses requests for another 30 s"),
        ({"refused": ["X-EUR"]}, "refuses X-EUR; correct [exchanges.bitvavo] symbols"),
        (
            {
                "malformed_channels": ["trades"],
                "counts": replace(
                    COUNTS, malformed_reasons={"book: x": 1, "trades: no price": 60, "?": 2}
                ),
            },
            "ingest_bitvavo-a cannot read many messages (trades): trades: no price; look for",
        ),
        (
            {"audits_missing_since": TS - 3601 * S},
            "bitvavo has answered no audit of a book for an hour; try",
        ),
        ({"journal_error": "no space"}, "cannot write its journal: no space"),
    ],
)
def test_a_feed_says_what_ails_it(values: dict[str, Any], expected: str) -> None:
    [trouble] = find_sentences(make_health(make_feed(**values), make_writer()))
    assert expected in trouble


def test_a_ban_that_is_over_is_no_trouble() -> None:
    feed = make_feed(rate_limited_until=TS - S, unreachable_since=None)
    assert [] == find_sentences(make_health(feed, make_writer()))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"upload_error": "cannot put s3://b/k"},
            "uploads fail: cannot put s3://b/k; the uploader keeps trying",
        ),
        (
            {"oldest_flush_ts": TS - 601 * S, "flush_interval_s": 30.0},
            "a flush has waited 10 min for the store; check the store",
        ),
        (
            {"oldest_flush_ts": TS - 901 * S, "flush_interval_s": 300.0},
            "a flush has waited 15 min for the store",
        ),
        ({"held_sessions": {"s": "frame version 9"}}, "holds back s: frame version 9"),
        ({"state": "disk_full"}, "no room to flush"),
        ({"state": "disk_error", "flush_error": "read-only"}, "cannot flush: read-only"),
    ],
)
def test_the_writer_says_what_ails_it(values: dict[str, Any], expected: str) -> None:
    [trouble] = find_sentences(make_health(make_feed(), make_writer(**values)))
    assert expected in trouble


@pytest.mark.parametrize(("age_s", "flush_interval_s"), [(599, 30.0), (899, 300.0), (-5, 300.0)])
def test_a_flush_may_wait_for_a_while(age_s: int, flush_interval_s: float) -> None:
    writer = make_writer(oldest_flush_ts=TS - age_s * S, flush_interval_s=flush_interval_s)
    assert [] == find_sentences(make_health(make_feed(), writer))


@pytest.mark.parametrize(("age_s", "count"), [(299, 0), (301, 1)])
def test_a_journal_that_its_own_feed_does_not_adopt_is_told(age_s: int, count: int) -> None:
    lost = replace(make_journal(owner_pid=None), written_ts=TS - age_s * S)
    sentences = find_sentences(make_health(journals=[lost]))
    assert count == len(sentences)
    assert all(
        f"nobody delivers the journal of {lost.session}; see the log" in text for text in sentences
    )


def test_a_session_that_the_writer_has_more_of_is_told() -> None:
    [trouble] = find_sentences(make_health(make_feed(sessions_refused=["s"]), make_writer()))
    assert "the writer has more of s than its journal, which stays as it is" in trouble


def test_a_clock_that_nobody_keeps_right_is_told_once_for_the_machine() -> None:
    wrong: dict[str, Any] = {"clock_synchronised": False, "clock_error_s_max": 16.0}
    feeds = make_feed(**wrong), make_feed("btcturk", **wrong)
    [said] = find_sentences(make_health(*feeds, make_writer()))
    assert "nothing synchronises the clock: it may be off by 16 s or more; start" in said
    simulated = make_feed(**wrong, is_on_loopback=True)
    assert [] == find_sentences(make_health(simulated, make_writer()))
    for word in (True, None):
        feed = make_feed(clock_synchronised=word)
        assert [] == find_sentences(make_health(feed, make_writer()))


def test_a_supervisord_that_does_not_answer_is_told() -> None:
    health = replace(make_health(), supervisor_pid=None, supervisor_deaf_pid=4711)
    assert "supervisord (process 4711) runs but does not answer" in find_sentences(health)[0]


def test_a_conflict_is_told_first() -> None:
    troubles = find_sentences(make_health(make_feed(state="disk_full"), make_writer(), conflicts=2))
    assert "the writer set 2 flushes aside: the store has other objects" in troubles[0]
    assert "was the state restored" in troubles[0]
    assert 2 == len(troubles)


def test_an_exchange_is_unreachable_only_after_a_while() -> None:
    feed = make_feed(unreachable_since=TS)
    assert find_unreachable(feed, now_ns=TS + 14 * S) is None
    trouble = find_unreachable(feed, now_ns=TS + 15 * S)
    assert trouble is not None
    assert "bitvavo has been unreachable for 15 s" == trouble.text
    assert find_unreachable(make_feed(), now_ns=TS) is None


def test_a_trouble_names_its_process_and_its_exchange() -> None:
    feed, writer = make_feed("btcturk", "b", state="disk_full"), make_writer(upload_error="no")
    troubles = find_troubles(make_health(feed, writer, conflicts=1))
    expected = [
        ("flush-conflict", None, None),
        ("feed-disk-full", "ingest_btcturk-b", "btcturk"),
        ("upload-failing", "buffer_writer", None),
    ]
    assert expected == [(each.code, each.process, each.exchange) for each in troubles]


def test_a_long_list_of_symbols_is_cut_in_a_sentence() -> None:
    symbols = [f"S{number:02}-EUR" for number in range(NAMES_MAX + 3)]
    [said] = find_sentences(make_health(make_feed(refused=symbols), make_writer()))
    assert f"refuses {', '.join(symbols[:NAMES_MAX])} and 3 more; correct" in said


def test_a_process_whose_report_is_of_another_release_is_told_apart() -> None:
    head = ProcessReport(
        version=VERSION + 1, process="ingest_bitvavo-a", pid=11, ts_start=0, ts_written=0
    )
    foreign = replace(make_feed(), report=head)
    assert "foreign" == foreign.state
    [trouble] = find_troubles(make_health(foreign, make_writer()))
    assert "report-foreign" == trouble.code
    assert trouble.sentence.endswith("cannot read; supervisorctl restart ingest_bitvavo")


def test_a_program_of_another_release_is_told_but_not_while_a_deploy_moves_it() -> None:
    health = make_health(make_feed(release="0.0.9+gabc"), make_writer(release=RELEASE))
    [trouble] = find_troubles(health)
    assert ("release-differs", "ingest_bitvavo-a") == (trouble.code, trouble.process)
    assert f"runs release 0.0.9+gabc, and a boot would start {RELEASE}" in trouble.text
    assert [] == find_troubles(replace(health, is_deploying=True))


def test_a_program_beside_them_is_a_trouble_when_it_dies_or_hangs() -> None:
    def find(**values: Any) -> list[str]:
        health = replace(make_health(), programs=[make_program(**values)])
        return [f"{trouble.code} {trouble.process}" for trouble in find_troubles(health)]

    assert [] == find()
    assert [] == find(report=None, report_age_s=None)  # not each of them reports
    assert ["report-missing dashboard"] == find(report_age_s=9.0)
    dead = {"is_running": False, "pid": None}
    assert ["stopped dashboard"] == find(program_state="STOPPED", **dead)
    assert ["failing-to-start dashboard"] == find(program_state="BACKOFF", **dead)
    exited = find(program_state="EXITED", program_exitstatus=78, **dead)
    assert ["config-fault dashboard"] == exited


def test_a_program_that_is_dead_keeps_no_box_from_taking_over() -> None:
    dead = make_program(is_running=False, pid=None, program_state="BACKOFF")
    assert [] == find_unready(replace(make_health(), programs=[dead]))


def test_a_look_that_is_late_says_so() -> None:
    trouble = make_late(9.6)
    assert ("look-late", True) == (trouble.code, "10 s old" in trouble.text)


def test_a_webhook_that_cannot_be_called_is_a_trouble_after_a_while() -> None:
    def find(since_s: int) -> list[str]:
        report = ServiceReport(
            version=VERSION,
            process="dashboard",
            pid=13,
            ts_start=0,
            ts_written=TS,
            call_error="hooks.example does not answer: timed out",
            call_error_since=TS - since_s * S,
        )
        health = replace(make_health(), programs=[make_program(report=report)])
        return find_sentences(health)

    assert [] == find(60)
    [said] = find(61)
    assert said.startswith(
        "a call about a trouble fails: hooks.example does not answer: timed out;"
    )


AWAY = Silence(exchange="bitvavo", until=TS + 3600 * S, ts=TS)


@pytest.mark.parametrize(
    "values",
    [
        {"state": "connecting", "unreachable_since": TS - 60 * S},
        {"state": "degraded", "live": 1, "waiting": ["A-EUR"]},
        {"rate_limited_until": TS + 30 * S},
        {"refused": ["A-EUR"]},
        {"audits_missing_since": TS - 3601 * S},
    ],
)
def test_what_an_exchange_causes_is_silenced_while_it_has_announced_maintenance(
    values: dict[str, Any],
) -> None:
    health = make_health(make_feed(**values), make_writer())
    assert find_troubles(health)
    silent = replace(health, silences=[AWAY])
    assert [] == find_troubles(silent)
    assert find_troubles(health) == find_silenced(silent)
    other = replace(health, silences=[replace(AWAY, exchange="btcturk")])
    assert find_troubles(health) == find_troubles(other)


def test_what_is_our_own_is_never_silenced() -> None:
    full = make_health(make_feed(state="disk_full", journal_error="no room"), make_writer())
    assert find_troubles(full) == find_troubles(replace(full, silences=[AWAY]))
    stopped = make_health(replace(make_feed(), is_running=False, program_state="STOPPED"))
    assert find_troubles(stopped) == find_troubles(replace(stopped, silences=[AWAY]))
