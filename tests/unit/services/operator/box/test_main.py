import fcntl
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from booktape.errors import ConfigError
from services.operator.box.main import run
from services.operator.box.releases import READY, Box
from shared.process.settings import Settings, load
from shared.process.signals import STOP_SIGNALS

RELEASE = 40 * "a"


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({}, tmp_path, exchanges={})


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    root = tmp_path / "opt"
    folder = root / "releases" / RELEASE
    folder.mkdir(parents=True)
    (folder / READY).touch()
    (root / "current").symlink_to(folder)
    return {"BOOKTAPE_ROOT": str(root)}


def test_before_a_start_every_program_is_of_the_current_release(
    settings: Settings, environment: dict[str, str]
) -> None:
    box = Box(Path(environment["BOOKTAPE_ROOT"]))
    assert 0 == run("settle", "", lambda _: settings, environment)
    names = ["buffer_writer", "ingest_bitvavo", "ingest_btcturk"]
    assert 3 * [RELEASE] == [box.release(box.program(name)) for name in names]


def test_a_fault_in_the_configuration_is_told_and_nothing_is_done(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> Settings:
        raise ConfigError(["writter: no such key"])

    assert 1 == run("settle", "", fail, environment)
    assert "refused, and nothing was done: writter: no such key\n" == capsys.readouterr().out


def test_where_nothing_runs_a_switch_fails_by_a_line(
    settings: Settings, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for action in ("deploy", "rollback", "drain"):
        assert 1 == run(action, RELEASE, lambda _: settings, environment)
        assert "supervisord does not answer" in capsys.readouterr().out


def test_a_second_switch_is_refused_and_touches_nothing(
    settings: Settings, environment: dict[str, str]
) -> None:
    root = Path(environment["BOOKTAPE_ROOT"])
    (root / "programs").mkdir()
    with (root / "programs" / "switch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SystemExit) as stop:
            run("settle", "", lambda _: settings, environment)
    assert 75 == stop.value.code
    assert ["switch.lock"] == [path.name for path in (root / "programs").iterdir()]


def test_a_signal_is_a_fault_and_a_second_one_is_not_heard(
    settings: Settings, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    def load_and_be_told(_: object) -> Settings:
        signal.raise_signal(signal.SIGTERM)
        return settings

    assert 1 == run("settle", "", load_and_be_told, environment)
    assert "stopped by SIGTERM\n" == capsys.readouterr().out
    signal.raise_signal(signal.SIGTERM)
