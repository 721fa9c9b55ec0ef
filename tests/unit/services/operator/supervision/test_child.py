import os
import signal
import subprocess
import sys
import time
from typing import IO

import pytest

from services.operator.supervision.child import FAILED_LIFE_S, Lifeline, hold_back
from tests.support.paths import ROOT

SUPERVISED = {"SUPERVISOR_ENABLED": "1"}

WAITS = """
import sys, time
from services.operator.supervision.child import end_with_parent
end_with_parent(int(sys.argv[2]))
print("waits", flush=True)
time.sleep(60)
"""
# Starts the one above and says its pid.
STARTS = """
import subprocess, sys, time
from services.operator.supervision.child import Lifeline
lifeline = Lifeline()
child = subprocess.Popen(
    [sys.executable, "-c", sys.argv[1], *lifeline.arguments],
    pass_fds=lifeline.descriptors,
)
print(child.pid, flush=True)
time.sleep(60)
"""
HOLDS = """
import os, time
from services.operator.supervision.child import hold_back
print("holds", flush=True)
hold_back(75, age_s=-60, environment={"SUPERVISOR_ENABLED": "1"})
"""


def start(*arguments: str, descriptors: tuple[int, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        pass_fds=descriptors,
        text=True,
    )


def read_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    pipe: IO[str] = child.stdout
    return pipe.readline().strip()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nap instead of sleeping."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return taken


def test_a_failed_end_is_held_back_until_supervisord_looks_at_its_status(
    naps: list[float],
) -> None:
    hold_back(75, age_s=1.5, environment=SUPERVISED)
    hold_back(78, age_s=FAILED_LIFE_S + 1, environment=SUPERVISED)
    assert [FAILED_LIFE_S - 1.5, 0.0] == naps


def test_a_good_end_and_one_outside_of_supervisord_are_not(naps: list[float]) -> None:
    hold_back(0, age_s=0.0, environment=SUPERVISED)
    hold_back(78, age_s=0.0, environment={})
    assert [] == naps


def test_a_stop_ends_the_holding_back() -> None:
    with start(HOLDS) as child:
        assert "holds" == read_line(child)
        child.terminate()
        assert -signal.SIGTERM == child.wait(30)


def test_a_child_ends_when_its_parent_is_killed() -> None:
    with start(STARTS, WAITS) as parent:
        assert parent.stdout is not None
        pid = int(read_line(parent))
        assert "waits" == read_line(parent)
        os.kill(pid, 0)
        parent.kill()
        # The child holds the other end of this pipe until it ends.
        assert "" == parent.stdout.read()


def test_a_child_ends_when_its_parent_lets_go() -> None:
    lifeline = Lifeline()
    with start(WAITS, *lifeline.arguments, descriptors=lifeline.descriptors) as child:
        assert "waits" == read_line(child)
        lifeline.close()
        assert -signal.SIGTERM == child.wait(30)
