"""The answers of docs/reading.md run, and print what the page says that they print."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs/reading.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUESTION = re.compile(r"^## (\d+)\. (.*)\n((?:(?!^## ).*\n)*)", re.MULTILINE)
ANSWER = re.compile(r"```python\n(# needs: ([^\n]*)\n.*?)```\n\n```text\n(.*?)```", re.DOTALL)
# Without pandas, which must stay away from production's pyarrow: `make test-readers` has it, in
# an environment that holds the library's wheel and what the answers name, nothing else of ours.
INSTALLED = {"booktape", "boto3", "duckdb", "polars"}
PYTHON = os.environ.get("BOOKTAPE_TEST_READERS", sys.executable)
LINES_OF_ARBITRAGE = 20
IN_A_GAP = {1: "gap since", 2: "None None None", 3: "not whole", 7: "12:02:40 None"}


class Answer(NamedTuple):
    """What answers a question: code, the packages that it needs, and what it prints."""

    number: int
    needs: set[str]
    code: str
    printed: str


def find_answers() -> list[Answer]:
    return [
        Answer(int(number), set(found[2].split(", ")), found[1], found[3])
        for number, _, text in QUESTION.findall(PAGE)
        for found in ANSWER.finditer(text)
    ]


ANSWERS = find_answers()


def describe(answer: Answer) -> str:
    return f"{answer.number}-{'-'.join(sorted(answer.needs))}"


def mark(answer: Answer) -> object:
    marks = [pytest.mark.readers] if answer.needs - INSTALLED else []
    marks += [pytest.mark.s3] if "boto3" in answer.needs else []
    return pytest.param(answer, marks=marks, id=describe(answer))


def test_the_questions_have_their_answers_in_order() -> None:
    numbers = [int(number) for number, _, _ in QUESTION.findall(PAGE)]
    assert list(range(1, len(numbers) + 1)) == numbers
    assert set(numbers[:10]) == {answer.number for answer in ANSWERS}  # the last is a command
    assert PAGE.count("```python\n") == len(ANSWERS)


@pytest.mark.parametrize("answer", [mark(answer) for answer in ANSWERS])
def test_an_answer_prints_what_the_page_says(
    answer: Answer, sample: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if answer.needs - INSTALLED and PYTHON == sys.executable:
        pytest.skip("make test-readers has what it needs")
    (tmp_path / "try").symlink_to(sample)
    more = request.getfixturevalue("bucket") if "boto3" in answer.needs else {}
    ran = subprocess.run(
        [PYTHON, "-P", "-W", "error", "-"],
        input=answer.code,
        cwd=tmp_path,
        env={**os.environ, **more},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "" == ran.stderr
    assert answer.printed == ran.stdout


@pytest.mark.parametrize(("number", "shown"), IN_A_GAP.items())
def test_an_answer_is_shown_inside_a_gap(number: int, shown: str) -> None:
    assert any(shown in answer.printed for answer in ANSWERS if answer.number == number)


def test_the_arbitrage_takes_twenty_lines() -> None:
    [arbitrage] = [answer for answer in ANSWERS if answer.number == 7]
    assert LINES_OF_ARBITRAGE >= len(arbitrage.code.splitlines())


def test_readme_shows_the_first_three_and_the_picture() -> None:
    for answer in ANSWERS:
        if answer.number <= 3:
            assert answer.code.partition("\n")[2] in README
            assert answer.printed in README
    assert "(docs/arbitrage.svg)" in README
    assert "(docs/reading.md)" in README


def test_the_picture_is_what_the_sample_says(tmp_path: Path) -> None:
    path = tmp_path / "arbitrage.svg"
    subprocess.run([sys.executable, "-P", ROOT / "docs/arbitrage.py", path], check=True)
    assert (ROOT / "docs/arbitrage.svg").read_text(encoding="utf-8") == path.read_text("utf-8")


@pytest.mark.readers
def test_the_notebook_puts_out_what_it_shows() -> None:
    if PYTHON == sys.executable:
        pytest.skip("make test-readers has what runs a notebook")
    notebook = ROOT / "docs/arbitrage.ipynb"
    command = [PYTHON, str(ROOT / "tests/readers/run_notebook.py"), str(notebook)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert 0 == ran.returncode, ran.stderr
    assert json.loads(notebook.read_text(encoding="utf-8")) == json.loads(ran.stdout)
    assert '"image/svg+xml"' in ran.stdout
