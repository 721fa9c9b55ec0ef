"""Gathers the health of every process from the state folder and supervisord."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from booktape.store.files import PARTIAL_SUFFIX
from services.operator.health.left import find_delivered
from services.operator.health.locks import Locked, find_holder, find_locked
from services.operator.health.pid_file import find_conf, find_deaf, is_lost
from services.operator.health.silences import Silence, find_silences
from services.operator.supervision.supervisor import Program, Supervisor, SupervisorError
from shared.delivery.abandoned import LOCK_NAME, REMOVED_SUFFIX
from shared.process.state import CERTIFIER, INGEST_PREFIX, SINK_PREFIX, WRITER, StateFolder
from shared.process.status import (
    CertifierReport,
    IngestReport,
    ProcessReport,
    ServiceReport,
    SinkReport,
    WriterReport,
    read,
    read_head,
)

# Each process writes its report each second.
REPORT_AGE_S_MAX = 5.0
LINE = "a"  # supervisord's line ends with this letter, after the cell
FOREIGN = "foreign"  # a process of another release, whose report this one cannot read

# Reports of programs that neither record nor write.
_REPORTS: Mapping[str, type[ProcessReport]] = {CERTIFIER: CertifierReport}
# supervisord has started the process, which has not taken its lock yet.
_BEGINNING = {"STARTING", "RUNNING"}


class Process(Struct, frozen=True, kw_only=True):
    """One feed, the writer or another program, with its last `report`."""

    name: str
    program: str
    exchange: str | None
    line: str | None
    is_running: bool
    pid: int | None  # the lock's holder
    report_age_s: float | None
    program_state: str | None  # as supervisord reports it; None if it does not know the program
    program_exitstatus: int | None
    report: ProcessReport | None
    parent_pid: int | None = None  # the parent of the lock's holder, if the system shows it

    @property
    def is_supervised(self) -> bool:
        """Return whether supervisord runs it, unlike a line beside it."""
        return self.line is None or self.line.endswith(LINE)

    @property
    def is_reporting(self) -> bool:
        """Return whether its report is fresh, and of this very process."""
        if self.pid and self.report and self.report.pid != self.pid:
            return False
        # A report from the future is old: somebody set the clock back.
        return self.report_age_s is not None and abs(self.report_age_s) <= REPORT_AGE_S_MAX

    @property
    def state(self) -> str:
        """Return its state in one word."""
        if not self.is_running:
            return "starting" if self.program_state in _BEGINNING else "stopped"
        if self.report is None and self.exchange is None and self.name != WRITER:
            return "running"  # one that never reports
        if not self.is_reporting:
            return "silent"
        known = self.ingest or self.writer
        if known:
            return known.state
        if isinstance(self.report, SinkReport | CertifierReport):
            return self.report.state
        return "running" if isinstance(self.report, ServiceReport) else FOREIGN

    @property
    def ingest(self) -> IngestReport | None:
        """Return the report of a feed, if this release can read it."""
        return self.report if isinstance(self.report, IngestReport) else None

    @property
    def writer(self) -> WriterReport | None:
        """Return the report of the writer, if this release can read it."""
        return self.report if isinstance(self.report, WriterReport) else None

    @property
    def sink(self) -> SinkReport | None:
        """Return the report of a sink, if this release can read it."""
        return self.report if isinstance(self.report, SinkReport) else None


class JournalHealth(Struct, frozen=True):
    """One session's journal on disk; a live feed, an adopter or nobody owns it."""

    exchange: str
    session: str
    bytes: int
    owner_pid: int | None
    is_delivered: bool  # the writer has its end; its feed will remove the folder
    written_ts: int | None = None  # the time of its last file


class Health(Struct, frozen=True, kw_only=True):
    """The health of all processes at one moment.

    `is_lost`: supervisord was killed, and left its pid file behind.
    """

    ts: int
    state_path: str
    supervisor_pid: int | None
    processes: list[Process]
    journals: list[JournalHealth]
    spool_bytes: int
    spool_flushes: int
    conflicts: int
    is_supervisor_lost: bool = False
    supervisor_deaf_pid: int | None = None  # of a supervisord that lives but does not answer
    is_deploying: bool = False  # meanwhile the programs may run two releases
    conf: str | None = None  # the file for `supervisorctl -c`, if found
    programs: list[Process] = []  # programs that are neither a feed nor the writer
    silences: list[Silence] = []  # those that still hold

    def is_orphan(self, process: Process) -> bool:
        """Return whether a process runs in place of one that supervisord would run."""
        if process.parent_pid is None or process.program_state is None:
            return False
        return process.parent_pid != self.supervisor_pid


