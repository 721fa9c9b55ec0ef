from pathlib import Path

import pytest

from booktape.errors import BooktapeError
from services.operator.commands.silence import run
from services.operator.health.silences import Silence, find_silences
from shared.process.settings import Settings, load

NOW = 1_795_348_800 * 10**9  # 2026-11-22T12:00:00Z
HOUR = 3600 * 10**9


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({}, tmp_path, exchanges={})


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("2h", NOW + 2 * HOUR),
        ("2026-11-22T13:00:00Z", NOW + HOUR),
        ("2026-11-22T13:00", NOW + HOUR),
        ("2026-11-22T15:00:00+02:00", NOW + HOUR),
        ("7d", NOW + 168 * HOUR),
    ],
)
def test_an_exchange_is_silenced_until_then(
    settings: Settings, capsys: pytest.CaptureFixture[str], until: str, end: int
) -> None:
    assert 0 == run(settings, "bitvavo", until, clock_ns=lambda: NOW)
    expected = Silence(exchange="bitvavo", until=end, ts=NOW)
    assert [expected] == find_silences(settings.state.folder, NOW)
    said = capsys.readouterr().out
    assert said.startswith("bitvavo: its own troubles are silent until 2026-11-2")
    assert "booktape silence bitvavo --end" in said


@pytest.mark.parametrize("until", ["8d", "2026-11-22T12:00:00Z", "2020-01-01", "soon", "", "0h"])
def test_what_is_no_time_to_come_silences_nothing(settings: Settings, until: str) -> None:
    with pytest.raises(BooktapeError, match=r"--until .*: takes a time"):
        run(settings, "bitvavo", until, clock_ns=lambda: NOW)
    assert [] == find_silences(settings.state.folder, NOW)


def test_a_silence_can_be_ended(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    run(settings, "bitvavo", "2h", clock_ns=lambda: NOW)
    assert 0 == run(settings, "bitvavo", None, clock_ns=lambda: NOW)
    assert [] == find_silences(settings.state.folder, NOW)
    assert "bitvavo: its troubles are no longer silent" in capsys.readouterr().out
