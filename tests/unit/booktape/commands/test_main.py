import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from booktape import __version__
from booktape.commands import main as module
from booktape.commands.command import Command, Parser
from booktape.commands.main import FAULT_STATUS, build_parser, find_commands, guard, main
from booktape.errors import BooktapeError, ConfigError
from tests.support.paths import ROOT


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def use(monkeypatch: pytest.MonkeyPatch, *commands: Command) -> None:
    monkeypatch.setattr(module, "find_commands", lambda: list(commands))


def test_the_library_has_commands_and_the_collector_brings_more() -> None:
    names = [command.name for command in find_commands()]
    assert "verify" == names[0]
    assert {"up", "demo", "status", "ingest", "write", "simulate"} <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (ConfigError(["a = 1", "b = 2"]), 78, ["a = 1", "b = 2"]),
        (BooktapeError("it broke"), 1, ["it broke"]),
        (KeyboardInterrupt(), 130, []),
        (PermissionError(13, "Permission denied", "/x"), 1, ["Permission denied: /x"]),
        (OSError("odd"), 1, ["odd"]),
    ],
)
def test_an_error_is_a_line_and_a_status(
    error: BaseException, status: int, lines: list[str]
) -> None:
    def fail() -> int:
        raise error

    said: list[str] = []
    assert status == guard(fail, complain=said.append)
    assert lines == said


def test_a_command_runs_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Namespace] = []

    def run(parsed: Namespace) -> int:
        seen.append(parsed)
        return 3

    def add_far(parser: Parser) -> None:
        parser.add_argument("--far", action="store_true")

    use(
        monkeypatch,
        Command(
            name="look",
            summary="looks",
            example="booktape look --far",
            run=run,
            add_arguments=add_far,
        ),
        Command(name="raw", summary="x", example="booktape raw", run=run, explains_itself=True),
    )
    assert 3 == main(["look", "--far"])
    assert 3 == main(["raw", "--help", "-x"])
    assert seen[0].far
    assert ["--help", "-x"] == seen[1].arguments


def test_what_a_command_raises_is_told_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Namespace) -> int:
        raise BooktapeError("it broke")

    use(monkeypatch, Command(name="look", summary="looks", example="booktape look", run=fail))
    assert FAULT_STATUS == main(["look"])
    assert "booktape: it broke\n" == capsys.readouterr().err


@pytest.mark.parametrize("line", ["", "fly", "verify --dat x", "verify a b"])
def test_wrong_usage_is_one_clear_line(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(line.split())
    assert 2 == stop.value.code
    assert 1 == capsys.readouterr().err.count("\n")


def test_an_unknown_argument_names_the_command_whose_help_has_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["sample", "try", "--markets", "4"])
    expected = "booktape sample: unrecognized arguments: --markets 4; see booktape sample --help\n"
    assert expected == capsys.readouterr().err


@pytest.mark.parametrize("command", find_commands(), ids=lambda command: command.name)
def test_every_command_explains_itself_by_an_example_that_it_takes(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ["booktape", command.name] == command.example.split()[:2]
    if command.explains_itself:
        return
    parser = build_parser(find_commands())
    assert command.name == parser.parse_args(command.example.split()[1:]).command
    with pytest.raises(SystemExit) as stop:
        parser.parse_args([command.name, "--help"])
    assert 0 == stop.value.code
    assert f"example:\n  {command.example}" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert 0 == stop.value.code
    assert capsys.readouterr().out.startswith(f"booktape {__version__}")


def test_a_reader_who_has_seen_enough_gets_no_traceback() -> None:
    code = "from booktape.commands.main import main\nmain(['--help'])"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        assert b"Traceback" not in child.stderr.read()


def test_help_loads_nothing_that_takes_long() -> None:
    code = (
        "import sys\nfrom booktape.commands.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'pyarrow', 'boto3', 'zmq', 'requests', 'websockets'} & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", code]
    said = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.endswith("\n[]\n")


def test_an_output_that_knows_few_letters_ends_no_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services", "verify", f"file:{tmp_path}/b\xfccher"],
        env={"PATH": "", "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "b\\xfccher holds no tape" in done.stderr
