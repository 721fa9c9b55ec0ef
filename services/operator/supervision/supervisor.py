"""Speaks to supervisord, the supervisor of all processes, over its socket."""

import socket
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from xmlrpc.client import Error, Fault, ServerProxy, Transport

from msgspec import Struct, convert
from typing_extensions import override

from booktape.errors import BooktapeError

# supervisord answers from memory.
ANSWER_S = 5.0
# An order waits for the process: stopwaitsecs and startsecs of supervisor.conf, and some.
ORDER_S = 90.0
# An orderly end takes no longer: the longest stopwaitsecs, and some.
RENEW_S = 75.0
LOOK_S = 0.1

_NOT_RUNNING = 70  # supervisor.xmlrpc.Faults.NOT_RUNNING


class SupervisorError(BooktapeError):
    """Explain to the operator that supervisord refused a request, or does not answer."""


class Program(Struct, frozen=True):
    """One program as supervisord sees it."""

    name: str
    statename: str  # RUNNING, STARTING, BACKOFF, STOPPING, STOPPED, EXITED, FATAL, UNKNOWN
    pid: int
    exitstatus: int
    description: str
    logfile: str


class Changes(NamedTuple):
    """The programs that supervisord's file adds, changes or drops."""

    added: list[str]
    changed: list[str]
    removed: list[str]


class Supervisor:
    """Speaks to the supervisord behind one unix socket; each call opens a connection."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find_pid(self) -> int | None:
        """Return supervisord's pid, or `None` if none answers."""
        try:
            return int(self._call("getPID", wait_s=ANSWER_S))
        except SupervisorError:
            return None

    def programs(self) -> dict[str, Program]:
        """Return every program by its name."""
        infos = self._call("getAllProcessInfo", wait_s=ANSWER_S)
        programs = convert(infos, list[Program])
        return {program.name: program for program in programs}

    def restart(self, name: str) -> None:
        """Restart the program, which drains it; start one that is not running.

        We signal a running program to end, and supervisord starts it again by itself: if we
        stopped it and died before the start, it would stay stopped.
        """
        found = self.programs().get(name)
        if found is None or found.statename != "RUNNING" or not self._renew(found):
            self.stop(name)
            self._call("startProcess", name, wait_s=ORDER_S)

    def _renew(self, before: Program) -> bool:
        """Signal a program to end; return whether a new process runs in its place."""
        self._call("signalProcess", before.name, "TERM", wait_s=ANSWER_S)
        end_s = time.monotonic() + RENEW_S
        while time.monotonic() < end_s:
            found = self.programs()[before.name]
            if found.pid != before.pid and found.statename not in {"STARTING", "EXITED"}:
                return found.statename == "RUNNING"
            time.sleep(LOOK_S)
        return False

    def stop(self, name: str) -> None:
        """Stop the program, which drains it; leave one that is not running."""
        try:
            self._call("stopProcess", name, wait_s=ORDER_S)
        except SupervisorError as error:
            fault = error.__cause__
            if not (isinstance(fault, Fault) and fault.faultCode == _NOT_RUNNING):
                raise

    def reread(self) -> Changes:
        """Make supervisord read its file again, which starts nothing; return the differences."""
        [[added, changed, removed]] = self._call("reloadConfig", wait_s=ANSWER_S)
        return Changes(added, changed, removed)

    def add(self, name: str) -> None:
        """Add a program from supervisord's file, and start it."""
        self._call("addProcessGroup", name, wait_s=ORDER_S)

    def remove(self, name: str) -> None:
        """Stop a program, and forget it."""
        self.stop(name)
        self._call("removeProcessGroup", name, wait_s=ORDER_S)

    def _call(self, method: str, *arguments: str, wait_s: float) -> Any:
        # The address is not used: the transport knows the socket.
        transport = _UnixTransport(self._path, wait_s)
        with ServerProxy("http://localhost", transport=transport) as server:
            try:
                return getattr(server.supervisor, method)(*arguments)
            except Fault as error:
                raise SupervisorError(
                    f"supervisord refused {method}: {error.faultString}"
                ) from error
            except (OSError, HTTPException, Error) as error:
                raise SupervisorError(
                    f"supervisord does not answer on {self._path}: {error}"
                ) from error


class _UnixTransport(Transport):
    """Carries XML-RPC over a unix socket, with the time limit that the standard transport lacks."""

    def __init__(self, path: Path, wait_s: float) -> None:
        super().__init__()
        self._path = path
        self._wait_s = wait_s

    @override
    def make_connection(self, host: str | tuple[str, dict[str, str]]) -> HTTPConnection:
        connection = _UnixConnection(self._path, self._wait_s)
        self._connection = host, connection  # so that the proxy closes it
        return connection


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path, wait_s: float) -> None:
        super().__init__("localhost", timeout=wait_s)
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
