"""A supervisord in a folder of its own, and a stand-in for what it runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from services.__main__ import find_exchange_names
from services.operator.health.health import Process, gather
from services.operator.supervision.supervisor import Supervisor
from shared.process.state import INGEST_PREFIX, WRITER
from tests.support.paths import ROOT

WAIT_S = 60.0
SUPERVISOR = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--silent"]
SUPERVISORCTL = [sys.executable, "-m", "supervisor.supervisorctl"]

EXCHANGES = find_exchange_names()
# What supervisord runs, and under which names that reports which is of the tape.
PROGRAMS = [WRITER, "certifier", "dashboard", *(f"{INGEST_PREFIX}{name}" for name in EXCHANGES)]
PROCESSES = [WRITER, *(f"{INGEST_PREFIX}{name}-a" for name in EXCHANGES)]


def nowhere(*but: str) -> str:
    """Return a configuration in which nothing listens, and nothing beyond the loopback is asked."""
    address = 'websocket_url = "ws://127.0.0.1:9/"\nrest_url = "http://127.0.0.1:9"\n'
    return "".join(f"[exchanges.{name}]\n{address}" for name in EXCHANGES if name not in but)


# The real command, from this tree.
REAL = """#!{python}
import sys
sys.path.insert(0, {root!r})
from services.__main__ import main
sys.exit(main())
"""

# Says when it starts and stops; ends as a file tells it to, else at TERM.
STAND_IN = """#!{python}
import os, pathlib, signal, sys, time
name = "-".join(sys.argv[1:])
def say(what):
    with open("said", "a") as file:
        file.write(f"{{what}} {{name}} {{os.getpid()}}\\n")
def stop(*_):
    say("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
say("started")
plan = pathlib.Path(f"{{name}}.plan")
if plan.exists():
    status, life_s = plan.read_text().split()
    time.sleep(float(life_s))
    sys.exit(int(status))
while True:
    time.sleep(60)
"""


def install(folder: Path, script: str) -> dict[str, str]:
    """Put a `booktape` into the folder; return an environment whose PATH begins with it."""
    binaries = folder / "bin"
    binaries.mkdir(parents=True, exist_ok=True)
    command = binaries / "booktape"
    command.write_text(script.format(python=sys.executable, root=str(ROOT)), encoding="utf-8")
    command.chmod(0o755)
    environment = {name: text for name, text in os.environ.items() if "BOOKTAPE" not in name}
    path = os.pathsep.join([str(binaries), environment["PATH"]])
    return {**environment, "PATH": path, "PYTHONPATH": str(ROOT)}


class Standing:
    """A project folder with the real supervisor.conf in it."""

    def __init__(self, folder: Path, script: str = STAND_IN) -> None:
        self.folder = folder
        self.environment = install(folder, script)
        text = (ROOT / "supervisor.conf").read_text(encoding="utf-8")
        (folder / "supervisor.conf").write_text(text, encoding="utf-8")
        (folder / "booktape.toml").write_text(nowhere(), encoding="utf-8")
        for name in ("run", "log"):
            (folder / "var" / name).mkdir(parents=True)
        self.supervisor = Supervisor(folder / "var" / "run" / "supervisor.sock")

    @contextmanager
    def run(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run supervisord until the block ends, and all that it started."""
        with (self.folder / "output").open("ab") as output:
            child = subprocess.Popen(
                [*SUPERVISOR, "--configuration", "supervisor.conf"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            wait_until(lambda: self.supervisor.find_pid() == child.pid)
            yield child
        finally:
            if child.poll() is None:
                child.terminate()
            child.wait(WAIT_S)

    def control(
        self, *arguments: str, conf: str = "supervisor.conf"
    ) -> subprocess.CompletedProcess[str]:
        """Run supervisorctl as an operator does: in this folder, without any variable."""
        return subprocess.run(
            [*SUPERVISORCTL, "-c", conf, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    def booktape(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours in this folder."""
        return subprocess.run(
            [str(self.folder / "bin" / "booktape"), *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    def processes(self) -> dict[str, Process]:
        """Return how every process does, by its name."""
        health = gather(self.folder / "var", self.supervisor, now_ns=time.time_ns())
        return {process.name: process for process in health.processes}

    def has_reported(self, name: str) -> bool:
        """Say whether a process runs and says so itself."""
        process = self.processes().get(name)
        return process is not None and process.is_running and process.is_reporting

    def holder(self, name: str) -> int | None:
        """Return the pid of the process that holds the lock."""
        return self.processes()[name].pid

    def kill_orphans(self, pids: set[int]) -> None:
        """Kill those of the processes that still run in this folder."""
        for pid in pids - {0}:
            with suppress(OSError):  # it has ended
                if Path(f"/proc/{pid}/cwd").samefile(self.folder):
                    os.kill(pid, signal.SIGKILL)

    def said(self, what: str, name: str = "") -> list[tuple[str, int]]:
        """Return name and pid of each time that a stand-in said so."""
        try:
            lines = (self.folder / "said").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        words = [line.split() for line in lines]
        return [(w[1], int(w[2])) for w in words if w[0] == what and name in w[1]]

    def plan(self, name: str, *, status: int, life_s: float) -> None:
        """Tell the stand-in how to end."""
        (self.folder / f"{name}.plan").write_text(f"{status} {life_s}", encoding="utf-8")

    def state(self, program: str) -> str:
        """Return supervisord's word for a program."""
        return self.supervisor.programs()[program].statename


def wait_until(is_so: Callable[[], bool], *, seconds: float = WAIT_S) -> None:
    """Look again and again until it is so."""
    end_s = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end_s, "it never came to be"
        time.sleep(0.05)
