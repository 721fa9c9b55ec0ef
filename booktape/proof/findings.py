"""Collects the findings of a verification, for people and for programs."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct, field

LINES_MAX: Final = 40  # of one list in the text; the JSON has all


class NotedRow(Struct, frozen=True):
    """A row of feed_events that matters to a user of the tape."""

    kind: str
    symbol: str | None
    ts_recv: int  # ns UTC
    event_number: int
    sequence_expected: int | None
    sequence_received: int | None
    detail: str


class Session(Struct):
    """The part of one session that the verification read.

    `gaps` has missing events: `gap` and `journal_hole`. `outages` has times without data.
    """

    session: str
    first: int
    last: int
    ended: bool = False
    rows: int = 0
    bytes: int = 0
    gaps: list[NotedRow] = field(default_factory=list)
    outages: list[NotedRow] = field(default_factory=list)


class Range(Struct, frozen=True):
    """Events of a session, with the reason; a bound is `None` if unknown."""

    session: str | None
    first: int | None
    last: int | None
    key: str | None
    reason: str


class Report(Struct):
    """The findings, in the order of sessions and event numbers.

    `pending` ranges may still come: of a session that goes on, of a flush on its way. `expired`
    ranges are gone: a lifecycle rule removed them before the date in question.
    """

    ok: bool
    sessions: list[Session] = field(default_factory=list)
    pending: list[Range] = field(default_factory=list)
    expired: list[Range] = field(default_factory=list)
    faults: list[Range] = field(default_factory=list)
    foreign: list[Range] = field(default_factory=list)  # harmless objects of others

    def to_json(self) -> str:
        """Return all findings as JSON."""
        return msgspec.json.format(msgspec.json.encode(self)).decode()


def format_report(report: Report) -> str:
    """Return the findings as text, the verdict last."""
    if report == Report(ok=True):
        return "There is nothing on this tape."
    verdict = "The tape is whole." if report.ok else "THE TAPE IS NOT WHOLE."
    lines = [
        *_format_sessions(report.sessions),
        *_format_rows("Gaps", [(s.session, row) for s in report.sessions for row in s.gaps]),
        *_format_rows("Outages", [(s.session, row) for s in report.sessions for row in s.outages]),
        *_format_ranges("Pending", report.pending),
        *_format_ranges("Expired", report.expired),
        *_format_ranges("Not of the tape", report.foreign),
        *_format_ranges("Faults", report.faults),
        "",
        verdict,
    ]
    return "\n".join(lines)


def _format_sessions(sessions: Sequence[Session]) -> Iterator[str]:
    if sessions:
        yield _format_line(("session", "events", "rows", "MB", "gaps", "outages", ""))
    for session in sessions:
        yield _format_line(
            (
                session.session,
                f"{session.first}-{session.last}",
                f"{session.rows:,}",
                f"{session.bytes / 1e6:,.1f}",
                str(len(session.gaps)),
                str(len(session.outages)),
                "ended" if session.ended else "open",
            )
        )


def _format_line(cells: Sequence[str]) -> str:
    widths = (-44, 24, 16, 10, 8, 8, -5)
    return " ".join(
        cell.ljust(-width) if width < 0 else cell.rjust(width)
        for cell, width in zip(cells, widths, strict=True)
    ).rstrip()


def _format_rows(title: str, rows: Sequence[tuple[str, NotedRow]]) -> Iterator[str]:
    if rows:
        yield f"\n{title} ({len(rows)})"
    for session, row in rows[:LINES_MAX]:
        numbers = ""
        if row.sequence_expected is not None or row.sequence_received is not None:
            numbers = f" expected {row.sequence_expected}, received {row.sequence_received}"
        symbol = f" {row.symbol}" if row.symbol else ""
        at = _format_time(row.ts_recv)
        yield f"  {at} {session} {row.event_number}: {row.kind}{symbol}{numbers} {row.detail}"
    yield from _format_rest(len(rows))


def _format_ranges(title: str, ranges: Sequence[Range]) -> Iterator[str]:
    if ranges:
        yield f"\n{title} ({len(ranges)})"
    for item in ranges[:LINES_MAX]:
        numbers = ""
        if item.first is not None:
            last = "" if item.last is None else item.last
            numbers = str(item.first) if last == item.first else f"{item.first}-{last}"
        place = " ".join(part for part in (item.session, numbers) if part)
        key = f" ({item.key})" if item.key else ""
        yield f"  {place}: {item.reason}{key}" if place else f"  {item.reason}{key}"
    yield from _format_rest(len(ranges))


def _format_rest(count: int) -> Iterator[str]:
    if count > LINES_MAX:
        yield f"  ... and {count - LINES_MAX} more; --json has them all"


def _format_time(ts: int) -> str:
    time = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=ts // 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