def gather(state: Path, supervisor: Supervisor, *, now_ns: int) -> Health:
    """Return the health of all processes; ask none of them."""
    pid = supervisor.find_pid()
    try:
        programs = supervisor.programs() if pid else {}
    except SupervisorError:  # it ended between the two questions
        pid, programs = None, {}
    locked = find_locked()
    folder = StateFolder(state)
    return Health(
        ts=now_ns,
        state_path=str(state),
        supervisor_pid=pid,
        processes=list(_processes(folder, programs, locked, now_ns)),
        journals=list(find_journals(folder, locked)),
        spool_bytes=_bytes(folder.spool, "*.parquet"),
        spool_flushes=len(list(folder.spool.glob("*.json"))),
        conflicts=len(list(folder.conflict.glob("*.json"))),
        is_deploying=find_holder(folder.deploy_lock, locked) is not None,
        is_supervisor_lost=pid is None and is_lost(folder.supervisor_pid),
        supervisor_deaf_pid=None if pid else find_deaf(folder.supervisor_pid),
        conf=find_conf(folder),
        programs=list(_others(folder, programs, locked, now_ns)),
        silences=find_silences(folder, now_ns),
    )


def _processes(
    state: StateFolder, programs: Mapping[str, Program], locked: Locked, now_ns: int
) -> Iterator[Process]:
    """Yield supervisord's processes, and others that run or have run beside it."""
    names = {_find_name(state, name) for name in programs if name.startswith(INGEST_PREFIX)}
    main = names | {WRITER}
    names |= {path.stem for path in state.status.glob(f"{INGEST_PREFIX}*.json")}
    for name in [*sorted(names), WRITER]:
        known = programs if name in main else {}
        process = _process(state, name, known, locked, now_ns)
        is_past = name not in main if programs else not process.is_supervised
        # Without the writer nothing is stored, so the writer is always shown.
        if process.is_running or not is_past or name == WRITER:
            yield process


def _others(
    state: StateFolder, programs: Mapping[str, Program], locked: Locked, now_ns: int
) -> Iterator[Process]:
    """Yield the programs that neither record nor write, and sinks that run beside supervisord.

    Not each of them reports.
    """
    names = {name for name in programs if name != WRITER and not name.startswith(INGEST_PREFIX)}
    names |= {path.stem for path in state.status.glob(f"{SINK_PREFIX}*.json")}
    for name in sorted(names):
        is_sink, known = name.startswith(SINK_PREFIX), programs.get(name)
        kind = SinkReport if is_sink else _REPORTS.get(name, ServiceReport)
        report = read(state.report(name), kind)
        holder = find_holder(state.sink_lock(name.removeprefix(SINK_PREFIX)), locked)
        pid = holder if is_sink else known.pid if known else None
        if known is None and pid is None:  # a former sink, no longer configured
            continue
        yield Process(
            name=name,
            program=name,
            exchange=None,
            line=None,
            is_running=bool(pid),
            pid=pid or None,
            report_age_s=(now_ns - report.ts_written) / 1e9 if report else None,
            program_state=known.statename if known else None,
            program_exitstatus=known.exitstatus if known else None,
            report=report,
        )


def _find_name(state: StateFolder, program: str) -> str:
    """Return the name of a program's line that reported last, whatever its cell.

    The cell is in the configuration, which the caller need not have.
    """
    reports = state.status.glob(f"{program}-*{LINE}.json")
    newest = max(reports, key=lambda path: path.stat().st_mtime_ns, default=None)
    return newest.stem if newest else f"{program}-{LINE}"


def _process(
    state: StateFolder,
    name: str,
    programs: Mapping[str, Program],
    locked: Locked,
    now_ns: int,
) -> Process:
    program, _, line = name.partition("-")
    exchange = program.removeprefix(INGEST_PREFIX) if line else None
    lock = state.ingest_lock(exchange, line) if exchange else state.writer_lock
    pid = find_holder(lock, locked)
    path = state.report(name)
    report = read(path, IngestReport if exchange else WriterReport) or read_head(path)
    age_s = (now_ns - report.ts_written) / 1e9 if report else None
    known = programs.get(program)
    return Process(
        name=name,
        program=program,
        exchange=exchange,
        line=line or None,
        is_running=pid is not None,
        pid=pid,
        report_age_s=age_s,
        program_state=known.statename if known else None,
        program_exitstatus=known.exitstatus if known else None,
        parent_pid=_find_parent(pid) if pid else None,
        report=report,
    )


def _find_parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # 4711 (name) S 1 ...: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    return int(stat.rpartition(")")[2].split()[1])


def find_journals(state: StateFolder, locked: Locked) -> Iterator[JournalHealth]:
    """Yield every journal on disk, with its state."""
    delivered = find_delivered(state.sessions, state.spool)
    for folder in sorted(state.journals.glob("*/*")):
        if folder.is_dir() and not folder.name.endswith((PARTIAL_SUFFIX, REMOVED_SUFFIX)):
            yield JournalHealth(
                exchange=folder.parent.name,
                session=folder.name,
                bytes=_bytes(folder, "*.journal"),
                owner_pid=find_holder(folder / LOCK_NAME, locked),
                is_delivered=folder.name in delivered,
                written_ts=_written(folder, "*.journal"),
            )


def _written(folder: Path, pattern: str) -> int | None:
    times = []
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):
            times.append(path.stat().st_mtime_ns)
    return max(times, default=None)


def _bytes(folder: Path, pattern: str) -> int:
    total = 0
    for path in folder.glob(pattern):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # delivered and removed since it was listed
            continue
    return total
