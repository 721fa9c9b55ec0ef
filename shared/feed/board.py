"""The board of one feed carries requests to the feed, and shows its state to any thread."""

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
    """The state of the connection to the exchange; `down_since_s` is a time of the steady clock."""

    is_connected: bool = False
    down_since_s: float | None = None
    reconnects: int = 0
    error: str = ""


class BookTop(Struct, frozen=True):
    """The best levels of one book, best first, and its sequence if it has one."""

    sequence: int | None
    bids: list[Level]
    asks: list[Level]


class FeedView(Struct, frozen=True):
    """A feed's view of its exchange: our live and refused symbols, the number of messages.

    `tops` has the books of the watched symbols.
    """

    live: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    messages: int = 0
    counts: Counts = field(default_factory=Counts)  # nobody changes this copy
    tops: dict[str, BookTop] = {}


class Backfill(Struct, frozen=True):
    """A request for all trades of a symbol since an outage began."""

    symbol: str
    raw_symbol: str
    outage: Outage
    asked_s: float  # when, by the steady clock


class BackfillAnswer(Struct, frozen=True):
    """The trades that a request brought, or `None` and the reason."""

    question: Backfill
    trades: TradeList | None
    reason: str


class BookAnswer(NamedTuple):
    """A book requested over REST; `ts` is its receive time."""

    ts: int
    snapshot: Snapshot


class AuditAnswer(NamedTuple):
    """A book requested over REST for an audit; `snapshot` is `None` if the request failed."""

    raw_symbol: str
    ts: int
    snapshot: Snapshot | None


class Board:
    """Lies between the threads of one feed.

    One thread alone replaces each value, whole; every thread may read it. The thread that follows
    the listings owns the symbols, the main thread `watched`, the reader `link`, the recorder
    `feed`. Questions go from the recorder to the REST worker, and answers come back.
    """

    def __init__(
        self, symbols: Iterable[str], channels: Sequence[str], names: Names, *, down_since_s: float
    ) -> None:
        """Start with our symbols, none of them requested yet."""
        self.names = names
        self.wanted = tuple(symbols)
        self.channels = tuple(channels)
        self.watched: frozenset[str] = frozenset()  # whose books somebody looks at
        self.link = Link(down_since_s=down_since_s)
        self.feed = FeedView()
        self.questions: deque[Backfill] = deque()  # per symbol: one waits here, one may be open
        self.answers: deque[BackfillAnswer] = deque()
        self.books_wanted: deque[str] = deque()  # raw symbols, where books begin over REST
        self.books: deque[BookAnswer] = deque()
        self.audits_wanted: deque[str] = deque()  # raw symbols, one at a time
        self.audits: deque[AuditAnswer] = deque()
        self.statuses: dict[str, MarketStatus] = {}  # the new ones, by our symbols
        self.idle: set[str] = set()  # raw symbols that do not trade, as far as the feed knows
        self.is_list_wanted = False  # the list of markets, at once: the exchange reports a halt
        self.checkpoints_wanted = 0  # how many times a round of checkpoints was requested

    def has_news(self) -> bool:
        """Return whether something lies here for the recorder."""
        return bool(self.answers or self.books or self.audits or self.statuses)

    def answer_backfill(
        self, question: Backfill, trades: TradeList | None, reason: str = ""
    ) -> None:
        """Hand over the answer to a backfill, from any thread: its trades, or `None` and why."""
        self.answers.append(BackfillAnswer(question, trades, reason))
