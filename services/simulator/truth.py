"""Writes the truth file, a record of the simulator's true acts, as JSON Lines.

Each line is an object, in the order of the acts; `ts` is UTC nanoseconds, `connection` the number
of a websocket (1, 2, ...), `symbol` our name (`BTC-EUR`), `raw_symbol` the exchange's:

    {"type":"start","exchange":..,"seed":..,"symbols":[..],"ts":..}
    {"type":"connection","connection":n,"event":"open"|"close","reason":..,"ts":..}
    {"type":"sent","connection":n,"ts":..,"message":"<raw text>"}
    {"type":"request","method":"GET","path":..,"status":200,"ts":..}
    {"type":"fault","fault":"gap","connection":n,"symbol":..,"raw_symbol":..,"sequence_expected":..,
        "sequence_received":..,"is_gap":true,"ts":..}
    {"type":"book","symbol":..,"raw_symbol":..,"sequence":..,"bids":[["price","size"],..],"asks":..}
    {"type":"end","ts":..}

`sent` is each message handed to a websocket's socket, acknowledgements and snapshots included; a
binary message is in hex with `"is_binary":true`. A message that a fault held back has no line.
`close` has `unsent_bytes`: the bytes handed over that had not left when the connection went.

`fault` is each fault that took effect on a connection. `is_gap` means that a client with a live
book saw its sequences break at just these two numbers; a tape must show one gap for every such
line. `sequence_received` is null if the fault spoilt the message itself (`garbage`).

`book` is the final book of each market, written when the markets stop moving ("quiesce"); its
`sequence` is a number, or, if each connection has its own, an object by connection. Websocket
messages may still follow (snapshots that clients ask for); the book no longer changes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from services.simulator.listing import Listing

BUFFER_BYTES = 1 << 20

_encoder = msgspec.json.Encoder()
_Levels = Sequence[tuple[str, str]]


class Truth:
    """Writes the truth file through a buffer; without a path writes nothing."""

    def __init__(self, path: Path | None, *, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._file: BinaryIO | None = None
        if path is not None:
            self._file = path.open("wb", buffering=BUFFER_BYTES)

    def start(self, *, exchange: str, seed: int, symbols: list[str]) -> None:
        """Write the first line."""
        self._write({"type": "start", "exchange": exchange, "seed": seed, "symbols": symbols})

    def opened(self, connection: int) -> None:
        """Write the line of an opened websocket."""
        self._write({"type": "connection", "connection": connection, "event": "open", "reason": ""})

    def closed(self, connection: int, *, reason: str, unsent_bytes: int) -> None:
        """Write the line of a websocket that is gone."""
        self._write(
            {
                "type": "connection",
                "connection": connection,
                "event": "close",
                "reason": reason,
                "unsent_bytes": unsent_bytes,
            }
        )

    def sent(self, connection: int, message: str | bytes) -> None:
        """Write one message that a socket has taken."""
        if self._file is None:
            return
        if isinstance(message, bytes):
            line: dict[str, object] = {"message": message.hex(), "is_binary": True}
        else:
            line = {"message": message}
        self._write({"type": "sent", "connection": connection, "ts": self._clock_ns(), **line})

    def request(self, path: str, *, status: int) -> None:
        """Write one HTTP request with the status of its answer."""
        self._write({"type": "request", "method": "GET", "path": path, "status": status})

    def fault(
        self,
        fault: str,
        *,
        connection: int | None = None,
        listing: Listing | None = None,
        sequence_expected: int | None = None,
        sequence_received: int | None = None,
        is_gap: bool = False,
        **facts: object,
    ) -> None:
        """Write one fault that took effect."""
        self._write(
            {
                "type": "fault",
                "fault": fault,
                "connection": connection,
                "symbol": listing.symbol if listing else None,
                "raw_symbol": listing.raw_symbol if listing else None,
                "sequence_expected": sequence_expected,
                "sequence_received": sequence_received,
                "is_gap": is_gap,
                **facts,
            }
        )

    def book(
        self, listing: Listing, *, sequence: int | dict[int, int], bids: _Levels, asks: _Levels
    ) -> None:
        """Write one market's final book, best levels first."""
        self._write(
            {
                "type": "book",
                "symbol": listing.symbol,
                "raw_symbol": listing.raw_symbol,
                "sequence": sequence,
                "bids": bids,
                "asks": asks,
            }
        )

    def flush(self) -> None:
        """Hand the buffer to the system."""
        if self._file is not None:
            self._file.flush()

    def end(self) -> None:
        """Write the last line; close the file."""
        self._write({"type": "end"})
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: dict[str, object]) -> None:
        if self._file is not None:
            line.setdefault("ts", self._clock_ns())
            self._file.write(_encoder.encode(line) + b"\n")
