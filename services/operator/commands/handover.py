"""A handover restarts one feed without a hole: line b records while line a restarts."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from booktape.errors import BooktapeError
from services.operator.commands.stopping import Stopping, catch_stop
from services.operator.commands.up import say
from services.operator.health.health import LINE, Health, Process, gather
from services.operator.health.trouble import order
from services.operator.supervision.child import Lifeline
from services.operator.supervision.programs import find_environment, socket_path
from services.operator.supervision.supervisor import Supervisor, SupervisorError
from shared.process.settings import Settings
from shared.process.state import INGEST_PREFIX, StateFolder, ingest_name
from shared.process.status import IngestReport

OTHER_LINE = "b"
# Bitvavo's 437 markets each need a snapshot: 5 a second, which line a shares.
LIVE_S = 600.0
DRAIN_S = 60.0
LOOK_S = 0.5
LINE_S = 5.0


class HandoverError(BooktapeError):
    """Explain to the operator how far the handover came and what runs now."""


class Upgrade(Protocol):
    """Moves a program's next start to another release."""

    def forth(self) -> None:
        """Move the next start to the other release; line b is live."""
        ...

    def back(self) -> None:
        """Move the next start back; line b is still live."""
        ...


def run(
    exchange: str,
    settings: Settings,
    environment: Mapping[str, str],
    move: Upgrade | None = None,
    *,
    is_reconfigured: bool = False,
) -> int:
    """Hand the feed over and back; return 0 once a new line a is live and line b has drained.

    With a `move`, line a starts again as another release. If that release does not become live,
    line a starts as the old one, and the error says why. Line b records until then. With
    `is_reconfigured` the new line records other symbols: only the common ones must be live.
    """
    state = settings.state.path
    supervisor = Supervisor(socket_path(state))
    with catch_stop() as stopping:
        handover = _Handover(exchange, state, supervisor, stopping, is_reconfigured=is_reconfigured)
        before = handover.check()
        with _line_b(exchange, settings, environment) as is_alive:
            say(f"line b of {exchange} starts; line a goes on ({before.live} books)")
            handover.wait("b", lambda: handover.is_level(LINE, OTHER_LINE), is_alive)
            say(f"line b is live; restarting {INGEST_PREFIX}{exchange}")
            try:
                if move is not None:
                    move.forth()
                handover.restart(before.session, is_alive)
            except HandoverError as error:
                if move is None or not is_alive():
                    raise
                say(f"{error}; line a goes back to what it was")
                move.back()
                stopping.forget()
                handover.restart(handover.line(LINE).session, is_alive)
                raise
            say("line a is live again; draining line b")
    say(f"handed over: {exchange} records as {handover.line(LINE).session}")
    return 0


