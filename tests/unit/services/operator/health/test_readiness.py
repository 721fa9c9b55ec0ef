from typing import Any

import pytest
from msgspec.structs import replace

from services.operator.health.readiness import find_unready, is_down
from shared.process.status import VERSION, ProcessReport
from tests.support.healths import TS, S, make_feed, make_health, make_writer

OTHER = ProcessReport(version=VERSION + 1, process="x", pid=11, ts_start=TS - S, ts_written=TS - S)
DEGRADED = {"state": "degraded", "symbols": 10, "live": 5, "waiting": ["A", "B", "C", "D", "E"]}


def unready(**values: Any) -> list[str]:
    return find_unready(make_health(make_feed(**values), make_writer()))


def test_a_box_on_which_all_is_well_can_take_over() -> None:
    assert [] == find_unready(make_health())


def test_one_refused_symbol_keeps_no_box_from_its_work() -> None:
    assert [] == unready(state="degraded", symbols=3, live=2, refused=["X-EUR"])
    assert [] == unready(state="live", symbols=1000, live=999, refused=["X-EUR"])


def test_markets_that_do_not_trade_keep_no_box_from_its_work() -> None:
    assert [] == unready(state="degraded", symbols=10, live=4, halted=["A", "B", "C", "D", "E"])


def test_an_exchange_that_cannot_be_reached_keeps_no_box_from_its_work() -> None:
    away = {"state": "connecting", "live": 0, "unreachable_since": TS - 16 * S}
    assert [] == unready(**away)
    assert ["ingest_bitvavo-a is connecting: 0 of 3 books live"] == (
        unready(**{**away, "unreachable_since": TS - 5 * S})
    )


def test_a_feed_has_most_of_its_books_or_has_had_its_time() -> None:
    assert ["ingest_bitvavo-a is degraded: 5 of 10 books live"] == (
        unready(**DEGRADED, since=TS - 100 * S)
    )
    assert [] == unready(**DEGRADED, since=TS - 300 * S)
    assert [] == unready(state="degraded", symbols=10, live=9, waiting=["A"])


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"is_running": False, "program_state": "BACKOFF"}, "stopped"),
        ({"is_running": False, "program_state": "STARTING"}, "starting"),
        ({"report_age_s": 60.0}, "silent"),
    ],
)
def test_every_process_must_report(changes: dict[str, Any], state: str) -> None:
    feed, writer = replace(make_feed(), **changes), replace(make_writer(), **changes)
    assert [f"ingest_bitvavo-a is {state}"] == find_unready(make_health(feed, make_writer()))
    assert [f"buffer_writer is {state}"] == find_unready(make_health(make_feed(), writer))


def test_a_writer_without_room_takes_over_nothing() -> None:
    health = make_health(make_feed(), make_writer(state="disk_full"))
    assert ["buffer_writer is disk_full"] == find_unready(health)


def test_without_a_supervisord_there_is_no_box() -> None:
    assert ["no supervisord answers"] == find_unready(replace(make_health(), supervisor_pid=None))


def test_what_runs_beside_what_supervisord_runs_is_not_asked() -> None:
    other = replace(make_feed(line="b"), is_running=False)
    assert [] == find_unready(make_health(make_feed(), other, make_writer()))


def test_a_feed_that_is_disabled_or_of_another_release_is_not_down() -> None:
    assert not is_down(make_feed(state="disabled", symbols=0, live=0))
    assert not is_down(replace(make_feed(), report=OTHER))
    assert [] == unready(state="disabled", symbols=0, live=0)
