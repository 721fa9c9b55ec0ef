"""Runs the walk, an ingest and a writer, as processes on their own configuration."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.usage import cpu_s
from booktape.proof.details import is_stopped
from booktape.proof.findings import Report
from booktape.proof.verify import verify
from booktape.settings_source import FILE_NAME, FILE_VARIABLE, PREFIX
from booktape.store.opening import open_store
from booktape.store.storage import Storage
from services.operator.commands.demo_folder import Address
from shared.process.state import WRITER, StateFolder, ingest_name
from shared.process.status import IngestReport, WriterReport, read

ROOT = Path(__file__).parents[1]
LOOK_S = 0.1
WAIT_S = 180.0  # the longest wait for anything


class Child:
    """One process; its CPU time stays known after its end."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._child = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stderr=subprocess.DEVNULL
        )
        self._used_s: float | None = None

    @property
    def pid(self) -> int:
        """Return its pid."""
        return self._child.pid

    @property
    def cpu_s(self) -> float:
        """Return its CPU seconds so far."""
        return cpu_s(self.pid) if self._used_s is None else self._used_s

    def stop(self) -> None:
        """End it by TERM and wait until it has drained; its status must be 0."""
        self._child.terminate()
        self.wait()

    def wait(self) -> None:
        """Wait until it has ended; its status must be 0."""
        end_s = time.monotonic() + WAIT_S
        while os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() > end_s:
                raise TimeoutError(f"{self.name} does not end")
            time.sleep(LOOK_S / 10)
        self._used_s = cpu_s(self.pid)  # while it can be asked
        status = self._child.wait()
        if status:
            raise RuntimeError(f"{self.name} ended with status {status}")

    def kill(self) -> None:
        """Kill it."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()


class Walk:
    """A folder with a configuration, and the processes that record into it."""

    def __init__(self, folder: Path, address: Address, *, symbols: str, channels: str) -> None:
        """Write the configuration: Bitvavo at this address, and the given lines of TOML."""
        self.folder = folder
        self._state = StateFolder(folder / "var")
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            "[exchanges.bitvavo]",
            f"symbols = {symbols}",
            f"channels = {channels}",
            f'websocket_url = "{address.websocket_url}"',
            f'rest_url = "{address.rest_url}"',
        ]
        (folder / FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._environment = {**own, FILE_VARIABLE: str(folder / FILE_NAME)}
        self._children: list[Child] = []

    def start(self, name: str, *command: str) -> Child:
        """Start a module of ours."""
        child = Child(name, [sys.executable, "-m", *command], self._environment)
        self._children.append(child)
        return child

    def live(self) -> int:
        """Return how many books are live."""
        feed = self._feed()
        return feed.live if feed else 0

    def recorded(self) -> int:
        """Return how many events the ingest has put into its journal."""
        feed = self._feed()
        return feed.journal_next if feed else 0

    def received(self) -> int:
        """Return how many events the writer has received."""
        return sum(find_received(self._state).values())

    def _feed(self) -> IngestReport | None:
        return read(self._state.report(ingest_name("bitvavo", "a")), IngestReport)

    def verify(self) -> Report:
        """Return what the tape proves, which must be that nothing was lost."""
        return prove(self.folder / "data")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for child in self._children:
            child.kill()


def prove(tape: Path) -> Report:
    """Return what a tape proves; faults, gaps or outages are errors, but for the end."""
    report = verify(open_store(Storage(url=f"file:{tape}")))
    lost = [row for session in report.sessions for row in (*session.gaps, *session.outages)]
    lost = [row for row in lost if not is_stopped(row.detail)]
    if not report.ok or not report.sessions or lost:
        faults = [str(fault) for fault in [*report.faults, *lost][:3]]
        raise RuntimeError(f"the tape in {tape} is not whole: {faults or 'no session'}")
    return report


def find_received(state: StateFolder) -> dict[str, int]:
    """Return the next number that the writer wants of each session, as it last said."""
    report = read(state.report(WRITER), WriterReport)
    sessions = report.sessions if report else {}
    return {session: expected for session, (_, expected) in sessions.items()}


def wait_for(what: str, is_true: Callable[[], bool], *, wait_s: float = WAIT_S) -> None:
    """Look again and again until it is true."""
    end_s = time.monotonic() + wait_s
    while not is_true():
        if time.monotonic() > end_s:
            raise TimeoutError(f"waited {wait_s:g} s in vain until {what}")
        time.sleep(LOOK_S)
