"""Switches of an exchange, which faults turn: how it answers over REST, what it leaves unsaid."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from services.simulator.protocol import Answer

HTML_429 = b"<html><head><title>429 Too Many Requests</title></head></html>"


@dataclass(slots=True)
class Switches:
    """All of them, as they are where nothing is wrong."""

    ts_trades: int = 0  # lists of trades tell of nothing before this time
    not_found: Answer | None = None  # what every question over REST is answered
    is_next_too_many: bool = False  # the next question over REST is answered 429, without an end
    late_books: set[str] = field(default_factory=set)  # raw symbols whose first book does not come
    is_ticker_unreadable: bool = False

    def answer_instead(self) -> Answer | None:
        """Return what a question over REST is answered in place of the truth, if that is so."""
        if self.is_next_too_many:
            self.is_next_too_many = False
            return Answer(429, HTML_429, content_type="text/html")
        return self.not_found


@runtime_checkable
class Switched(Protocol):
    """The further protocol of an exchange whose faults switches turn on."""

    switches: Switches
    unknown_endpoint: Answer
