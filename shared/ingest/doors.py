"""Opens the doors of one exchange, sockets or a poller, for the symbols that we follow."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from random import SystemRandom
from threading import Event
from typing import Final

from shared.exchange import BOOK, Exchange
from shared.feed.board import Board
from shared.feed.feed import Feed
from shared.feed.names import Names
from shared.feed.peers import Peers
from shared.feed.polled import PolledFeed
from shared.ingest.intake import Intake
from shared.ingest.source import PolledSource, SocketSource
from shared.process.errand import start_errand
from shared.process.retry import Backoff
from shared.process.settings import ExchangeSettings
from shared.process.threads import Threads
from shared.transport.connection import Connection
from shared.transport.inbox import Inbox
from shared.transport.limits import Limits
from shared.transport.poller import Poller
from shared.transport.reader import Reader, Socket
from shared.transport.rest import RestClient
from shared.transport.sockets import Sockets

RECONNECT_BASE_S: Final = 1.0
RECONNECT_CAP_S: Final = 60.0
# From this interval on one thread reads all sockets; with a shorter one that saves nothing.
SHARED_MS: Final = 10.0

make_backoff = partial(
    Backoff, base_s=RECONNECT_BASE_S, cap_s=RECONNECT_CAP_S, random=SystemRandom()
)


class Doors:
    """Opens the doors that a list of symbols needs; the thread that follows listings owns them.

    Every poller and every reader has its own thread; a reader has one socket, or all of them.
    Each door adds its board to `boards`. Any thread may read these, and call `find_live`.
    """

    def __init__(
        self,
        exchange: Exchange,
        own: ExchangeSettings,
        intake: Intake,
        limits: Limits,
        rest: RestClient,
        *,
        threads: Threads,
        stop: Event,
        pause: Event,
    ) -> None:
        """Prepare; `stop` ends the threads of all doors, `pause` keeps the doors closed."""
        self.boards: list[Board] = []
        self._inboxes: list[Inbox] = []
        self.names = Names(exchange)
        self._exchange = exchange
        self._own = own
        self._intake = intake
        self._limits = limits
        self._rest = rest
        self._start: Callable[..., None] = partial(threads.start, stop=stop)
        self._pause = pause
        self._shared: list[Socket] = []  # the sockets that one thread reads
        self._peers = Peers(exchange, own.limit_share)
        self._connections = count()  # numbers the session's connections, on the recorder's thread
        self._sockets = Sockets(
            own.channels,
            whole_channels=exchange.whole_channels,
            symbols_per_socket=own.symbols_per_socket,
            add=self._open_socket,
        )

    def follow(self, symbols: Sequence[str]) -> None:
        """Record these symbols from now on."""
        if self._own.transport == "websocket":
            self._sockets.follow(symbols)
        elif not self.boards:
            self._open_poller(symbols)
        else:
            self.boards[0].wanted = tuple(symbols)

    def find_live(self) -> list[str]:
        """Return the symbols whose books were live when each feed last updated its board."""
        boards = [board for board in self.boards if BOOK in board.channels]
        return sorted({symbol for board in boards for symbol in board.feed.live})

    @property
    def received_bytes(self) -> int:
        """Return the bytes that all doors received; any thread may ask."""
        return sum(inbox.received_bytes for inbox in list(self._inboxes))

    def write_books(self) -> None:
        """Make every feed write its live books whole now, a few at a time."""
        for board in self.boards:
            board.checkpoints_wanted += 1

    def _open_poller(self, symbols: Sequence[str]) -> None:
        board, inbox = self._add_board(symbols, [BOOK])
        url, connections = self._rest.url, self._connections
        feed = PolledFeed(self._exchange, board, url=url, connections=connections)
        self._intake.attach(PolledSource(inbox, feed))
        poller = Poller(
            self._exchange,
            board,
            inbox,
            self._rest,
            poll_interval_s=self._own.poll_interval_s,
            limit_share=self._own.limit_share,
            clock_ns=time.time_ns,
            steady_s=time.monotonic,
            pause=self._pause,
        )
        self._start("poller", poller.run)

    def _open_socket(self, symbols: Sequence[str], channels: Sequence[str]) -> Board:
        own, limits = self._own, self._limits
        board, inbox = self._add_board(symbols, channels)
        feed = Feed(
            self._exchange,
            board,
            spend=limits.spend,
            ban=limits.block,
            stale_after_s=own.stale_after_s,
            checkpoint_interval_s=own.checkpoint_interval_s,
            peers=self._peers,
        )
        source = SocketSource(
            inbox,
            feed,
            connections=self._connections,
            clock_ns=time.time_ns,
            steady_s=time.monotonic,
        )
        self._intake.attach(source)
        socket = Socket(
            inbox,
            board,
            url=own.websocket_url,
            connect=partial(Connection, clock_ns=time.time_ns),
            connect_cost=self._exchange.connect_cost,
            spend=limits.spend,
            ban=limits.block,
            backoff=make_backoff(),
            read_interval_s=own.read_interval_ms / 1000,
            start=start_errand,
            clock_ns=time.time_ns,
            steady_s=time.monotonic,
            pause=self._pause,
        )
        self._read(socket)
        return board

    def _read(self, socket: Socket) -> None:
        interval_ms = self._own.read_interval_ms
        if interval_ms < SHARED_MS:
            self._start(
                f"reader-{len(self.boards) - 1}", Reader([socket], steady_s=time.monotonic).run
            )
            return
        self._shared.append(socket)
        if len(self._shared) == 1:
            reader = Reader(self._shared, interval_ms / 1000, steady_s=time.monotonic)
            self._start("reader", reader.run)

    def _add_board(self, symbols: Sequence[str], channels: Sequence[str]) -> tuple[Board, Inbox]:
        board = Board(symbols, channels, self.names, down_since_s=time.monotonic())
        inbox = Inbox(self._intake.announce)
        self._inboxes.append(inbox)
        self.boards.append(board)
        return board, inbox
