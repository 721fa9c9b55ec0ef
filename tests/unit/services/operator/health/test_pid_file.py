import os
from pathlib import Path

from services.operator.health.pid_file import find_conf, find_deaf, is_lost
from shared.process.state import StateFolder


def test_a_supervisord_that_lives_and_does_not_answer_is_deaf(tmp_path: Path) -> None:
    pid, processes = tmp_path / "supervisord.pid", tmp_path / "proc"
    assert find_deaf(pid, processes) is None
    pid.write_text("4711")
    assert find_deaf(pid, processes) is None
    (processes / "4711").mkdir(parents=True)
    (processes / "4711" / "cmdline").write_bytes(b"bash")
    assert find_deaf(pid, processes) is None  # the number was given to another one
    (processes / "4711" / "cmdline").write_bytes(b"python\0-m\0services.supervisord\0")
    assert 4711 == find_deaf(pid, processes)


def test_a_pid_that_nobody_has_is_of_one_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "supervisord.pid"
    assert not is_lost(path)
    for text, expected in (("4194305\n", True), (f"{os.getpid()}\n", False), ("?", False)):
        path.write_text(text)
        assert expected == is_lost(path)


def test_supervisorctl_takes_the_copy_of_this_state_else_the_file_beside_it(tmp_path: Path) -> None:
    state = tmp_path / "var"
    found: list[str | None] = []
    for place in (None, tmp_path / "supervisor.conf", state / "run" / "supervisor.conf"):
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        found.append(find_conf(StateFolder(state)))
    assert [None, str(tmp_path / "supervisor.conf"), str(place)] == found
