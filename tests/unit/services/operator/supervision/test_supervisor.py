import socket
from collections.abc import Iterator
from pathlib import Path
from socketserver import UnixStreamServer
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

import pytest

from services.operator.supervision import supervisor as module
from services.operator.supervision.supervisor import Supervisor, SupervisorError

NOT_RUNNING, SPAWN_ERROR = 70, 50


class Handler(SimpleXMLRPCRequestHandler):
    disable_nagle_algorithm = False  # a unix socket knows none


class Server(UnixStreamServer, SimpleXMLRPCDispatcher):
    """Answer as supervisord does."""

    logRequests = False  # noqa: N815 (as the standard library spells it)

    def __init__(self, path: Path) -> None:
        SimpleXMLRPCDispatcher.__init__(self)
        UnixStreamServer.__init__(self, str(path), Handler)
        self.orders: list[tuple[str, str]] = []
        self.faults: dict[str, Fault] = {}
        self.register_function(lambda: 4711, "supervisor.getPID")
        self.infos = [INFO]  # each told once, the last for ever
        self.register_function(self.tell, "supervisor.getAllProcessInfo")
        self.register_function(self.signal, "supervisor.signalProcess")
        self.register_function(lambda: [[["new"], ["other"], ["gone"]]], "supervisor.reloadConfig")
        names = ("stopProcess", "startProcess", "addProcessGroup", "removeProcessGroup")
        for name in names:
            self.register_function(self.order(name), f"supervisor.{name}")

    def tell(self) -> list[dict[str, Any]]:
        return [self.infos.pop(0) if len(self.infos) > 1 else self.infos[0]]

    def signal(self, program: Any, name: Any) -> bool:
        self.orders.append((name, program))
        return True

    def order(self, name: str):  # type: ignore[no-untyped-def]
        def take(program: Any) -> bool:
            self.orders.append((name, program))
            if name in self.faults:
                raise self.faults[name]
            return True

        return take


INFO = {
    "name": "buffer_writer",
    "group": "buffer_writer",
    "start": 1,
    "statename": "RUNNING",
    "pid": 7,
    "exitstatus": 0,
    "description": "pid 7, uptime 0:00:03",
    "logfile": "/var/log/buffer_writer.log",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:  # a socket's path is short
        yield Path(name)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with Server(folder / "s") as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_where_nobody_listens_there_is_no_supervisord(folder: Path) -> None:
    supervisor = Supervisor(folder / "s")
    assert supervisor.find_pid() is None
    with pytest.raises(SupervisorError, match="does not answer on"):
        supervisor.programs()


def test_one_that_hangs_is_not_waited_for_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s"))
        listening.listen()
        assert Supervisor(folder / "s").find_pid() is None


def test_it_says_what_runs(folder: Path, server: Server) -> None:
    supervisor = Supervisor(folder / "s")
    assert 4711 == supervisor.find_pid()
    [program] = supervisor.programs().values()
    assert ("buffer_writer", "RUNNING", 7) == (program.name, program.statename, program.pid)
    assert [] == server.orders


def test_what_runs_is_told_to_end_and_is_never_stopped(folder: Path, server: Server) -> None:
    ended = {**INFO, "pid": 0, "statename": "EXITED"}
    starting = {**INFO, "pid": 8, "statename": "STARTING"}
    server.infos += [INFO, ended, starting, {**INFO, "pid": 8}]
    Supervisor(folder / "s").restart("buffer_writer")
    assert [("TERM", "buffer_writer")] == server.orders
    assert 1 == len(server.infos)  # it has waited until the other one runs


@pytest.mark.parametrize("statename", ["RUNNING", "BACKOFF", "FATAL"])
def test_what_does_not_come_back_is_stopped_and_started(
    folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch, statename: str
) -> None:
    monkeypatch.setattr(module, "RENEW_S", 0.2)
    pid = 7 if statename == "RUNNING" else 0
    server.infos += [{**INFO, "pid": pid, "statename": statename}]
    Supervisor(folder / "s").restart("buffer_writer")
    expected = ["TERM", "stopProcess", "startProcess"]
    assert expected == [order for order, _ in server.orders]


def test_a_restart_stops_and_starts_what_does_not_run_well(folder: Path, server: Server) -> None:
    server.infos = [{**INFO, "statename": "BACKOFF"}]
    Supervisor(folder / "s").restart("buffer_writer")
    assert ["stopProcess", "startProcess"] == [order for order, _ in server.orders]


def test_a_restart_starts_what_was_not_running(folder: Path, server: Server) -> None:
    server.faults["stopProcess"] = Fault(NOT_RUNNING, "NOT_RUNNING: x")
    Supervisor(folder / "s").restart("x")
    assert ("startProcess", "x") == server.orders[-1]


def test_a_refused_order_is_told(folder: Path, server: Server) -> None:
    server.faults["startProcess"] = Fault(SPAWN_ERROR, "SPAWN_ERROR: x")
    with pytest.raises(SupervisorError, match="refused startProcess: SPAWN_ERROR: x"):
        Supervisor(folder / "s").restart("x")
    server.faults["stopProcess"] = Fault(10, "BAD_NAME: x")
    with pytest.raises(SupervisorError, match="refused stopProcess: BAD_NAME: x"):
        Supervisor(folder / "s").restart("x")


def test_it_tells_in_what_its_file_differs(folder: Path, server: Server) -> None:
    changes = Supervisor(folder / "s").reread()
    assert (["new"], ["other"], ["gone"]) == changes
    assert [] == server.orders


def test_a_program_is_taken_up_and_one_that_is_forgotten_is_stopped_first(
    folder: Path, server: Server
) -> None:
    Supervisor(folder / "s").add("x")
    Supervisor(folder / "s").remove("y")
    expected = [("addProcessGroup", "x"), ("stopProcess", "y"), ("removeProcessGroup", "y")]
    assert expected == server.orders


def test_a_stop_of_what_does_not_run_is_none(folder: Path, server: Server) -> None:
    server.faults["stopProcess"] = Fault(NOT_RUNNING, "NOT_RUNNING: x")
    Supervisor(folder / "s").stop("x")
    assert [("stopProcess", "x")] == server.orders
