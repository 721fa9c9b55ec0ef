"""What an ingest says of itself, for `booktape status` to read."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from shared.delivery.frame import DAY_NS
from shared.delivery.journal import Journal
from shared.exchange import BOOK
from shared.feed.board import Board
from shared.ingest.recorder import RecorderView
from shared.process.stats import Stats

NAMES_MAX = 10  # of symbols in one list


class View(Struct, frozen=True, kw_only=True):
    """The ingest as it stands, seen from its main loop."""

    exchange: str
    line: str
    ts: int
    now_s: float
    boards: Sequence[Board]
    recorder: RecorderView
    journal: Journal
    journals: Sequence[Journal]  # with those of others that it delivers
    disk_free: int
    is_paused: bool
    is_stopping: bool
    blocked_s: float
    rest_error: str
    poll_interval_s: float | None  # where books are polled


class IngestStatus:
    """Writes the status file of one ingest, once each second; the main thread owns it."""

    def __init__(self, stats: Stats, path: Path) -> None:
        """Start with nothing seen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stats = stats
        self._path = path
        self._counted: Counter[str] = Counter()
        self._day = -1
        self._gaps_before_today = 0
        self._state = ""
        self._since = 0

    def write(self, view: View) -> None:
        """Replace the file."""
        self._count(view)
        gauge = self._stats.gauge
        symbols, live, refused = _symbols(view)
        links = [board.link for board in view.boards]
        down = [link.down_since_s for link in links if link.down_since_s is not None]
        state = _state(view, live, symbols, is_down=bool(down) or not links)
        if state != self._state:
            self._state, self._since = state, view.ts
        gauge("state", state)
        gauge("since", self._since)
        gauge("exchange", view.exchange)
        gauge("line", view.line)
        gauge("session", view.journal.session)
        gauge("symbols", len(symbols))
        gauge("live", len(live))
        gauge("waiting", _names(symbols - live - refused))
        gauge("refused", _names(refused))
        gauge("connections", sum(link.is_connected for link in links))
        gauge("sockets", len(links))
        is_unreachable = bool(down) and not view.is_paused
        since = _before(view, view.now_s - min(down)) if is_unreachable else None
        gauge("unreachable_since", since)
        gauge("last_error", next((link.error for link in links if link.error), view.rest_error))
        gauge("gaps_today", view.recorder.gaps - self._gaps_before_today)
        gauge("journal_bytes", sum(journal.bytes for journal in view.journals))
        gauge("journals", len(view.journals))
        gauge("journal_next", view.journal.next_number)
        gauge("journal_base", view.journal.base)
        gauge("journal_synced", view.journal.synced)
        gauge("journal_error", view.recorder.error)
        blocked_until = _before(view, -view.blocked_s) if view.blocked_s else None
        gauge("rate_limited_until", blocked_until)
        gauge("disk_free", view.disk_free)
        gauge("poll_interval_s", view.poll_interval_s)
        self._stats.write(self._path)

    def _count(self, view: View) -> None:
        """Turn the totals of the parts into counters, whose rates follow by themselves."""
        if view.ts // DAY_NS != self._day:
            self._day = view.ts // DAY_NS
            self._gaps_before_today = view.recorder.gaps
        totals = Counter({"events_total": view.recorder.events})
        totals["messages_total"] = sum(board.feed.messages for board in view.boards)
        totals["reconnects"] = sum(board.link.reconnects for board in view.boards)
        totals["malformed_total"] = view.recorder.malformed
        totals["gaps_total"] = view.recorder.gaps
        for name, total in totals.items():
            self._stats.count(name, total - self._counted[name])
        if totals["messages_total"] > self._counted["messages_total"]:
            self._stats.gauge("last_data_ts", view.ts)
        self._counted = totals


def _symbols(view: View) -> tuple[set[str], set[str], set[str]]:
    """Return the symbols that are wanted, those that are live, those that are refused."""
    # Where books are recorded, a symbol lives by its book, whatever else there is of it.
    with_books = [board for board in view.boards if BOOK in board.channels]
    wanted = {symbol for board in view.boards for symbol in board.wanted}
    live = {symbol for board in with_books or view.boards for symbol in board.feed.live}
    refused = {symbol for board in view.boards for symbol in board.feed.refused}
    return wanted, live, refused


def _before(view: View, seconds: float) -> int:
    """Return the time of day so many seconds before now."""
    return view.ts - int(seconds * 1e9)


def _state(view: View, live: set[str], symbols: set[str], *, is_down: bool) -> str:
    if view.is_stopping:
        return "stopping"
    if view.is_paused:
        return "disk_full"
    if is_down:
        return "connecting"
    return "live" if symbols and live >= symbols else "degraded"


def _names(symbols: set[str]) -> str:
    names = sorted(symbols)
    more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
    return ", ".join(names[:NAMES_MAX]) + more
