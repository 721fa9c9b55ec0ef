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
    """Run something after a delay."""

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
        """Return None to let a client in, or the refusal."""
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
        """Send one step of a market to whom it concerns."""
        ...

    def pulse(self, market: SimulatedMarket) -> None:
        """Do what is due once each conflation interval for this market, changed or not."""
        ...

    def beat(self) -> None:
        """Do what is due once each conflation interval for the exchange as a whole."""
        ...

    def request(self, path: str) -> Answer:
        """Answer one GET."""
        ...

    def reset_sequence(self, market: SimulatedMarket) -> None:
        """Make the next change of this market's book start its numbers anew."""
        ...

    def send_snapshot(self, connection: ClientConnection, chain: ClientChain) -> int:
        """Send a book in mid-stream; return its sequence. Only where the exchange does so."""
        ...

    def final_sequence(self, market: SimulatedMarket) -> int | dict[int, int]:
        """Return the sequence of a market's last change, for all or by connection."""
        ...

    def final_depth(self) -> int:
        """Return how many levels a side a client can know of."""
        ...


@runtime_checkable
class Secretive(Protocol):
    """The further protocol of an exchange whose books go wrong where no number shows it."""

    def mute(self, market: SimulatedMarket, *, is_muted: bool) -> None:
        """Tell nobody of a market's changes any more, while all else of it goes on; or do again."""
        ...

    def lie(self, market: SimulatedMarket) -> None:
        """Change a level of a market's book that nobody is told of."""
        ...

    def reveal(self, market: SimulatedMarket) -> None:
        """Tell with the next change what nobody was told of."""
        ...

    def answer_book_badly(self, how: str) -> None:
        """Answer the next question for a book `late`, or with an `old` one."""
        ...


@runtime_checkable
class OddWriter(Protocol):
    """The further protocol of an exchange that may write its messages in other ways."""

    def write_oddly(self, market: SimulatedMarket, *, is_odd: bool) -> None:
        """Write a market's events oddly from now on, or as ever."""
        ...


@runtime_checkable
class TickerOfAll(Protocol):
    """The further protocol of an exchange that has one subscription for all tickers."""

    def silence_all(self, *, is_silent: bool) -> None:
        """Send nothing of it any more, or do again."""
        ...


@dataclass(frozen=True, slots=True)
class Simulated:
    """The declaration of a folder here: how to build its exchange, and of which markets.

    `levels` is the depth of a side in the busiest book unless another is asked for.
    """

    build: Callable[..., SimulatedExchange]
    list_markets: Callable[..., list[Listing]]
    symbols_max: int
    levels: int
    faults: tuple[str, ...]
