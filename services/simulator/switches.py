"""The switches of an exchange that faults turn: its answers over REST, its hidden messages."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from services.simulator.protocol import Answer

HTML_429 = b"<html><head><title>429 Too Many Requests</title></head></html>"


@dataclass(slots=True)
class Switches:
    """All switches; the defaults mean no fault."""

    ts_trades: int = 0  # lists of trades leave out older trades
    not_found: Answer | None = None  # the answer to every question over REST
    is_next_too_many: bool = False  # answer the next question over REST with 429, without an end
    late_books: set[str] = field(default_factory=set)  # raw symbols to send no first book of
    is_ticker_unreadable: bool = False

    def answer_instead(self) -> Answer | None:
        """Return the answer to give in place of the true one, if a switch demands it."""
        if self.is_next_too_many:
            self.is_next_too_many = False
            return Answer(429, HTML_429, content_type="text/html")
        return self.not_found


@runtime_checkable
class Switched(Protocol):
    """The further protocol of an exchange that has switches for faults."""

    switches: Switches
    unknown_endpoint: Answer
