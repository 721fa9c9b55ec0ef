"""The protocol of a sink, another store, which keeps each row once."""

from collections.abc import Collection
from typing import Any, Protocol

from msgspec import Struct

from booktape.errors import BooktapeError


class SinkFailed(BooktapeError):
    """Make the feeder try the same rows again, not before `retry_after_s`."""

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class SinkRefused(BooktapeError):
    """Tell the operator that the other store refuses these rows; the tape keeps them."""


class SinkBatch(Struct, frozen=True):
    """Rows of one table and one session, by event number; `rows` is an Arrow table."""

    table: str
    exchange: str
    line: str
    rows: Any


class Sink(Protocol):
    """Another store. Every method may raise SinkFailed or SinkRefused."""

    def send(self, batch: SinkBatch) -> None:
        """Deliver all rows; when this returns, the store has them.

        The same rows may come again, whole or in part; the store must keep each only once.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class SinkProgress(Protocol):
    """The progress of feeding another store."""

    def next(self, session: str) -> int:
        """Return the next event number to feed of a session."""
        ...

    def move(self, session: str, next_number: int) -> None:
        """Remember the next event number to feed of a session."""
        ...

    def forget(self, sessions: Collection[str]) -> None:
        """Forget all sessions but these: the tape no longer has the others."""
        ...
