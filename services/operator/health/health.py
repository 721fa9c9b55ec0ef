"""What the state folder and supervisord say of every process, as values."""

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
from shared.process.state import INGEST_PREFIX, SINK_PREFIX, WRITER, StateFolder
from shared.process.status import (
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
LINE = "a"  # the last letter of the line that supervisord runs; before it is the cell
FOREIGN = "foreign"  # a process of another release, whose report this one cannot read

# supervisord has made the process, which has not got so far as to take its lock.
_BEGINNING = {"STARTING", "RUNNING"}


class Process(Struct, frozen=True, kw_only=True):
    """One feed, the writer or another program; `report` is what it says of itself."""

    name: str
    program: str
    exchange: str | None
    line: str | None
    is_running: bool
    pid: int | None  # of the lock's holder
    report_age_s: float | None
    program_state: str | None  # as supervisord sees it; None where it knows of none
    program_exitstatus: int | None
    report: ProcessReport | None
    parent_pid: int | None = None  # of the lock's holder, where the system tells it

    @property
    def is_supervised(self) -> bool:
        """Say whether it is what supervisord runs, and no line beside it."""
        return self.line is None or self.line.endswith(LINE)

    @property
    def is_reporting(self) -> bool:
        """Say whether its figures are of now, and of no process before it."""
        if self.pid and self.report and self.report.pid != self.pid:
            return False
        # One of the future is older than the clock, which was set back.
        return self.report_age_s is not None and abs(self.report_age_s) <= REPORT_AGE_S_MAX

    @property
    def state(self) -> str:
        """Return one word for how it does."""
        if not self.is_running:
            return "starting" if self.program_state in _BEGINNING else "stopped"
        if self.report is None and self.exchange is None and self.name != WRITER:
            return "running"  # one that never reports
        if not self.is_reporting:
            return "silent"
        known = self.ingest or self.writer
        if known:
            return known.state
        if self.sink:
            return self.sink.state
        return "running" if isinstance(self.report, ServiceReport) else FOREIGN

    @property
    def ingest(self) -> IngestReport | None:
        """Return what a feed says, in the form that this release knows."""
        return self.report if isinstance(self.report, IngestReport) else None

    @property
    def writer(self) -> WriterReport | None:
        """Return what the writer says, in the form that this release knows."""
        return self.report if isinstance(self.report, WriterReport) else None

    @property
    def sink(self) -> SinkReport | None:
        """Return what a sink says, in the form that this release knows."""
        return self.report if isinstance(self.report, SinkReport) else None


class JournalHealth(Struct, frozen=True):
    """One session's journal on disk; a live feed or an adopter owns it, or nobody."""

    exchange: str
    session: str
    bytes: int
    owner_pid: int | None
    is_delivered: bool  # the writer has its end; the folder goes when its feed hears of it
    written_ts: int | None = None  # when its last file was


class Health(Struct, frozen=True, kw_only=True):
    """All of it at one moment.

    A supervisord `is_lost` that has left its pid file behind and is gone: it was killed.
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
    supervisor_deaf_pid: int | None = None  # of one that lives and does not answer
    is_deploying: bool = False  # programs are of two releases for a while, and shall be
    conf: str | None = None  # the file that `supervisorctl -c` takes, if it is where we look
    programs: list[Process] = []  # those that are neither a feed nor the writer
    silences: list[Silence] = []  # that are not over

    def is_orphan(self, process: Process) -> bool:
        """Say whether a process runs in the place of one that supervisord would run."""
        if process.parent_pid is None or process.program_state is None:
            return False
        return process.parent_pid != self.supervisor_pid


def gather(state: Path, supervisor: Supervisor, *, now_ns: int) -> Health:
    """Return how everything stands; nothing is asked of the processes themselves."""
    pid = supervisor.find_pid()
    try:
        programs = supervisor.programs() if pid else {}
    except SupervisorError:  # it went between the two questions
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
    """Yield what supervisord runs, and what runs or has run beside it."""
    names = {_find_name(state, name) for name in programs if name.startswith(INGEST_PREFIX)}
    main = names | {WRITER}
    names |= {path.stem for path in state.status.glob(f"{INGEST_PREFIX}*.json")}
    for name in [*sorted(names), WRITER]:
        known = programs if name in main else {}
        process = _process(state, name, known, locked, now_ns)
        is_past = name not in main if programs else not process.is_supervised
        # Without the writer nothing is stored, so it is shown whether supervisord knows it or not.
        if process.is_running or not is_past or name == WRITER:
            yield process


def _others(
    state: StateFolder, programs: Mapping[str, Program], locked: Locked, now_ns: int
) -> Iterator[Process]:
    """Yield the programs that neither record nor write, and the sinks that somebody runs beside.

    Not each of them reports.
    """
    names = {name for name in programs if name != WRITER and not name.startswith(INGEST_PREFIX)}
    names |= {path.stem for path in state.status.glob(f"{SINK_PREFIX}*.json")}
    for name in sorted(names):
        is_sink, known = name.startswith(SINK_PREFIX), programs.get(name)
        report = read(state.report(name), SinkReport if is_sink else ServiceReport)
        holder = find_holder(state.sink_lock(name.removeprefix(SINK_PREFIX)), locked)
        pid = holder if is_sink else known.pid if known else None
        if known is None and pid is None:  # it fed once, and nobody wants it to any more
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
    """Return the process of a program: the one of its lines that reported last, whatever its cell.

    Its cell is in the configuration, which whoever looks need not have.
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
    """Yield every journal that is there, with what has become of it."""
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
        except FileNotFoundError:  # done with since it was listed
            continue
    return total
