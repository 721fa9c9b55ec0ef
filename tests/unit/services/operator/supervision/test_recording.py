from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from booktape.errors import BooktapeError
from services.operator.supervision.programs import Programs
from services.operator.supervision.recording import Recording
from tests.process.standing import STAND_IN, install

CONF = """
[unix_http_server]
file=%(here)s/s
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:  # a socket's path is short
        yield Path(name)


def make_programs(folder: Path, conf: str = CONF) -> Programs:
    (folder / "my.conf").write_text(conf)
    environment = install(folder, STAND_IN)
    return Programs(folder / "my.conf", folder / "s", folder, folder, environment)


def test_it_is_started_and_drained(folder: Path) -> None:
    recording = Recording(make_programs(folder))
    recording.start()
    assert recording.supervisor.find_pid() is not None
    waited: list[float] = []
    assert recording.drain(on_wait=waited.append)
    assert waited
    assert not recording.is_running
    assert recording.has_ended_well
    assert "supervisord ended with status 0" == recording.explain_end()


def test_a_second_one_is_told_who_runs_and_how_to_stop_it(folder: Path) -> None:
    programs = make_programs(folder)
    recording = Recording(programs)
    recording.start()
    pid = recording.supervisor.find_pid()
    expected = rf"runs here already \(supervisord, process {pid}\).* -c {programs.conf} shutdown"
    with pytest.raises(BooktapeError, match=expected):
        Recording(programs).start()
    recording.drain(on_wait=lambda _: None)


def test_one_that_ends_at_once_is_explained_by_its_own_words(folder: Path) -> None:
    recording = Recording(make_programs(folder, CONF.replace("%(here)s/super", "/nowhere/super")))
    with pytest.raises(BooktapeError, match=r"supervisord ended with status \d: .*nowhere"):
        recording.start()
    assert not recording.has_ended_well


def test_one_that_does_not_answer_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.operator.supervision.recording.START_S", 0.0)
    recording = Recording(make_programs(folder))
    with pytest.raises(BooktapeError, match="supervisord does not answer on"):
        recording.start()
    assert not recording.is_running


def test_one_that_does_not_end_is_left_running(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording(make_programs(folder))
    recording.start()
    with monkeypatch.context() as patch:
        patch.setattr("services.operator.supervision.recording.DRAIN_S", 0.0)
        assert not recording.drain(on_wait=lambda _: None)
    assert recording.drain(on_wait=lambda _: None)


def test_without_the_command_nothing_is_started(folder: Path) -> None:
    programs = make_programs(folder)
    environment = {**programs.environment, "PATH": str(folder / "empty")}
    recording = Recording(programs._replace(environment=environment))
    with pytest.raises(BooktapeError, match="the command booktape is not in the PATH"):
        recording.start()
    assert not recording.is_running
