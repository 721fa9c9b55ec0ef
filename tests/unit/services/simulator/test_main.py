import json
from pathlib import Path

import pytest

from services.simulator import main
from services.simulator.bitvavo.protocol import Bitvavo


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "exchange"),
        (["nowhere"], "nowhere"),
        (["bitvavo", "--symbols", "438"], "437 at most"),
        (["btcturk", "--symbols", "380"], "379 at most"),
        (["bitvavo", "--symbols", "0"], "at least 1"),
        (["bitvavo", "--rate", "-1"], "above 0"),
        (["bitvavo", "--rate", "many"], "many"),
        (["bitvavo", "--port", "70000"], "not a port"),
        (["bitvavo", "--faults", "gap,snapshot_midstream"], "snapshot_midstream"),
        (["bitvavo", "--lies", "crossed,first_number_skips"], "first_number_skips"),
        (["btcturk", "--faults", "bad_symbol"], "bad_symbol"),
        (["bitvavo", "--nonsense"], "--nonsense"),
    ],
)
def test_wrong_usage_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert 2 == main.run(arguments)
    error = capsys.readouterr().err
    assert 1 == error.count("\n")
    assert error.startswith("booktape simulate: ")
    assert said in error


def test_the_help_shows_an_example_and_the_truth_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main.run(["--help"])
    text = capsys.readouterr().out
    assert main.EXAMPLE in text
    assert "snapshot_midstream" in text
    assert '"type":"fault"' in text


def test_the_example_is_right() -> None:
    options = main.parse(main.EXAMPLE.split()[2:])
    assert ("bitvavo", 20, ["gap", "drop"]) == (options.exchange, options.symbols, options.faults)


def test_all_faults_are_those_of_the_exchange() -> None:
    assert list(Bitvavo.faults) == main.parse(["bitvavo", "--faults", "all"]).faults
    assert [] == main.parse(["bitvavo"]).faults


def test_it_says_where_it_listens_and_ends_by_itself(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "truth.jsonl"
    arguments = ["btcturk", "--seconds", "0.1", "--quiet-s", "0.1", "--truth", str(path)]
    assert 0 == main.run(arguments)
    words = capsys.readouterr().out.split()
    port = words[3].split(":")[2].rstrip("/")
    assert int(port) > 0
    expected = f"btcturk simulator on ws://127.0.0.1:{port}/ and http://127.0.0.1:{port}"
    assert expected.split() == words
    kinds = [json.loads(line)["type"] for line in path.read_text().splitlines()]
    assert ["start", "book", "book", "book", "end"] == kinds


def test_a_file_that_cannot_be_written_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert 1 == main.run(["bitvavo", "--truth", str(tmp_path / "none" / "truth.jsonl")])
    assert 1 == capsys.readouterr().err.count("\n")
