"""Lays out the state folder, in which each process finds the files of all others."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from booktape.keys import exchange_of

WRITER: Final = "buffer_writer"
DASHBOARD: Final = "dashboard"
CERTIFIER: Final = "certifier"
INGEST_PREFIX: Final = "ingest_"
SINK_PREFIX: Final = "sink_"
CONFLICT: Final = "conflict"
_JSON: Final = ".json"


def ingest_name(exchange: str, line: str) -> str:
    """Return the name of the process that records one line of an exchange."""
    return f"{INGEST_PREFIX}{exchange}-{line}"


def sink_name(sink: str) -> str:
    """Return the name of the process, and of the program, that feeds a sink."""
    return f"{SINK_PREFIX}{sink}"


class StateFolder(Struct, frozen=True):
    """Names the paths in the state folder; makes none of them."""

    path: Path

    @property
    def journals(self) -> Path:
        """Return the folder that has a folder of journals for each exchange."""
        return self.path / "journal"

    def journals_of(self, exchange: str) -> Path:
        """Return the folder of an exchange's journals."""
        return self.journals / exchange

    def journal(self, session: str) -> Path:
        """Return the folder of one session's journal."""
        return self.journals_of(exchange_of(session)) / session

    @property
    def sessions(self) -> Path:
        """Return the folder of the writer's records of sessions."""
        return self.path / "sessions"

    def session(self, session: str) -> Path:
        """Return the file of the writer's record of one session."""
        return self.sessions / f"{session}{_JSON}"

    @property
    def spool(self) -> Path:
        """Return the folder of committed flushes that the store does not have yet."""
        return self.path / "spool"

    @property
    def conflict(self) -> Path:
        """Return the folder of flushes that the writer set aside."""
        return self.spool / CONFLICT

    @property
    def reserve(self) -> Path:
        """Return the file that keeps room for one flush."""
        return self.spool / "reserve"

    @property
    def home(self) -> Path:
        """Return the file that names the store to which the spool belongs."""
        return self.spool / "store"

    @property
    def status(self) -> Path:
        """Return the folder of the processes' reports."""
        return self.path / "status"

    def report(self, process: str) -> Path:
        """Return the file of one process's report."""
        return self.status / f"{process}{_JSON}"

    def live_books(self, exchange: str, line: str) -> Path:
        """Return the file of the books of one line that somebody looks at."""
        return self.status / f"books_{exchange}-{line}{_JSON}"

    def lease(self, exchange: str) -> Path:
        """Return the file of the lease: the wanted books, and its end."""
        return self.path / "watch" / f"{exchange}{_JSON}"

    @property
    def deploy_lock(self) -> Path:
        """Return the file that a deploy holds while it moves programs."""
        return self._locks / "deploy.lock"

    @property
    def writer_lock(self) -> Path:
        """Return the file that the one writer holds."""
        return self._locks / "writer.lock"

    @property
    def dashboard_lock(self) -> Path:
        """Return the file that the reporting dashboard holds."""
        return self._locks / "dashboard.lock"

    @property
    def certifier_lock(self) -> Path:
        """Return the file that the one certifier holds."""
        return self._locks / "certifier.lock"

    @property
    def certify(self) -> Path:
        """Return the folder in which the certifier writes a day before it stores it."""
        return self.path / "certify"

    def ingest_lock(self, exchange: str, line: str) -> Path:
        """Return the file that the one ingest of a line holds."""
        return self._locks / f"{exchange}-{line}.lock"

    def sink_lock(self, name: str) -> Path:
        """Return the file that the one process of a sink holds."""
        return self._locks / f"{SINK_PREFIX}{name}.lock"

    def sink(self, name: str) -> Path:
        """Return the file of a sink's cursor."""
        return self.path / "sinks" / f"{name}{_JSON}"

    @property
    def silences(self) -> Path:
        """Return the folder with a file for each silenced exchange."""
        return self.path / "silences"

    def silence(self, exchange: str) -> Path:
        """Return the file that silences the troubles of an exchange."""
        return self.silences / f"{exchange}{_JSON}"

    @property
    def _locks(self) -> Path:
        return self.path / "locks"

    def last_session(self, exchange: str, line: str) -> Path:
        """Return the file that names the last session of a line."""
        return self.path / "lines" / f"{exchange}-{line}{_JSON}"

    def instruments(self, exchange: str, line: str) -> Path:
        """Return the file of the markets that a line has recorded."""
        return self.path / "instruments" / f"{exchange}-{line}{_JSON}"

    def limits(self, exchange: str) -> Path:
        """Return the file of the points lately spent of an exchange's limits."""
        return self.path / "limits" / f"{exchange}{_JSON}"

    @property
    def logs(self) -> Path:
        """Return the folder of the processes' logs."""
        return self.path / "log"

    def log(self, program: str) -> Path:
        """Return the log of one program."""
        return self.logs / f"{program}.log"

    @property
    def run(self) -> Path:
        """Return the folder of sockets and of supervisord's own files."""
        return self.path / "run"

    @property
    def wanted_by_supervisor(self) -> tuple[Path, Path]:
        """Return the folders that supervisord needs before it starts."""
        return self.run, self.logs

    @property
    def supervisor_pid(self) -> Path:
        """Return the file that names the running supervisord, as supervisor.conf says."""
        return self.run / "supervisord.pid"

    @property
    def supervisor_conf(self) -> Path:
        """Return the copy of supervisor.conf that `booktape up` made for this folder."""
        return self.run / "supervisor.conf"
