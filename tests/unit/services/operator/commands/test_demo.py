import shlex
from pathlib import Path
from typing import Any

import pytest

from booktape.commands.main import main
from booktape.errors import BooktapeError
from booktape.sample.tape import write_sample
from services.operator.commands.demo import DemoPlan, find_market, run, say_examples
from tests.support.hand_tape import BTC, ETH, A, HandTape, feed, snapshot, trade


def make_plan(folder: Path, *, truth: Path | None = None, faults: str | None = None) -> DemoPlan:
    return DemoPlan(
        folder=folder / "demo",
        truth=truth,
        is_fresh=False,
        seconds=1.0,
        exchanges=["bitvavo"],
        symbols=1,
        rate=1.0,
        faults=faults,
    )


def fail(_: object) -> Any:
    pytest.fail("it went on")


def test_a_truth_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "bitvavo.jsonl").write_text("precious")
    with pytest.raises(BooktapeError, match="exists already; choose another folder with --truth"):
        run(make_plan(tmp_path, truth=truth), {}, load=fail, prove=fail)
    assert "precious" == (truth / "bitvavo.jsonl").read_text()


def test_a_fault_that_no_simulator_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(BooktapeError, match=r"the simulator of bitvavo did not start: .*flood"):
        run(make_plan(tmp_path, faults="flood"), {}, load=fail, prove=fail)


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the examples of a demo in a folder with a space."""
    folder = tmp_path / "my demo"
    write_sample(folder / "data")
    say_examples(folder)
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_the_commands_of_the_examples_work_as_printed(
    said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    commands = [shlex.split(line) for line in said if line.startswith("booktape ")]
    assert ["verify", "top", "coverage"] == [command[1] for command in commands]
    for command in commands:
        assert 0 == main(command[1:])
        printed = capsys.readouterr()
        assert "" == printed.err
        assert 2 < len(printed.out.splitlines())


def test_the_python_of_the_examples_works_as_printed(
    said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    exec("\n".join(said[said.index("import booktape") :]))
    printed = capsys.readouterr().out
    assert "bid_price_00: double" in printed


def test_where_nothing_was_recorded_only_the_proof_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say_examples(tmp_path)
    expected = f"\nlook at it:\n  booktape verify file:{tmp_path / 'data'}\n"
    assert expected == capsys.readouterr().out


def test_the_market_of_the_examples_has_a_book(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, feed(0, "session_start"), trade(1, "t1"))
    assert find_market(str(tmp_path)) is None
    tape.write(A, snapshot(2, 1, ("bid", 1.0, 1.0), symbol=ETH))
    assert f"bitvavo:{ETH}" == find_market(str(tmp_path))
    tape.write(A, snapshot(3, 1, ("bid", 1.0, 1.0)))
    assert f"bitvavo:{BTC}" == find_market(str(tmp_path))
