"""Names of sessions."""

from pathlib import Path

from shared.delivery.session import new_session

TS = 1_795_338_900_123_456_789  # 2026-11-22 09:15:00 UTC


def test_a_session_is_named_for_its_start_its_exchange_and_its_line(tmp_path: Path) -> None:
    session = new_session(tmp_path, "toy", "a", clock_ns=lambda: TS)
    assert "20261122T091500.123456Z-toy-a" == session


def test_a_name_that_the_disk_knows_is_never_used_again(tmp_path: Path) -> None:
    clock = iter([TS, TS, TS + 999, TS + 1_000, TS + 2_000])
    (tmp_path / "journal" / "toy" / "20261122T091500.123456Z-toy-a").mkdir(parents=True)
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "20261122T091500.123457Z-toy-a.json").touch()
    session = new_session(tmp_path, "toy", "a", clock_ns=lambda: next(clock))
    assert "20261122T091500.123458Z-toy-a" == session
