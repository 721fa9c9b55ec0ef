import shlex
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from services.__main__ import find_exchange_names
from services.operator.box.releases import READY, Box, ReleaseMove, SwitchError, make_command
from shared.process.settings import load

OLD, NEW = 40 * "a", 40 * "b"


@pytest.fixture
def box(tmp_path: Path) -> Box:
    for release in (OLD, NEW):
        folder = tmp_path / "releases" / release
        folder.mkdir(parents=True)
        (folder / READY).touch()
    return Box(tmp_path)


def test_a_link_names_a_release_and_then_another(box: Box) -> None:
    link = box.program("buffer_writer")
    assert "" == box.release(link)
    box.point(link, OLD)
    assert OLD == box.release(link)
    link.with_name("buffer_writer.new").symlink_to("left by an interruption")
    box.point(link, NEW)
    assert NEW == box.release(link)
    assert box.root / "releases" / NEW == link.resolve()
    assert [link] == list(link.parent.iterdir())


@pytest.mark.parametrize("release", [40 * "c", ""])
def test_what_is_not_there_is_named_by_no_link(box: Box, release: str) -> None:
    box.point(box.current, OLD)
    with pytest.raises(SwitchError, match="is not on this box, or not whole"):
        box.point(box.current, release)
    assert OLD == box.release(box.current)


def test_what_is_not_whole_is_named_by_no_link(box: Box) -> None:
    (box.root / "releases" / NEW / READY).unlink()
    with pytest.raises(SwitchError):
        box.point(box.current, NEW)
    assert "" == box.release(box.current)


def test_a_move_can_be_undone_and_turned_round(box: Box) -> None:
    move = ReleaseMove(box, "ingest_bitvavo", OLD, NEW, {})
    link = box.program("ingest_bitvavo")
    for step, expected in (
        (move.forth, NEW),
        (move.back, OLD),
        (move.reversed().forth, OLD),
        (move.reversed().back, NEW),
    ):
        step()
        assert expected == box.release(link)


def test_every_program_is_started_by_its_own_link(box: Box, tmp_path: Path) -> None:
    settings = load({"BOOKTAPE__STATE__PATH": "state"}, tmp_path, exchanges={})
    names = box.write_conf(settings)
    commands = {"buffer_writer": "write"}
    commands |= {f"ingest_{name}": f"ingest {name}" for name in find_exchange_names()}
    assert commands.keys() <= set(names)
    conf = RawConfigParser(inline_comment_prefixes=(";",))
    conf.read(box.conf, encoding="utf-8")
    for name, command in commands.items():
        expected = f"{box.program(name)}/.venv/bin/booktape {command}"
        assert expected == conf[f"program:{name}"]["command"]
    assert str(tmp_path / "state" / "run" / "supervisor.sock") == conf["unix_http_server"]["file"]
    assert (tmp_path / "state" / "log").is_dir()


def test_all_but_what_is_kept_is_removed_and_what_cannot_be_is_left(box: Box) -> None:
    (box.root / "releases" / "half").mkdir()
    (box.root / "releases" / "file").touch()
    box.prune({NEW})
    assert {NEW, "file"} == {path.name for path in (box.root / "releases").iterdir()}


@pytest.mark.parametrize("knows", [True, False])
def test_a_release_without_a_program_lets_it_sleep(tmp_path: Path, *, knows: bool) -> None:
    """What supervisord starts, with a command of that release and one of the release before."""
    own = tmp_path / "booktape"
    own.write_text(
        f"#!/bin/sh\n[ $1 = dashboard ] && {'true' if knows else 'false'} || exit 2\necho $*\n"
    )
    sleeping = tmp_path / "sleep"
    sleeping.write_text("#!/bin/sh\necho asleep\n")
    own.chmod(0o755)
    sleeping.chmod(0o755)
    command = make_command("dashboard", own, "dashboard --x").removeprefix("command=")
    said = subprocess.run(
        shlex.split(command),
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("dashboard --x\n" if knows else "asleep\n") == said.stdout
    for name in ("buffer_writer", "ingest_toy"):
        assert f"command={own} write" == make_command(name, own, "write")
