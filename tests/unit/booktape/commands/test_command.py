from argparse import ArgumentTypeError
from datetime import date

import pytest

from booktape.commands.command import Parser, count, day, positive


def test_an_argument_is_a_number_above_zero() -> None:
    assert 0.5 == positive("0.5")
    for text in ("0", "-1", "inf", "nan"):
        with pytest.raises(ArgumentTypeError, match=f"takes a number above 0, not {text}"):
            positive(text)


def test_an_argument_is_a_whole_number_from_one() -> None:
    assert 3 == count("3")
    with pytest.raises(ArgumentTypeError, match="takes a whole number from 1, not 0"):
        count("0")


def test_an_argument_is_a_date() -> None:
    assert date(2026, 9, 21) == day("2026-09-21")


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [(positive, "invalid number value"), (count, "invalid whole number"), (day, "invalid date")],
)
def test_wrong_usage_is_one_line(
    kind: object, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = Parser(prog="booktape")
    parser.add_argument("--it", type=kind)  # type: ignore[arg-type] # any of the three
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--it", "x"])
    assert 2 == stop.value.code
    said = capsys.readouterr().err
    assert complaint in said
    assert said.endswith("; see booktape --help\n")
    assert 1 == said.count("\n")