class _Handover:
    """Compares the reports of the two lines."""

    def __init__(
        self,
        exchange: str,
        state: Path,
        supervisor: Supervisor,
        stopping: Stopping,
        *,
        is_reconfigured: bool,
    ) -> None:
        self._is_reconfigured = is_reconfigured
        self._exchange = exchange
        self._state = state
        self._supervisor = supervisor
        self._stopping = stopping

    def check(self) -> IngestReport:
        """Return line a's report; raise if a handover cannot begin."""
        health = self._gather()
        name = f"{INGEST_PREFIX}{self._exchange}"
        if health.supervisor_pid is None:
            raise HandoverError("no supervisord answers, so nothing was done; start: booktape up")
        line_a, line_b = (_find(health, self._exchange, line) for line in (LINE, OTHER_LINE))
        if line_b is not None and line_b.is_running:
            raise HandoverError(
                f"line b of {self._exchange} runs already, process {line_b.pid}; nothing was done"
            )
        report = _said(line_a)
        if line_a is None or report is None or not report.live:
            raise HandoverError(
                f"no book of {name} is live, so there is nothing to hand over; "
                + order("restart", name, health)
            )
        if health.is_orphan(line_a):
            raise HandoverError(
                f"{name} is process {line_a.pid}, which an earlier supervisord left behind, so "
                f"this one cannot restart it; kill {line_a.pid}, which drains it"
            )
        if line_a.program_state is None:
            raise HandoverError(f"supervisord does not run {name}, so it cannot restart it")
        return report

    def restart(self, session: str, is_alive: Callable[[], bool]) -> None:
        """Restart line a, and wait until it is live in another session than this one."""
        try:
            self._supervisor.restart(f"{INGEST_PREFIX}{self._exchange}")
        except SupervisorError as error:
            say(f"{error}; line b records on while supervisord tries again")
        self.wait(LINE, lambda: self.is_new(session), is_alive)

    def line(self, line: str) -> IngestReport:
        """Return the last report of one line."""
        process = _find(self._gather(), self._exchange, line)
        found = process.ingest if process else None
        if found is None:
            raise HandoverError(f"line {line} of {self._exchange} is gone")
        return found

    def is_level(self, line: str, other: str) -> bool:
        """Return whether every symbol that is live on one line is live on the other."""
        health = self._gather()
        one, two = (_said(_find(health, self._exchange, name)) for name in (line, other))
        if one is None or two is None:
            return False
        return _covers(two, one, is_reconfigured=self._is_reconfigured)

    def is_new(self, session: str) -> bool:
        """Return whether line a runs in a new session with all of line b's symbols live."""
        found = _said(_find(self._gather(), self._exchange, LINE))
        is_new = found is not None and found.session != session
        return is_new and self.is_level(OTHER_LINE, LINE)

    def wait(self, line: str, is_done: Callable[[], bool], is_alive: Callable[[], bool]) -> None:
        """Wait until `is_done`; raise if that takes too long, line b ends or a signal comes."""
        start_s = time.monotonic()
        next_s = LINE_S
        while not is_done():
            waited_s = time.monotonic() - start_s
            if self._stopping.is_asked:
                raise HandoverError(f"stopped while waiting for line {line}; line b has drained")
            if not is_alive():
                raise HandoverError(
                    f"line b has ended by itself; see {_log_path(self._state, self._exchange)}"
                )
            if waited_s > LIVE_S:
                raise HandoverError(
                    f"line {line} is not live after {LIVE_S:g} s; line b has drained; see "
                    "booktape status"
                )
            if waited_s > next_s:
                next_s += LINE_S
                say(f"  waiting for line {line}: {self._describe(line)}")
            self._stopping.wait(LOOK_S)

    def _describe(self, line: str) -> str:
        found = _said(_find(self._gather(), self._exchange, line))
        return f"{found.state}, {found.live}/{found.symbols} live" if found else "not started yet"

    def _gather(self) -> Health:
        return gather(self._state, self._supervisor, now_ns=time.time_ns())


@contextmanager
def _line_b(
    exchange: str, settings: Settings, environment: Mapping[str, str]
) -> Iterator[Callable[[], bool]]:
    """Run line b as our child, which drains when we end, however we end."""
    lifeline = Lifeline()
    command = [sys.executable, "-P", "-m", "services", *lifeline.arguments, "ingest", exchange]
    log = _log_path(settings.state.path, exchange)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [*command, "--line", OTHER_LINE],
            env=find_environment(settings, environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=lifeline.descriptors,
            start_new_session=True,  # Ctrl-C reaches us alone
        )
    try:
        yield lambda: child.poll() is None
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            child.wait(DRAIN_S)
        except subprocess.TimeoutExpired:
            # Nothing is lost: line a adopts its journal within a minute.
            say(f"line b has not drained within {DRAIN_S:g} s and is killed; line a takes over")
            child.kill()
            child.wait()
        lifeline.close()


def _log_path(state: Path, exchange: str) -> Path:
    return StateFolder(state).log(ingest_name(exchange, OTHER_LINE))


def _find(health: Health, exchange: str, line: str) -> Process | None:
    for process in health.processes:
        if process.exchange == exchange and (process.line or "").endswith(line):
            return process
    return None


def _said(process: Process | None) -> IngestReport | None:
    """Return a line's report, if it is fresh."""
    return process.ingest if process and process.is_reporting else None


def _covers(one: IngestReport, other: IngestReport, *, is_reconfigured: bool = False) -> bool:
    """Return whether `one` has live what is live on `other`, as far as it records it."""
    wanted = max(1, min(other.live, one.symbols)) if is_reconfigured else other.live
    return one.live >= wanted and set(one.waiting) <= set(other.waiting)
