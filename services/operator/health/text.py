"""How everything stands, on one screen."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from services.operator.health.health import WRITER, Health, Process
from services.operator.health.troubles import find_troubles

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
            "",
            *([f"! {trouble}" for trouble in troubles] or ["all well"]),
        ]
    )


def format_bytes(size: float) -> str:
    """Return a size in its own unit."""
    for unit in _UNITS[:-1]:
        if size < 1000:  # noqa: PLR2004 - what the unit says
            return f"{size:.3g} {unit}" if size % 1 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.3g} {_UNITS[-1]}"


def format_age(seconds: float) -> str:
    """Return how long, roughly."""
    for unit, in_it in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * in_it:
            return f"{seconds / in_it:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def format_number(number: float | None) -> str:
    """Return a figure, or a dash where there is none."""
    if number is None:
        return NOTHING
    return f"{number:,.0f}" if number >= 100 or number % 1 == 0 else f"{number:.1f}"  # noqa: PLR2004


def since(ts: float | None, now_ns: int) -> str:
    """Return how long ago a moment is."""
    return format_age((now_ns - ts) / 1e9) if ts else NOTHING


def _head(health: Health) -> Iterator[str]:
    moment = datetime.fromtimestamp(health.ts // 10**9, tz=UTC)
    pid = health.supervisor_pid
    supervisor = f"supervisord pid {pid}" if pid else "no supervisord"
    yield f"{moment:%Y-%m-%d %H:%M:%S} UTC   {supervisor}   state {health.state_path}"


def _feed(process: Process, health: Health) -> tuple[str, ...]:
    name = process.name.removeprefix("ingest_").removesuffix("-a")
    if not process.is_reporting:
        return name, process.state, *[NOTHING] * (len(FEED_COLUMNS) - 3), _journal(process, health)
    last = process.number("last_data_ts")
    return (
        name,
        process.state,
        since(process.number("since"), health.ts),
        format_number(rate(process)),
        f"{since(last, health.ts)} ago" if last else NOTHING,
        f"{format_number(process.number('live'))}/{format_number(process.number('symbols'))}",
        format_number(process.number("gaps_today")),
        format_number(process.number("reconnects")),
        _journal(process, health),
    )


def rate(process: Process) -> float | None:
    """Return messages a second, whichever way the process gives it."""
    given = process.number("rate")
    return process.number("messages_total_rate") if given is None else given


def _journal(process: Process, health: Health) -> str:
    suffix = f"-{process.exchange}-{process.line}"
    mine = [journal.bytes for journal in health.journals if journal.session.endswith(suffix)]
    return format_bytes(sum(mine))


def _writer(health: Health) -> Iterator[str]:
    writer = next(process for process in health.processes if process.name == WRITER)
    spool = f"spool    {format_bytes(health.spool_bytes)} in {health.spool_flushes} flushes"
    if not writer.is_reporting:
        yield f"writer   {writer.state}"
        yield spool
        return
    flushed, uploaded = writer.number("last_flush_ts"), writer.number("last_upload_ts")
    rows = format_number(writer.number("last_flush_rows"))
    yield (
        f"writer   {writer.state}, {format_number(writer.number('rows_rate'))} rows/s, "
        f"{format_number(writer.number('rows_buffered'))} rows held, last flush "
        + (f"{since(flushed, health.ts)} ago ({rows} rows)" if flushed else NOTHING)
    )
    yield f"{spool}, last upload " + (f"{since(uploaded, health.ts)} ago" if uploaded else NOTHING)


def _journals(health: Health) -> Iterator[str]:
    for journal in health.journals:
        if journal.owner_pid is None and not journal.is_delivered:
            size = format_bytes(journal.bytes)
            yield f"journal  {journal.session}: {size}, waits for a feed to adopt it"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
