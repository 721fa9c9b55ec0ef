"""The command that prints the metrics."""

from pathlib import Path

import pytest

from services.operator.commands.metrics import run
from shared.process.settings import load
from tests.support.healths import TS
from tests.support.metrics import read_text


def test_with_nothing_running_they_are_printed_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load({}, tmp_path, exchanges={})
    assert 0 == run(settings, clock_ns=lambda: TS)
    samples = read_text(capsys.readouterr().out)
    assert (1, 0) == (samples.of("troubles"), samples.of("supervisor_up"))
    assert 0 == samples.of("process_up", process="buffer_writer")
