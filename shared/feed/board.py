"""The board of one feed carries requests to it, and shows its state to any thread."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from booktape.ladder import Level
from shared.event import MarketStatus, Snapshot, TradeList
from shared.exchange import Outage
from shared.feed.counts import Counts
from shared.feed.names import Names


class Link(Struct, frozen=True):
    """The state of the way to the exchange; `down_since_s` is of the steady clock."""

    is_connected: bool = False
    down_since_s: float | None = None
    reconnects: int = 0
    error: str = ""


class BookTop(Struct, frozen=True):
    """The best levels of one book, best first; its sequence where it has one."""

    sequence: int | None
    bids: list[Level]
    asks: list[Level]


class FeedView(Struct, frozen=True):
    """A feed's view of its exchange: our symbols that are live or refused, all messages.

    `tops` has the books that somebody looks at.
    """

    live: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    messages: int = 0
    counts: Counts = field(default_factory=Counts)  # nobody changes this copy
    tops: dict[str, BookTop] = {}


class Backfill(Struct, frozen=True):
    """A question: all trades of a symbol since an outage began."""

    symbol: str
    raw_symbol: str
    outage: Outage
    asked_s: float  # when, by the steady clock


class BackfillAnswer(Struct, frozen=True):
    """The trades that a question brought; `None` for a reason."""

    question: Backfill
    trades: TradeList | None
    reason: str


class BookAnswer(NamedTuple):
    """A book that was asked for over REST; `ts` is when it was received."""

    ts: int
    snapshot: Snapshot


class AuditAnswer(NamedTuple):
    """A book that was asked for over REST to be compared; `None` where it could not be had."""

    raw_symbol: str
    ts: int
    snapshot: Snapshot | None


class Board:
    """Lies between the threads that have to do with one feed.

    Each value has one thread that replaces it, whole; every thread may read it. The symbols are
    those of whoever follows the listings, `watched` is the main thread's, `link` the reader's,
    `feed` the recorder's. Questions go from the recorder to whoever asks over REST, and answers
    come back.
    """

    def __init__(
        self, symbols: Iterable[str], channels: Sequence[str], names: Names, *, down_since_s: float
    ) -> None:
        """Start with symbols of ours that nobody has asked the exchange for."""
        self.names = names
        self.wanted = tuple(symbols)
        self.channels = tuple(channels)
        self.watched: frozenset[str] = frozenset()  # whose books somebody looks at
        self.link = Link(down_since_s=down_since_s)
        self.feed = FeedView()
        self.questions: deque[Backfill] = deque()  # of a symbol one here, one being asked
        self.answers: deque[BackfillAnswer] = deque()
        self.books_wanted: deque[str] = deque()  # raw symbols, where books begin over REST
        self.books: deque[BookAnswer] = deque()
        self.audits_wanted: deque[str] = deque()  # raw symbols, one at a time
        self.audits: deque[AuditAnswer] = deque()
        self.statuses: dict[str, MarketStatus] = {}  # the new ones, of our symbols
        self.idle: set[str] = set()  # raw symbols that do not trade, as far as the feed knows
        self.is_list_wanted = False  # of markets, at once: the exchange says that one stands still
        self.checkpoints_wanted = 0  # how often every book was to be written whole

    def has_news(self) -> bool:
        """Return whether something lies here for the recorder."""
        return bool(self.answers or self.books or self.audits or self.statuses)

    def answer_backfill(
        self, question: Backfill, trades: TradeList | None, reason: str = ""
    ) -> None:
        """Hand over the answer, from whatever thread asked; `None` for a reason."""
        self.answers.append(BackfillAnswer(question, trades, reason))
