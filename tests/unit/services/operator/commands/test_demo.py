from pathlib import Path
from typing import Any

import pytest

from booktape.errors import BooktapeError
from services.operator.commands.demo import DemoPlan, run, say_examples


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
    with pytest.raises(BooktapeError, match="is there already; choose another folder with --truth"):
        run(make_plan(tmp_path, truth=truth), {}, load=fail, prove=fail)
    assert "precious" == (truth / "bitvavo.jsonl").read_text()


def test_a_fault_that_no_simulator_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(BooktapeError, match=r"the simulator of bitvavo did not start: .*flood"):
        run(make_plan(tmp_path, faults="flood"), {}, load=fail, prove=fail)


def test_the_examples_name_the_tape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say_examples(tmp_path)
    text = capsys.readouterr().out
    assert f"booktape verify file:{tmp_path / 'data'}" in text
    assert f"{tmp_path / 'data'}/tape/book/*/*/*.parquet" in text
