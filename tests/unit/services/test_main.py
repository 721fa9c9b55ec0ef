import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import services
from services import __main__ as command
from services.__main__ import find_exchange_names, find_exchanges, main
from tests.support.paths import ROOT

NAME = max(find_exchange_names(), key=len)  # whichever there are


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUPERVISOR_ENABLED", raising=False)


@pytest.fixture(autouse=True)
def _logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    yield
    logging.captureWarnings(capture=False)


def test_the_exchanges_are_the_folders_that_there_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = find_exchange_names()
    folders = (ROOT / "services").glob("ingest_*/__init__.py")
    assert before == sorted(path.parent.name.removeprefix("ingest_") for path in folders)
    assert before == [one.name for one in find_exchanges().values()]
    (tmp_path / "ingest_toy").mkdir()
    (tmp_path / "ingest_toy" / "__init__.py").touch()
    (tmp_path / "ingest_no_folder.txt").touch()
    monkeypatch.setattr(services, "__path__", [*services.__path__, str(tmp_path)])
    assert {*before, "toy"} == set(find_exchange_names())


def test_a_process_says_its_faults_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    Path("booktape.toml").write_text("[storage]\nurl = 7\n")
    assert 78 == main(["write"])
    assert 78 == main(["ingest", NAME, "--line", "b"])
    written, ingested = capsys.readouterr().err.splitlines()
    assert '"process": "buffer_writer"' in written
    assert f'"process": "ingest_{NAME}-b"' in ingested
    assert "storage.url = 7" in ingested


def test_a_process_that_breaks_says_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(command, "_write", fail)
    assert 1 == main(["write"])
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_simulator_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["simulate", "--help"])
    assert "booktape simulate " in capsys.readouterr().out


def test_the_exchanges_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["exchanges"])
    assert f"{NAME}  symbols" in capsys.readouterr().out


def test_nothing_runs_in_a_fresh_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["status"])
    assert "nothing runs" in capsys.readouterr().out


def test_there_is_no_tape_in_a_fresh_folder() -> None:
    assert 2 == main(["verify"])


def test_as_a_module_it_is_the_same_command() -> None:
    arguments = [sys.executable, "-m", "services", "exchanges"]
    said = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"{NAME}  symbols" in said
