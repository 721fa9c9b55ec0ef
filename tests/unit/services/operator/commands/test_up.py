import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from booktape.errors import BooktapeError
from services.operator.commands.stopping import Stopping
from services.operator.commands.up import (
    find_left_out,
    format_left,
    say,
    say_unrecorded,
    watch,
)
from services.operator.health.health import Health
from services.operator.supervision.supervisor import Supervisor
from shared.process.settings import ExchangeSettings, load
from shared.process.state import DASHBOARD
from tests.support.healths import make_health, make_journal
from tests.support.paths import ROOT


def test_nothing_is_left_when_the_writer_has_every_end() -> None:
    delivered = replace(make_journal(), is_delivered=True)
    expected = "drained: all of it is in the store"
    assert expected == format_left(make_health(journals=[delivered]))


def test_what_is_left_is_counted() -> None:
    health = replace(
        make_health(journals=[make_journal(), make_journal("btcturk")]),
        spool_bytes=7_000_000,
        spool_flushes=3,
    )
    expected = "left for the next start: 2.4 MB in 2 journals, 7 MB in 3 flushes in the spool"
    assert expected == format_left(health)


def test_whoever_stops_reading_stops_nothing() -> None:
    code = (
        "import sys\nfrom services.operator.commands.up import say\nsys.stdin.readline()\n"
        "say('into nothing')\nsay('again')\nsys.stderr.write('went on')"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        child.stdin.write("\n")
        child.stdin.close()
        assert "went on" == child.stderr.read()
    assert 0 == child.returncode


def test_what_is_said_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    say("hello")
    assert "hello\n" == capsys.readouterr().out


class Look:
    """Meet an error, and ask for a stop the second time."""

    def __init__(self, error: Exception) -> None:
        self.stopping = Stopping()
        self.stopping.wait = lambda _: True  # type: ignore[method-assign, assignment]
        self.seen: list[Health] = []
        self._error = error

    def __call__(self, health: Health, _: float) -> None:
        self.seen.append(health)
        self.stopping.count = len(self.seen) - 1
        raise self._error


def recording(state: Path) -> Any:
    return SimpleNamespace(is_running=True, supervisor=Supervisor(state / "none"))


def test_the_recording_goes_on_whatever_a_look_meets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look = Look(StopIteration())
    watch(recording(tmp_path), tmp_path, look.stopping, look)
    assert 2 == len(look.seen)
    assert "cannot look: StopIteration" in capsys.readouterr().out


def test_what_says_that_it_cannot_go_on_is_heard(tmp_path: Path) -> None:
    look = Look(BooktapeError("the simulator ended"))
    with pytest.raises(BooktapeError, match="the simulator ended"):
        watch(recording(tmp_path), tmp_path, look.stopping, look)


def test_without_the_dashboard_it_is_said_that_nobody_calls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = load({}, tmp_path, exchanges={})
    assert [] == find_left_out(quiet, has_dashboard=True)
    assert [DASHBOARD] == find_left_out(quiet, has_dashboard=False)
    assert not capsys.readouterr().out
    calling = load({"BOOKTAPE__ALERTS__WEBHOOK_URL": "http://x/"}, tmp_path, exchanges={})
    assert [DASHBOARD] == find_left_out(calling, has_dashboard=False)
    assert "[alerts] is set but calls nobody" in capsys.readouterr().out


def test_an_exchange_without_a_program_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exchanges: dict[str, ExchangeSettings] = dict.fromkeys(
        ("toy", "other", "idle"),
        ExchangeSettings(
            symbols=("A-B",),
            symbols_per_socket=1,
            read_interval_ms=0.0,
            websocket_url="wss://toy.example/",
            rest_url="https://toy.example",
        ),
    )
    off = {"BOOKTAPE__EXCHANGES__IDLE__ENABLED": "false"}
    settings = load(off, tmp_path, exchanges=exchanges)
    conf = tmp_path / "supervisor.conf"
    conf.write_text("[supervisord]\n[program:ingest_other]\ncommand=x\n;[program:ingest_toy]\n")
    assert ["toy"] == say_unrecorded(settings, conf)
    said = f"toy is not recorded: {conf} has no [program:ingest_toy]; add one like another feed's\n"
    assert said == capsys.readouterr().out
