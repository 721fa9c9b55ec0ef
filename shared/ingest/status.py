"""Reports an ingest's status in a file, for `booktape status`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from shared.delivery.frame import DAY_NS
from shared.delivery.journal import Journal
from shared.exchange import BOOK
from shared.feed.board import Board
from shared.feed.counts import Counts
from shared.ingest.audit_watch import AuditWatch
from shared.ingest.recorder import RecorderView
from shared.ingest.refusals import Refusals
from shared.process.kernel_clock import KernelClock
from shared.process.stats import Rate
from shared.process.status import FeedCounts, IngestReport, StatusFile


class View(Struct, frozen=True, kw_only=True):
    """The ingest's current state, as its main loop sees it."""

    exchange: str
    line: str
    ts: int
    now_s: float
    boards: Sequence[Board]
    recorder: RecorderView
    journal: Journal
    sessions_refused: list[str]
    journals: Sequence[Journal]  # with those of dead ingests that it delivers
    disk_free_bytes: int
    is_paused: bool
    is_stopping: bool
    blocked_s: float
    rest_error: str
    poll_interval_s: float | None  # if books are polled
    received_bytes: int = 0
    is_enabled: bool = True
    not_trading: frozenset[str] = frozenset()  # our symbols whose markets do not trade now
    is_on_loopback: bool = False
    clock: KernelClock | None = None


class IngestStatus:
    """Writes the status file of one ingest, once each second; the main thread owns it."""

    def __init__(self, file: StatusFile, *, now_s: float) -> None:
        """Start with nothing seen."""
        self._file = file
        self._rate = Rate(now_s=now_s)
        self._messages = 0
        self._last_data_ts: int | None = None
        self._day = -1
        self._gaps_before_today = 0
        self._refusals = Refusals()
        self._audits = AuditWatch()
        self._state = ""
        self._since = 0

    def write(self, view: View) -> None:
        """Replace the file."""
        symbols, live, refused, halted, able = _symbols(view)
        links = [board.link for board in view.boards]
        down = [link.down_since_s for link in links if link.down_since_s is not None]
        messages = self._count_messages(view)
        kinds, counts = view.recorder.kinds, [board.feed.counts for board in view.boards]
        report = IngestReport(
            **self._file.head(),
            exchange=view.exchange,
            line=view.line,
            session=view.journal.session,
            state=self._find_state(view, live, able, is_down=bool(down) or not links),
            since=self._since,
            symbols=len(symbols),
            live=len(live),
            waiting=sorted(able - live),
            refused=sorted(refused),
            halted=sorted(halted),
            sockets=len(links),
            connections=sum(link.is_connected for link in links),
            reconnects=sum(link.reconnects for link in links),
            unreachable_since=_unreachable_since(view, down),
            last_error=next((link.error for link in links if link.error), view.rest_error) or None,
            rate_limited_until=_before(view, -view.blocked_s) if view.blocked_s else None,
            poll_interval_s=view.poll_interval_s,
            messages_total=messages,
            messages_per_s=self._rate.measure(messages, now_s=view.now_s),
            events_total=view.recorder.events,
            last_data_ts=self._last_data_ts,
            gaps_today=self._count_gaps(view, kinds.get("gap", 0)),
            kinds=kinds,
            counts=_add_counts(counts),
            audits_missing_since=self._audits.look(counts, view.ts),
            malformed_channels=self._refusals.look(counts, now_s=view.now_s),
            journals=len(view.journals),
            journal_bytes=sum(journal.bytes for journal in view.journals),
            journal_waiting_bytes=sum(journal.backlog.bytes for journal in view.journals),
            sessions_refused=view.sessions_refused,
            journal_base=view.journal.base,
            journal_synced=view.journal.synced,
            journal_next=view.journal.next_number,
            journal_error=view.recorder.error,
            disk_free_bytes=view.disk_free_bytes,
            is_on_loopback=view.is_on_loopback,
            **_clock(view.clock),
            received_bytes=view.received_bytes,
            delay_ns=view.recorder.delay_ns,
        )
        self._file.write(report)

    def _count_messages(self, view: View) -> int:
        messages = sum(board.feed.messages for board in view.boards)
        if messages > self._messages:
            self._messages, self._last_data_ts = messages, view.ts
        return messages

    def _count_gaps(self, view: View, gaps: int) -> int:
        """Return the gaps of today; `gaps` is the count since the start."""
        if view.ts // DAY_NS != self._day:
            self._day = view.ts // DAY_NS
            self._gaps_before_today = gaps
        return gaps - self._gaps_before_today

    def _find_state(self, view: View, live: set[str], wanted: set[str], *, is_down: bool) -> str:
        state = _state(view, live, wanted, is_down=is_down)
        if state != self._state:
            self._state, self._since = state, view.ts
        return state


def _symbols(view: View) -> tuple[set[str], ...]:
    """Return the wanted symbols; of these the live, the refused, the halted, and the others."""
    # If we record books, the book alone decides whether a symbol is live.
    with_books = [board for board in view.boards if BOOK in board.channels]
    wanted = {symbol for board in view.boards for symbol in board.wanted}
    live = {symbol for board in with_books or view.boards for symbol in board.feed.live}
    refused = {symbol for board in view.boards for symbol in board.feed.refused}
    halted = (wanted & view.not_trading) - live
    refused -= halted
    return wanted, live, refused, halted, wanted - refused - halted


def _clock(clock: KernelClock | None) -> dict[str, Any]:
    """Return the kernel's report on its clock, if it has one."""
    if clock is None:
        return {}
    return {
        "clock_synchronised": clock.is_synchronised,
        "clock_offset_s": clock.offset_s,
        "clock_error_s_max": clock.error_s_max,
    }


def _add_counts(counts: Sequence[Counts]) -> FeedCounts:
    return FeedCounts(
        chatter=_add(each.chatter for each in counts),
        unknown=_add(each.unknown for each in counts),
        refused=_add(each.refused for each in counts),
        malformed=sum(each.malformed for each in counts),
        malformed_reasons=_add(each.malformed_reasons for each in counts),
        unread=_add(each.unread for each in counts),
        not_asked_for=sum(each.not_asked_for for each in counts),
        snapshots_not_asked_for=sum(each.snapshots_not_asked_for for each in counts),
        snapshots_late=sum(each.snapshots_late for each in counts),
        audits=sum(each.audits for each in counts),
        last_audit_ts=max((each.last_audit_ts or 0 for each in counts), default=0) or None,
        tickers_agreed=sum(each.tickers_agreed for each in counts),
        tickers_judged=sum(each.tickers_judged for each in counts),
        audits_unanswered=sum(each.audits_unanswered for each in counts),
        tickers_doubted=sum(each.tickers_doubted for each in counts),
    )


def _add(tallies: Iterable[Counter[str]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally)
    return dict(total)


def _unreachable_since(view: View, down: list[float]) -> int | None:
    """Return the time since which a wanted socket is down."""
    return _before(view, view.now_s - min(down)) if down and not view.is_paused else None


def _before(view: View, seconds: float) -> int:
    """Return the time of day `seconds` before now."""
    return view.ts - int(seconds * 1e9)


def _state(view: View, live: set[str], wanted: set[str], *, is_down: bool) -> str:
    """Return the state in one word; refused symbols do not count here: they are another trouble."""
    if view.is_stopping:
        return "stopping"
    if not view.is_enabled:
        return "disabled"
    if view.is_paused:
        return "disk_full"
    if is_down:
        return "connecting"
    return "live" if wanted and live >= wanted else "degraded"
