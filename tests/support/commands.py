"""Commands of the library, run on the sample as a reader runs them."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from booktape.commands.main import main
from booktape.sample.tape import write_sample

BTC_EUR, BTC_TRY = "bitvavo:BTC-EUR", "btcturk:BTC-TRY"
NOON = "2026-09-21T12:00:00Z"


class Said(NamedTuple):
    """The output of a command."""

    status: int
    out: str
    err: str

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.out)
        return found


class Shell:
    """Runs commands on one tape."""

    def __init__(self, tape: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.tape = tape
        self._capture = capture

    def run(self, *arguments: str) -> Said:
        self._capture.readouterr()
        status = main([*arguments, "--tape", str(self.tape)])
        said = self._capture.readouterr()
        return Said(status, said.out, said.err)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        return self.run(*arguments, "--format", "json").rows()


def make_sample(folder: Path) -> Path:
    """Write the sample; return its folder."""
    write_sample(folder / "try")
    return folder / "try"
