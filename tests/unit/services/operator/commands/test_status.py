import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.operator.commands import status
from services.operator.commands.status import encode, run, tick, watch
from services.operator.health.health import Health
from shared.process.settings import load
from tests.support.healths import TS, make_feed, make_health, make_writer


def test_with_nothing_running_the_exit_status_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load({}, tmp_path, exchanges={})
    assert 1 == run(settings, as_json=False, clock_ns=lambda: TS)
    assert "! nothing runs; start it with: booktape up" in capsys.readouterr().out
    assert 1 == run(settings, as_json=True, clock_ns=lambda: TS)
    assert {"ok": False, "supervisor_pid": None}.items() <= json.loads(
        capsys.readouterr().out
    ).items()


def test_when_all_is_well_the_exit_status_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.operator.commands.status.gather", lambda *_, **__: make_health())
    settings = load({}, tmp_path, exchanges={})
    assert 0 == run(settings, as_json=False, clock_ns=lambda: TS)
    assert capsys.readouterr().out.endswith("all well\n")


def test_programs_get_the_figures_and_the_troubles() -> None:
    health = json.loads(encode(make_health(make_feed(state="disk_full"), make_writer())))
    assert health["ok"] is False
    assert [
        {
            "code": "feed-disk-full",
            "text": "ingest_bitvavo-a has closed its feed: the disk is full",
            "remedy": "make room, or lower [state] disk_free_min_bytes",
            "process": "ingest_bitvavo-a",
            "exchange": "bitvavo",
        }
    ] == health["troubles"]
    [feed, writer] = health["processes"]
    assert ("ingest_bitvavo-a", "disk_full") == (feed["name"], feed["report"]["state"])
    assert 500_000 == writer["report"]["last_flush_rows"]
    assert ["disk_full", "running"] == [feed["state"], writer["state"]]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Health]:
    """Let each look find the next of these."""
    healths = [make_health(), make_health(make_feed(state="disk_full"), make_writer())]
    found = iter(healths)
    monkeypatch.setattr(status, "gather", lambda *_, **__: next(found))
    return healths


@pytest.mark.usefixtures("looks")
def test_it_is_printed_again_at_each_tick_and_ends_as_the_last_one_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load({}, tmp_path, exchanges={})
    assert 1 == watch(settings, as_json=False, clock_ns=lambda: TS, ticks=iter([None, None]))
    said = capsys.readouterr().out
    assert said.index("all well") < said.index("closed its feed")
    assert "\x1b" not in said


@pytest.mark.usefixtures("looks")
def test_for_programs_each_look_is_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load({}, tmp_path, exchanges={})
    watch(settings, as_json=True, clock_ns=lambda: TS, ticks=iter([None, None]))
    lines = capsys.readouterr().out.splitlines()
    assert [True, False] == [json.loads(line)["ok"] for line in lines]


@pytest.mark.usefixtures("looks")
def test_on_a_terminal_a_screen_takes_the_place_of_the_one_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    settings = load({}, tmp_path, exchanges={})
    watch(settings, as_json=False, clock_ns=lambda: TS, ticks=iter([None, None]))
    first, second = capsys.readouterr().out.split("\x1b[H")[1:]
    for screen in (first, second):
        *lines, rest = screen.split("\n")
        assert all(line.endswith("\x1b[K") for line in lines)
        assert "\x1b[J" == rest


@pytest.mark.usefixtures("looks")
def test_whoever_interrupts_it_gets_the_last_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ticks() -> Iterator[None]:
        yield
        raise KeyboardInterrupt

    settings = load({}, tmp_path, exchanges={})
    assert 0 == watch(settings, as_json=False, clock_ns=lambda: TS, ticks=ticks())
    assert capsys.readouterr().out.endswith("all well\n")


def test_the_first_tick_comes_at_once() -> None:
    assert next(tick(3600.0)) is None
