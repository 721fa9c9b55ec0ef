from pathlib import Path

import pytest

from tests.support.commands import Shell
from tests.support.hand_tape import A, HandTape, feed


def test_symbols_are_the_markets_of_a_tape(shell: Shell) -> None:
    rows = shell.rows("symbols")
    assert 6 == len(rows)
    assert {
        "exchange": "bitvavo",
        "symbol": "BTC-EUR",
        "first": "2026-09-21",
        "last": "2026-09-21",
        "tables": ["book", "trades", "ticker"],
    } == rows[0]
    assert {"btcturk"} == {row["exchange"] for row in shell.rows("symbols", "btcturk")}


def test_sessions_tell_how_they_ended(shell: Shell) -> None:
    rows = shell.rows("sessions", "btcturk")
    assert ["killed", "stopped", "stopped"] == [row["reason"] for row in rows]


def test_a_list_without_rows_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    HandTape(tmp_path).write(A, feed(0, "session_start"))
    said = Shell(tmp_path, capsys).run("symbols", "--format", "csv")
    assert (0, 1) == (said.status, said.out.count("\n"))
    assert "booktape: no market on this tape\n" == said.err
