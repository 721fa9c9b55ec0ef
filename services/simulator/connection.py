"""A connection is one client's websocket as the exchange sees it, with its book chains."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.simulator.listing import Listing
from services.simulator.truth import Truth

# The server cuts off a reader so far behind: a slow reader must never delay the others.
UNSENT_BYTES_MAX = 4 << 20


class ClientSocket(Protocol):
    """The part of a websocket that a connection needs."""

    def write(self, message: str | bytes) -> bool:
        """Hand a message to the socket, without waiting; return whether it was open."""
        ...

    @property
    def unsent_bytes(self) -> int:
        """Return the bytes handed over that have not left yet."""
        ...

    def close(self, code: int) -> None:
        """Begin a clean close."""
        ...

    def abort(self) -> None:
        """Cut the TCP connection."""
        ...

    def leave_pings_unanswered(self, on_withheld: Callable[[], None] | None) -> None:
        """Stop answering pings, and call back for each; None: answer again."""
        ...


@dataclass(slots=True, eq=False)
class ClientChain:
    """One subscription's book sequence, as far as this client can follow it.

    `has_snapshot`: the client can hold a live book at `sequence`, so it will see a break. `cause`
    is the fault that has lost messages since. `is_broken`: the client has seen a break and has not
    asked for a new snapshot yet. `is_settled`: the book is live, and a delta has followed the
    snapshot; faults aim only at such a chain, because only there is their effect certain.
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
        """Return whether the client has still to see a fault here, or to react to it."""
        is_hurt = self.withheld > 0 or self.garbage is not None or self.cause is not None
        return is_hurt or self.is_broken

    @property
    def is_settled(self) -> bool:
        """Return whether the client would surely see a fault now."""
        return self.has_snapshot and self.has_delta and not self.is_pending

    def rebase(self, sequence: int) -> None:
        """Note that the client got a snapshot at `sequence`."""
        self.sequence = sequence
        self.has_snapshot = True
        self.has_delta = False
        self.is_broken = False
        self.cause = None

    def give(self, sequence: int) -> None:
        """Note that the client got a book that it asked for.

        A book older than the sent changes has no effect. A client may take a book ahead of its own
        live book for a new beginning or for a sign of a loss: whether its book is live stays
        unknown until the next snapshot.
        """
        if sequence < self.sequence:
            return
        if self.has_snapshot and sequence > self.sequence:
            self.has_snapshot = self.has_delta = False
        else:
            self.rebase(sequence)

    def is_overtaken(self, sequence: int) -> bool:
        """Return whether a snapshot from the middle of a range holds all of that range."""
        return self.has_snapshot and not self.has_delta and sequence <= self.sequence

    def is_continued(self, first: int, sequence: int) -> bool:
        """Return whether these numbers follow; after a snapshot they may begin before it."""
        if self.has_delta:
            return first == self.sequence + 1
        return first <= self.sequence + 1 <= sequence

    def lose(self, cause: str) -> None:
        """Note that the exchange did not send a message of this chain."""
        self.cause = self.cause or cause

    def end(self) -> None:
        """Note that the client knows its book is broken; nothing more counts until a snapshot."""
        self.is_broken = True
        self.has_snapshot = False
        self.has_delta = False
        self.cause = None


class ClientConnection:
    """Sends messages to one client, or withholds them for a fault; records the truth."""

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
        """Send one change of a book, or lose it, or spoil it; record any break.

        The change covers the numbers from `first` to its own, or its own alone.
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
        """Answer the client's pings, or stop answering them."""

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
