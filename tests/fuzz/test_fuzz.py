"""The targets of `make fuzz`, with few inputs and always the same; and that they can fail."""

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.fuzz.campaign import MEMORY_BYTES_MAX, run_one
from tests.fuzz.targets import TARGETS, Target
from tests.support.paths import ROOT

INPUTS: Final = 10_000
SEED: Final = 20261126


def fuzz(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tests.fuzz", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_no_input_does_more_than_be_refused_by_name() -> None:
    status, said = fuzz("--inputs", str(INPUTS), "--seed", str(SEED))
    assert 0 == status, said
    assert f"seed {SEED}\n10," in said
    assert " inputs, 0 failures, " in said


def test_one_input_can_be_tried_again() -> None:
    assert (0, "key 7: all is well\n") == fuzz("--target", "key", "--number", "7")


def test_everything_that_is_read_is_fuzzed() -> None:
    assert {
        *("bitvavo socket", "bitvavo rest", "bitvavo feed"),
        *("btcturk socket", "btcturk rest", "btcturk feed"),
        *("websocket stream", "frame", "segment", "journal", "manifest", "key"),
    } == {target.name for target in TARGETS}


def crash(random: Random, _: Path) -> None:
    [][random.randrange(3)]


def loop(_random: Random, _: Path) -> None:
    while True:
        pass


def test_a_crash_and_a_hang_are_failures_that_name_their_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failure = run_one(Target("bad", 1, crash), 9)
    assert failure
    assert "IndexError" in failure.reason
    assert str(failure).endswith('Again: python -m tests.fuzz --target "bad" --number 9')
    monkeypatch.setattr("tests.fuzz.campaign.INPUT_S_MAX", 0.05)
    failure = run_one(Target("bad", 1, loop), 9)
    assert failure
    assert "it takes more than 0.05 s" == failure.reason


def test_memory_without_end_is_a_failure() -> None:
    grow = (
        "from tests.fuzz.campaign import bound_memory\n"
        "bound_memory()\n"
        f"bytearray({MEMORY_BYTES_MAX // 2})\n"
        "print('half')\n"
        f"bytearray({MEMORY_BYTES_MAX * 2})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", grow], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "half\n" == done.stdout
    assert "MemoryError" in done.stderr
