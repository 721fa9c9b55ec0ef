import json
from pathlib import Path

import pytest

from services.operator.commands.status import encode, run
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
