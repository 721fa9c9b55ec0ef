from pathlib import Path

import pytest
from msgspec.structs import replace

from services.operator.commands import handover
from services.operator.commands.handover import HandoverError, run
from services.operator.health.health import Health, Process
from shared.process.settings import Settings, load
from shared.process.status import IngestReport
from tests.support.healths import make_feed, make_health, make_ingest_report, make_writer


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({}, tmp_path, exchanges={})


def refuse(settings: Settings, health: Health, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(handover, "gather", lambda *_, **__: health)
    with pytest.raises(HandoverError) as error:
        run("bitvavo", settings, {})
    return str(error.value)


def test_without_a_supervisord_nothing_is_done(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = replace(make_health(), supervisor_pid=None)
    assert "no supervisord answers, so nothing was done" in refuse(settings, health, monkeypatch)


def test_while_a_line_b_runs_nothing_is_done(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = make_health(make_feed(), make_feed(line="b"), make_writer())
    expected = "line b of bitvavo runs already, process 11; nothing was done"
    assert expected == refuse(settings, health, monkeypatch)


@pytest.mark.parametrize(
    "line_a",
    [make_feed("btcturk"), make_feed(live=0), replace(make_feed(), report_age_s=60.0)],
    ids=["not there", "not live", "silent"],
)
def test_where_nothing_is_live_there_is_nothing_to_hand_over(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, line_a: Process
) -> None:
    said = refuse(settings, make_health(line_a, make_writer()), monkeypatch)
    assert "no book of ingest_bitvavo is live, so there is nothing to hand over" in said


def test_what_an_earlier_supervisord_left_behind_it_cannot_restart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = make_health(replace(make_feed(), parent_pid=1), make_writer())
    said = refuse(settings, orphan, monkeypatch)
    assert "ingest_bitvavo is process 11, which an earlier supervisord left behind" in said
    assert "kill 11" in said


def test_what_supervisord_does_not_run_it_cannot_restart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = make_health(replace(make_feed(), program_state=None), make_writer())
    said = refuse(settings, by_hand, monkeypatch)
    assert "supervisord does not run ingest_bitvavo" in said


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (make_ingest_report(), make_ingest_report(), True),
        (
            make_ingest_report(live=2, waiting=["A"]),
            make_ingest_report(live=2, waiting=["A"]),
            True,
        ),
        (
            make_ingest_report(live=2, waiting=["A"]),
            make_ingest_report(live=2, waiting=["B"]),
            False,
        ),
        (make_ingest_report(live=2, waiting=["A"]), make_ingest_report(), False),
        (make_ingest_report(live=0), make_ingest_report(), False),
    ],
)
def test_a_line_covers_the_other_when_all_its_symbols_are_live_on_it(
    one: IngestReport, other: IngestReport, *, expected: bool
) -> None:
    assert expected == handover._covers(one, other)


def test_a_line_that_does_not_report_says_nothing() -> None:
    assert handover._said(make_feed()) is not None
    assert handover._said(replace(make_feed(), report_age_s=60.0)) is None
    assert handover._said(replace(make_feed(), report=None)) is None
    assert handover._said(None) is None
