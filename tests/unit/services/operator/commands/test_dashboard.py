"""One state folder, in the forms in which it is shown."""

import json
from pathlib import Path
from threading import Event

from services.operator.commands.dashboard import StateWatch
from services.operator.metrics.exposition import OPEN_TYPE, TEXT_TYPE
from tests.support.metrics import read_text


def test_a_look_says_what_the_command_prints(tmp_path: Path) -> None:
    watch = StateWatch(tmp_path)
    status = json.loads(watch.look())
    assert (False, ["nothing-runs"]) == (
        status["ok"],
        [each["code"] for each in status["troubles"]],
    )


def test_the_figures_are_of_the_last_look(tmp_path: Path) -> None:
    watch = StateWatch(tmp_path)
    watch.look()
    text, kind = watch.metrics(False)  # noqa: FBT003 (as it is asked)
    assert TEXT_TYPE == kind
    assert 1 == read_text(text).of("troubles")
    text, kind = watch.metrics(True)  # noqa: FBT003 (as it is asked)
    assert (OPEN_TYPE, True) == (kind, text.endswith("# EOF\n"))


def test_a_look_that_is_late_is_a_trouble(tmp_path: Path) -> None:
    assert "look-late" == json.loads(StateWatch(tmp_path).tell_late(9.0))["code"]


def test_whoever_listens_to_nobody_ends_when_told(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    StateWatch(tmp_path).listen(stop)
