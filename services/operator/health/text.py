"""Formats the health of all processes as text for one screen."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from booktape.release import RELEASE
from services.operator.health.health import Health, Process
from services.operator.health.troubles import find_silenced, find_troubles, format_names
from shared.process.state import WRITER
from shared.process.status import ServiceReport

NOTHING = "-"
FEED_COLUMNS = (
    "feed",
    "state",
    "for",
    "messages/s",
    "last data",
    "live",
    "gaps today",
    "reconnects",
    "journal",
)
_UNITS = ("B", "kB", "MB", "GB", "TB")


def format_health(health: Health) -> str:
    """Return the lines of `booktape status`."""
    troubles = find_troubles(health)
    return "\n".join(
        [
            *_head(health),
            "",
            *_table([FEED_COLUMNS, *(_feed(p, health) for p in health.processes if p.exchange)]),
            "",
            *_writer(health),
            *_journals(health),
            *_unknown(health),
            *_malformed(health),
            *_sinks(health),
            *_silences(health),
            *_calls(health),
            *_clock(health),
            "",
            *([f"! {trouble.sentence}" for trouble in troubles] or ["all well"]),
        ]
    )


def format_bytes(size: float) -> str:
    """Return a size in its own unit."""
    for unit in _UNITS[:-1]:
        if size < 1000:  # noqa: PLR2004 - the unit says it
            return f"{size:.3g} {unit}" if size % 1 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.3g} {_UNITS[-1]}"


def format_age(seconds: float) -> str:
    """Return a duration, roughly."""
    for unit, in_it in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * in_it:
            return f"{seconds / in_it:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def format_number(number: float | None) -> str:
    """Return a figure, or a dash without one."""
    if number is None:
        return NOTHING
    return f"{number:,.0f}" if number >= 100 or number % 1 == 0 else f"{number:.1f}"  # noqa: PLR2004


def since(ts: float | None, now_ns: int) -> str:
    """Return the time since a moment."""
    return format_age((now_ns - ts) / 1e9) if ts else NOTHING


def _head(health: Health) -> Iterator[str]:
    moment = datetime.fromtimestamp(health.ts // 10**9, tz=UTC)
    pid = health.supervisor_pid
    supervisor = f"supervisord pid {pid}" if pid else "no supervisord"
    yield f"{moment:%Y-%m-%d %H:%M:%S} UTC   {supervisor}   state {health.state_path}   {RELEASE}"


def _feed(process: Process, health: Health) -> tuple[str, ...]:
    name = process.name.removeprefix("ingest_").removesuffix("-a")
    report = process.ingest
    if not process.is_reporting or report is None:
        return name, process.state, *[NOTHING] * (len(FEED_COLUMNS) - 3), _journal(process, health)
    last = report.last_data_ts
    return (
        name,
        process.state,
        since(report.since, health.ts),
        format_number(report.messages_per_s),
        f"{since(last, health.ts)} ago" if last else NOTHING,
        f"{report.live}/{report.symbols}",
        format_number(report.gaps_today),
        format_number(report.reconnects),
        _journal(process, health),
    )


def _journal(process: Process, health: Health) -> str:
    suffix = f"-{process.exchange}-{process.line}"
    report = process.ingest
    if process.is_reporting and report and report.journal_waiting_bytes is not None:
        return format_bytes(report.journal_waiting_bytes)
    mine = [journal.bytes for journal in health.journals if journal.session.endswith(suffix)]
    return format_bytes(sum(mine))


def _writer(health: Health) -> Iterator[str]:
    writer = next(process for process in health.processes if process.name == WRITER)
    spool = f"spool    {format_bytes(health.spool_bytes)} in {health.spool_flushes} flushes"
    report = writer.writer
    if not writer.is_reporting or report is None:
        yield f"writer   {writer.state}"
        yield spool
        return
    flushed, uploaded = report.last_flush_ts, report.last_upload_ts
    rows = format_number(report.last_flush_rows)
    yield (
        f"writer   {writer.state}, {format_number(report.rows_per_s)} rows/s, "
        f"{format_number(report.rows_buffered)} rows held, last flush "
        + (f"{since(flushed, health.ts)} ago ({rows} rows)" if flushed else NOTHING)
    )
    yield f"{spool}, last upload " + (f"{since(uploaded, health.ts)} ago" if uploaded else NOTHING)


def _journals(health: Health) -> Iterator[str]:
    for journal in health.journals:
        if journal.owner_pid is None and not journal.is_delivered:
            size = format_bytes(journal.bytes)
            yield f"journal  {journal.session}: {size}, waits for a feed to adopt it"


def _sinks(health: Health) -> Iterator[str]:
    """Yield the progress of each sink."""
    for process in health.programs:
        report = process.sink
        if report and process.is_reporting:
            fed = f"{since(report.last_fed_ts, health.ts)} ago" if report.last_fed_ts else NOTHING
            rows, due = format_number(report.rows), format_number(report.flushes_due)
            yield (
                f"sink     {report.sink}: {process.state}, {rows} rows fed, last {fed}, "
                f"{due} flushes to come"
            )


def _calls(health: Health) -> Iterator[str]:
    """Yield a line if troubles call nobody."""
    reports = [process.report for process in health.programs]
    if any(isinstance(report, ServiceReport) and report.calls is False for report in reports):
        yield "alerts   nobody is called: [alerts] webhook_url is empty"


def _silences(health: Health) -> Iterator[str]:
    """Yield each silence: its exchange, its end, the troubles that it hides."""
    silenced = find_silenced(health)
    for silence in health.silences:
        until = datetime.fromtimestamp(silence.until // 10**9, tz=UTC)
        codes = [trouble.code for trouble in silenced if trouble.exchange == silence.exchange]
        what = f": {format_names(codes)}" if codes else ""
        yield f"silence  {silence.exchange} until {until:%Y-%m-%d %H:%M:%S} UTC{what}"


def _unknown(health: Health) -> Iterator[str]:
    """Yield the counts of messages of unknown kinds."""
    for process in health.processes:
        unknown = process.ingest.counts.unknown if process.ingest else {}
        if unknown:
            kinds = _format_most(unknown)
            yield f"unknown  {process.exchange} sends messages of unknown kinds: {kinds}"


def _malformed(health: Health) -> Iterator[str]:
    """Yield the counts of unreadable messages by reason, and of unreadable values by column."""
    for process in health.processes:
        counts = process.ingest.counts if process.ingest else None
        if counts and counts.malformed_reasons:
            reasons = _format_most(counts.malformed_reasons)
            yield f"refused  {process.exchange} sent messages that we cannot read: {reasons}"
        if counts and counts.unread:
            columns = _format_most(counts.unread)
            yield f"unread   {process.exchange} sent values that we cannot read: {columns}"


def _format_most(counts: dict[str, int]) -> str:
    most = sorted(counts, key=lambda kind: (-counts[kind], kind))
    return format_names([f"{kind} ({counts[kind]:,})" for kind in most])


def _clock(health: Health) -> Iterator[str]:
    """Yield the kernel's report on the clock, if it has one."""
    reports = (p.ingest for p in health.processes if p.is_reporting and p.ingest)
    report = next((each for each in reports if each.clock_synchronised is not None), None)
    if report is not None and report.clock_offset_s is not None:
        word = "synchronised" if report.clock_synchronised else "not synchronised"
        offset, most = map(_format_short, (report.clock_offset_s, report.clock_error_s_max or 0.0))
        yield f"clock    {word}, offset {offset}, at most {most} off"


def _format_short(seconds: float) -> str:
    return f"{seconds:.3g} s" if abs(seconds) >= 1 else f"{1000 * seconds:.3g} ms"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
