import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest

from tests.process.standing import EXCHANGES, PROCESSES, REAL, WAIT_S, Standing, wait_until

pytestmark = [pytest.mark.process, pytest.mark.slow]


class Up:
    """`booktape up` on a terminal that we read."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self.lines: list[str] = []
        self._reader = Thread(target=self._read)
        self._reader.start()

    def says(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def wait(self) -> int:
        status = self.child.wait(WAIT_S)
        self._reader.join()
        return status

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.append(line)


@contextmanager
def run_up(standing: Standing) -> Iterator[Up]:
    with subprocess.Popen(
        [str(standing.folder / "bin" / "booktape"), "up"],
        cwd=standing.folder,
        env=standing.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        up = Up(child)
        try:
            yield up
        finally:
            if child.poll() is None:
                child.terminate()
            up.wait()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_records_until_it_is_stopped_and_drains(tmp_path: Path, stop: signal.Signals) -> None:
    standing = Standing(tmp_path, REAL)
    with run_up(standing) as up:
        wait_until(lambda: all(map(standing.has_reported, PROCESSES)))
        wait_until(lambda: up.says(f"{EXCHANGES[0]} connecting 0/"))
        assert up.says(f"into file:{tmp_path / 'data'}")
        again = standing.booktape("up")
        assert 1 == again.returncode
        assert "booktape: booktape runs here already (supervisord, process" in again.stderr
        up.child.send_signal(stop)
        assert 0 == up.wait()
    assert up.says("draining: the feeds end their sessions")
    assert "drained: all of it is in the store\n" == up.lines[-1]
    verified = standing.booktape("verify")
    assert 0 == verified.returncode
    assert 2 == verified.stdout.count(" ended\n")


def test_an_exchange_that_cannot_be_reached_is_told_with_the_demo_and_tried_on(
    tmp_path: Path,
) -> None:
    standing = Standing(tmp_path, REAL)
    with run_up(standing) as up:
        wait_until(lambda: up.says("Without a network, see booktape work with: booktape demo"))
        assert up.says(" has been unreachable for 1")
        assert all(map(standing.has_reported, PROCESSES))


def test_a_faulty_configuration_is_told_before_anything_starts(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    (tmp_path / "booktape.toml").write_text("[writer]\nflush_rows = 0\n[storage]\nurl = 7\n")
    up = standing.booktape("up")
    assert 78 == up.returncode
    assert 2 == len(up.stderr.splitlines())
    assert all(line.startswith("booktape: ") for line in up.stderr.splitlines())
    assert not (tmp_path / "var" / "run" / "supervisor.sock").exists()


def test_when_supervisord_is_shut_down_or_killed_up_ends_too(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    with run_up(standing) as up:
        wait_until(lambda: all(map(standing.has_reported, PROCESSES)))
        assert 0 == standing.control("shutdown").returncode
        assert 0 == up.wait()
    assert up.says("supervisord ended with status 0")
    with run_up(standing) as up:
        wait_until(lambda: all(map(standing.has_reported, PROCESSES)))
        orphans = {program.pid for program in standing.supervisor.programs().values()}
        try:
            pid = standing.supervisor.find_pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert 1 == up.wait()
        finally:
            standing.kill_orphans(orphans)
    assert up.says("supervisord was killed by signal 9")


def test_a_state_somewhere_else_is_operated_by_the_file_in_it(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    state = tmp_path / "else" / ("where" * 25)
    with TemporaryDirectory() as runtime:  # a socket's path is short
        standing.environment |= {"BOOKTAPE__STATE__PATH": str(state), "XDG_RUNTIME_DIR": runtime}
        with run_up(standing) as up:
            wait_until(lambda: up.says("operate it:"))
            assert up.says(f"supervisorctl -c {state}/run/supervisor.conf status")
            conf = str(state / "run" / "supervisor.conf")
            wait_until(lambda: "RUNNING" in standing.control("status", conf=conf).stdout)
            assert f"state {state}" in standing.control("health", conf=conf).stdout
