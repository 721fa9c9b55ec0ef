"""Defines the steps of a probe, each with its cost in points of a limit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from shared.exchange import Cost


@dataclass(frozen=True, slots=True)
class Open:
    """Open the socket `door`; it replaces an earlier socket of that name."""

    door: str
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket `door`."""

    door: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send one message over `door`."""

    door: str
    text: str
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Get:
    """Ask over REST."""

    path: str
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Receive the exchange's messages for so long."""

    seconds: float


Step = Open | Close | Send | Get | Wait
Script = Callable[..., Iterator[Step]]


def encode(message: object) -> str:
    """Return a message as JSON."""
    return msgspec.json.encode(message).decode()
