"""The protocol of every simulated exchange."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from services.simulator.book_side import Step
from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.listing import Listing
from services.simulator.market import SimulatedMarket

DEPTH_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """The source of time: UTC nanoseconds, and seconds that never step."""

    ns: Callable[[], int]
    monotonic: Callable[[], float]


class Later(Protocol):
    """Calls a function after a delay."""

    def __call__(self, delay_s: float, callback: Callable[[], None], /) -> None:
        """Call `callback` after `delay_s`."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class SimulatedExchange(Protocol):
    """One exchange's protocol over its markets.

    `conflation_s` is how often a market's changes are published; a server ping goes out each
    `ping_interval_s`, and a client that leaves one unanswered for `pong_timeout_s` is closed.
    """

    name: str
    websocket_path: str
    rest_path: str
    conflation_s: float
    ping_interval_s: float
    ping_payload: bytes | None
    pong_timeout_s: float | None
    compression: str | None
    faults: tuple[str, ...]
    markets: list[SimulatedMarket]

    def handshake(self, path: str) -> Answer | None:
        """Return None to accept a client, or the refusal."""
        ...

    def opened(self, connection: ClientConnection) -> None:
        """Greet a client."""
        ...

    def received(self, connection: ClientConnection, message: str | bytes) -> None:
        """Answer one message of a client."""
        ...

    def closed(self, connection: ClientConnection) -> None:
        """Forget a client."""
        ...

    def publish(self, market: SimulatedMarket, step: Step) -> None:
        """Send one step of a market to its listeners."""
        ...

    def pulse(self, market: SimulatedMarket) -> None:
        """Do this market's work of one conflation interval, changed or not."""
        ...

    def beat(self) -> None:
        """Do the exchange's own work of one conflation interval."""
        ...

    def request(self, path: str) -> Answer:
        """Answer one GET."""
        ...

    def reset_sequence(self, market: SimulatedMarket) -> None:
        """Make the next change of this market's book start its numbers anew."""
        ...

    def send_snapshot(self, connection: ClientConnection, chain: ClientChain) -> int:
        """Send a book in mid-stream, if the exchange ever does so; return its sequence."""
        ...

    def final_sequence(self, market: SimulatedMarket) -> int | dict[int, int]:
        """Return the sequence of a market's last change, for all or by connection."""
        ...

    def final_depth(self) -> int:
        """Return the number of levels on each side that a client can know."""
        ...


@runtime_checkable
class Secretive(Protocol):
    """The further protocol of an exchange with faults of books that no number shows."""

    def mute(self, market: SimulatedMarket, *, is_muted: bool) -> None:
        """Stop sending a market's changes, and nothing else of it; or start again."""
        ...

    def lie(self, market: SimulatedMarket) -> None:
        """Change a level of a market's book, and send nothing about it."""
        ...

    def reveal(self, market: SimulatedMarket) -> None:
        """Send the hidden changes with the next change."""
        ...

    def answer_book_badly(self, how: str) -> None:
        """Answer the next question for a book `late`, or with an `old` one."""
        ...


@runtime_checkable
class OddWriter(Protocol):
    """The further protocol of an exchange that may write its messages in other ways."""

    def write_oddly(self, market: SimulatedMarket, *, is_odd: bool) -> None:
        """Write a market's events oddly from now on, or normally again."""
        ...


@runtime_checkable
class TickerOfAll(Protocol):
    """The further protocol of an exchange that has one subscription for all tickers."""

    def silence_all(self, *, is_silent: bool) -> None:
        """Stop sending the tickers, or start again."""
        ...


@dataclass(frozen=True, slots=True)
class Simulated:
    """The declaration of a folder here: its markets, and how to build its exchange.

    `levels` is the default depth of a side in the busiest book.
    """

    build: Callable[..., SimulatedExchange]
    list_markets: Callable[..., list[Listing]]
    symbols_max: int
    levels: int
    faults: tuple[str, ...]
