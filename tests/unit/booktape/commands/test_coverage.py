from pathlib import Path

import pytest

from booktape.opening import open_tape
from tests.support.commands import BTC_EUR, Shell
from tests.support.hand_tape import A, HandTape, feed


def test_each_market_has_its_times_and_the_causes_between_them(shell: Shell) -> None:
    rows = shell.rows("coverage")
    expected = open_tape(shell.tape).coverage().to_arrow().to_pylist()
    assert [(one["symbol"], one["whole"], one["cause"]) for one in expected] == [
        (row["symbol"], row["whole"], row["cause"]) for row in rows
    ]
    assert {"gap", "killed", "disconnected", "stale"} <= {row["cause"] for row in rows}


def test_one_market_or_one_exchange_can_be_named(shell: Shell) -> None:
    assert {"BTC-EUR"} == {row["symbol"] for row in shell.rows("coverage", BTC_EUR)}
    assert {"btcturk"} == {row["exchange"] for row in shell.rows("coverage", "btcturk")}


def test_of_one_day_all_of_it_is_told(shell: Shell) -> None:
    rows = shell.rows("coverage", BTC_EUR, "--date", "2026-09-21")
    assert ["2026-09-21T00:00:00Z", "unrecorded"] == [rows[0]["start"], rows[0]["cause"]]
    assert "2026-09-22T00:00:00Z" == rows[-1]["end"]
    assert ["2026-09-22T00:00:00Z", "2026-09-23T00:00:00Z"] == [
        shell.rows("coverage", BTC_EUR, "--date", "2026-09-22")[0][name]
        for name in ("start", "end")
    ]


def test_where_no_book_was_recorded_a_line_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    HandTape(tmp_path).write(A, feed(0, "session_start"))
    said = Shell(tmp_path, capsys).run("coverage", "bitvavo")
    assert (0, "booktape: no book of it is on this tape\n") == (said.status, said.err)
