"""A connection is one client's websocket as the exchange sees it, with its book chains."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.simulator.listing import Listing
from services.simulator.truth import Truth

# A reader this far behind is cut off: a slow one must never hold up the others.
UNSENT_BYTES_MAX = 4 << 20


class ClientSocket(Protocol):
    """The part of a websocket that a connection needs."""

    def write(self, message: str | bytes) -> bool:
        """Hand a message to the socket, without waiting; return whether it was open."""
        ...

    @property
    def unsent_bytes(self) -> int:
        """Return what was handed over and has not left yet."""
        ...

    def close(self, code: int) -> None:
        """Begin a clean close."""
        ...

    def abort(self) -> None:
        """Cut the TCP connection."""
        ...

    def leave_pings_unanswered(self, on_withheld: Callable[[], None] | None) -> None:
        """Answer no ping any more, telling of each; None: answer again."""
        ...


@dataclass(slots=True, eq=False)
class ClientChain:
    """One subscription's book sequence, as far as this client can follow it.

    `has_snapshot`: the client can hold a live book at `sequence`, so a break will be seen. `cause`
    is the fault that lost messages since. `is_broken`: the client has been shown a break and has
    not asked for a new snapshot yet. `is_settled`: live, and a delta has come after the snapshot;
    only such a chain is worth a fault, because only there is its effect certain.
    """

    listing: Listing
    sequence: int = 0
    has_snapshot: bool = False
    has_delta: bool = False
    is_broken: bool = False
    cause: str | None = None
    withheld: int = 0
    garbage: Callable[[str], str] | None = None
    garbage_kind: str = ""

    @property
    def is_pending(self) -> bool:
        """Return whether a fault is still to be seen here, or to be answered by the client."""
        is_hurt = self.withheld > 0 or self.garbage is not None or self.cause is not None
        return is_hurt or self.is_broken

    @property
    def is_settled(self) -> bool:
        """Return whether a fault would surely be seen now."""
        return self.has_snapshot and self.has_delta and not self.is_pending

    def rebase(self, sequence: int) -> None:
        """Note that the client was given a snapshot at `sequence`."""
        self.sequence = sequence
        self.has_snapshot = True
        self.has_delta = False
        self.is_broken = False
        self.cause = None

    def give(self, sequence: int) -> None:
        """Note that the client was given a book that it asked for.

        One that is older than what was sent changes nothing. One that is ahead of a live book
        may be taken for a new beginning or for a sign that something is missing: nobody knows
        whether its book lives before it is given the next.
        """
        if sequence < self.sequence:
            return
        if self.has_snapshot and sequence > self.sequence:
            self.has_snapshot = self.has_delta = False
        else:
            self.rebase(sequence)

    def is_overtaken(self, sequence: int) -> bool:
        """Return whether a snapshot, given in the middle of a range, holds all of that range."""
        return self.has_snapshot and not self.has_delta and sequence <= self.sequence

    def is_continued(self, first: int, sequence: int) -> bool:
        """Return whether these numbers follow; after a snapshot they may begin before it."""
        if self.has_delta:
            return first == self.sequence + 1
        return first <= self.sequence + 1 <= sequence

    def lose(self, cause: str) -> None:
        """Note that a message of this chain was not sent."""
        self.cause = self.cause or cause

    def end(self) -> None:
        """Note that the client knows its book is broken; nothing more counts until a snapshot."""
        self.is_broken = True
        self.has_snapshot = False
        self.has_delta = False
        self.cause = None


class ClientConnection:
    """Send messages to one client, or withhold them as the faults ask; write the truth of it."""

    def __init__(self, number: int, socket: ClientSocket, *, truth: Truth) -> None:
        self.number = number
        self.subscriptions: dict[str, dict[str, None]] = {}
        self.chains: dict[str, ClientChain] = {}
        self.is_stalled = False
        self.close_reason = ""
        self.unsent_bytes = 0
        self.socket = socket
        self._truth = truth

    def send(self, message: str | bytes) -> bool:
        """Send one message now; return whether the socket took it."""
        if self.is_stalled or not self.socket.write(message):
            return False
        self._truth.sent(self.number, message)
        if self.socket.unsent_bytes > UNSENT_BYTES_MAX:
            self.abort("slow reader")
        return True

    def send_delta(
        self, chain: ClientChain, message: str, *, sequence: int, first: int | None = None
    ) -> None:
        """Send one change of a book, or lose it, or spoil it; tell the truth of any break.

        It stands for a range of numbers that begins with `first`, or for its own alone.
        """
        if self.is_stalled:
            chain.lose("stall")
        elif chain.withheld:
            chain.withheld -= 1
            chain.lose("gap")
        elif chain.garbage is not None:
            self._send_garbage(chain, message)
        elif self.send(message) and (first is None or not chain.is_overtaken(sequence)):
            first = sequence if first is None else first
            if chain.has_snapshot and not chain.is_continued(first, sequence):
                assert chain.cause is not None
                self._truth.fault(
                    chain.cause,
                    connection=self.number,
                    listing=chain.listing,
                    sequence_expected=chain.sequence + 1,
                    sequence_received=first,
                    is_gap=True,
                )
                chain.end()
            chain.sequence = sequence
            chain.has_delta = chain.has_snapshot

    def close(self, reason: str, *, code: int = 1000) -> None:
        """Close as the protocol wants it; `reason` is for the truth file."""
        self.close_reason = self.close_reason or reason
        self.socket.close(code)

    def abort(self, reason: str) -> None:
        """Cut the TCP connection."""
        self.close_reason = self.close_reason or reason
        self.unsent_bytes = self.socket.unsent_bytes
        self.socket.abort()

    def answer_pings(self, *, is_answering: bool) -> None:
        """Answer the client's pings, or do not."""

        def withheld() -> None:
            self._truth.fault("no_pong", connection=self.number)

        self.socket.leave_pings_unanswered(None if is_answering else withheld)

    def _send_garbage(self, chain: ClientChain, message: str) -> None:
        assert chain.garbage is not None
        if self.send(chain.garbage(message)):
            self._truth.fault(
                "garbage",
                connection=self.number,
                listing=chain.listing,
                sequence_expected=chain.sequence + 1,
                kind=chain.garbage_kind,
            )
            chain.end()
        chain.garbage = None
