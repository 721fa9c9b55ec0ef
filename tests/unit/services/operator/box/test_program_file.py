from pathlib import Path

import pytest

from services.operator.box.program_file import ProgramFile
from services.operator.box.releases import Box
from shared.process.settings import Settings, load
from tests.unit.services.operator.box.test_configure import RELEASE, Fake, box_of

URL = {"BOOKTAPE__SINKS__INFLUX__URL": "http://127.0.0.1/write"}


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return box_of(tmp_path)


def make_settings(box: Box, **given: str) -> Settings:
    environment = {"BOOKTAPE__STATE__PATH": str(box.root / "var"), **given}
    return load(environment, box.root, exchanges={})


def test_a_program_that_is_added_is_of_the_release_and_started(box: Box) -> None:
    fake = Fake(box.conf)
    ProgramFile(box, fake).move(make_settings(box, **URL), RELEASE)
    assert "sink_influx" in fake.names
    assert RELEASE == box.release(box.program("sink_influx"))


def test_what_was_moved_is_put_back_once(box: Box) -> None:
    fake, before = Fake(box.conf), box.conf.read_bytes()
    file = ProgramFile(box, fake)
    file.move(make_settings(box, **URL), RELEASE)
    file.put_back(RELEASE)
    assert (before, False) == (box.conf.read_bytes(), "sink_influx" in fake.names)
    assert 2 == fake.rereads
    file.put_back(RELEASE)
    assert 2 == fake.rereads


def test_what_cannot_be_put_back_is_told(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    file = ProgramFile(box, Fake(box.conf))
    box.conf.unlink()
    file.put_back(RELEASE)
    assert "supervisor.conf is not back" in capsys.readouterr().out
