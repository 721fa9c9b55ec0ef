"""A connection is one websocket: connect, recv, send, close.

We dial, websocket-client shakes hands, then our own reader takes over the socket: the library's
would take nearly twice the CPU. The library's handshake reads byte by byte, so it keeps back no
bytes of the first frames. It requests no extension, so nothing comes compressed.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.cookies import CookieError
from threading import Timer
from typing import Final, NoReturn

from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketException,
    WebSocketTimeoutException,
)

from booktape.release import VERSION
from shared.errors import ConnectionLost
from shared.transport.authorities import system_tls
from shared.transport.limits import parse_retry_after
from shared.transport.socket_opening import SocketOpening
from shared.transport.websocket_frames import CLOSE, TEXT, MessageReader

CONNECT_TIMEOUT_S: Final = 10.0  # for all addresses, for TLS, and for each read of the answer
CONNECT_S_MAX: Final = 3 * CONNECT_TIMEOUT_S
# After a handshake refused because of too many: https://docs.btcturk.com/rate-limits
TOO_MANY_WAIT_S: Final = 60.0
SEND_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 1.0
EXCERPT_CHARACTERS_MAX: Final = 200
# The size of a batch: while fewer bytes wait, the system does not wake us before the timeout.
BATCH_BYTES: Final = 64 * 1024
BATCH_READS_MAX: Final = 16

# Room for bytes that come while the reader is busy. By default the system gives a slow stream
# 64 KiB and never more; it gives at most net.core.rmem_max.
SOCKET_BYTES: Final = 4 * 1024 * 1024
# After so long we notice that a peer vanished silently, or acknowledges nothing.
DEAD_AFTER_S: Final = 30
_KEEPALIVE_INTERVAL_S: Final = 5

_OPTIONS = {
    "TCP_NODELAY": (socket.IPPROTO_TCP, 1),
    "SO_KEEPALIVE": (socket.SOL_SOCKET, 1),
    "SO_RCVBUF": (socket.SOL_SOCKET, SOCKET_BYTES),
    "TCP_KEEPIDLE": (socket.IPPROTO_TCP, DEAD_AFTER_S // 2),
    "TCP_KEEPINTVL": (socket.IPPROTO_TCP, _KEEPALIVE_INTERVAL_S),
    "TCP_KEEPCNT": (socket.IPPROTO_TCP, DEAD_AFTER_S // 2 // _KEEPALIVE_INTERVAL_S),
    "TCP_USER_TIMEOUT": (socket.IPPROTO_TCP, DEAD_AFTER_S * 1000),
}
_SOCKET_OPTIONS = [
    (level, getattr(socket, name), value)
    for name, (level, value) in _OPTIONS.items()
    if hasattr(socket, name)  # Linux has them all
]

_NORMAL = (1000).to_bytes(2, "big")


class Connection:
    """An open websocket, used by one thread at a time.

    Every end raises ConnectionLost with a reason in plain words, after the messages before it.
    """

    def __init__(
        self, url: str, *, clock_ns: Callable[[], int], tls: ssl.SSLContext | None = None
    ) -> None:
        """Connect, or raise ConnectionLost with the wait that the exchange demands, if any.

        `tls` is for a server that the system's authorities do not vouch for.
        """
        self._socket = _connect(url, tls or system_tls(), clock_ns)
        self.descriptor = self._socket.fileno()  # becomes readable when bytes wait
        self._reader = MessageReader()
        self._lost: ConnectionLost | None = None
        self._timeout_s = CONNECT_TIMEOUT_S
        self._low_water = 1
        self.is_drained = False  # whether the last read took all bytes that waited, if we know
        self._tls = self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Return how many pings, binary messages and messages in parts came so far."""
        reader = self._reader
        return reader.pings, reader.binaries, reader.fragmented

    @property
    def has_more(self) -> bool:
        """Return whether decrypted bytes or the end wait, which no poll of `descriptor` shows."""
        return self._lost is not None or (self._tls is not None and self._tls.pending() > 0)

    def recv(self, timeout_s: float) -> list[bytes]:
        """Wait for bytes, read once, return the messages now whole: none, one or many."""
        if self._lost:
            raise self._lost
        if self._timeout_s != timeout_s:  # to set it is a system call
            self._set_timeout(timeout_s)
        if self._low_water != 1:
            self._set_low_water(1)  # for a caller who polls
        # Over TLS we take decrypted bytes before we wait for more.
        return self._read() or []

    def recv_batch(self, wait_s: float) -> list[bytes]:
        """Wait for `wait_s` or until `BATCH_BYTES` wait, then return the whole messages.

        The system rounds the wait up to milliseconds, and wakes us once, not for each message.
        """
        if self._lost:
            raise self._lost
        if self._timeout_s:
            self._set_timeout(0.0)
        if self._low_water != BATCH_BYTES:
            self._set_low_water(BATCH_BYTES)
        self._poll.poll(wait_s * 1000)
        if not self._tls:
            return self._read() or []
        # Over TLS a read brings only one record, which has a message or two.
        batch: list[bytes] = []
        for _ in range(BATCH_READS_MAX):
            messages = self._read(batch)
            batch += messages or []
            if messages is None or self._lost:
                break
        return batch

    def _read(self, before: Sequence[bytes] = ()) -> list[bytes] | None:
        """Read once; return the messages now whole, or None if nothing came.

        Raise ConnectionLost at the end. If messages precede the end, the next read raises it.
        """
        reader = self._reader
        try:
            count = self._socket.recv_into(reader.space)
        except OSError as error:
            if _is_timeout(error):
                return None
            self._end(f"the connection broke: {_explain(error)}", before)
            return None
        if not count:
            self._end("the exchange hung up without a close frame", before)
            return None
        self.is_drained = self._tls is None and count < len(reader.space)
        messages = reader.cut_messages(count)
        if reader.reply or reader.lost:
            self._send_reply()
            if self._lost and not messages and not before:
                raise self._lost
        return messages

    def _end(self, reason: str, before: Sequence[bytes]) -> None:
        self._lost = ConnectionLost(reason)
        if not before:
            raise self._lost

    def send(self, text: str) -> None:
        """Send one text message, within `SEND_TIMEOUT_S`, or raise ConnectionLost."""
        self._send(TEXT, text.encode(), SEND_TIMEOUT_S)

    def close(self) -> None:
        """Send a close, then hang up; wait `CLOSE_TIMEOUT_S` for the exchange's own close."""
        deadline_s = time.monotonic() + CLOSE_TIMEOUT_S
        with suppress(ConnectionLost, OSError):
            self._send(CLOSE, _NORMAL, CLOSE_TIMEOUT_S)
            self._lost = ConnectionLost("closed by us")
            # A socket closed with bytes unread resets the connection, goodbye and all.
            while (left_s := deadline_s - time.monotonic()) > 0:
                self._set_timeout(left_s)
                if not self._socket.recv_into(self._reader.space):
                    break
        self._socket.close()

    def _send_reply(self) -> None:
        """Send the pong or close that is due; note the end for the next read to raise."""
        if self._reader.reply:
            with suppress(ConnectionLost):
                self._send(*self._reader.reply, SEND_TIMEOUT_S)
            self._reader.reply = None
        self._lost = self._reader.lost or self._lost

    def _send(self, opcode: int, payload: bytes, timeout_s: float) -> None:
        if self._lost:
            raise self._lost
        self._set_timeout(timeout_s)
        try:
            self._socket.sendall(ABNF.create_frame(payload, opcode).format())
        except OSError as error:
            what = f"takes nothing for {timeout_s:g} s" if _is_timeout(error) else _explain(error)
            self._lose(f"cannot send: {what}")

    def _set_timeout(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._socket.settimeout(timeout_s)
        if timeout_s and self._low_water != 1:
            self._set_low_water(1)  # a caller that awaits an answer must not wait for a batch

    def _set_low_water(self, low_water: int) -> None:
        self._low_water = low_water
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, low_water)

    def _lose(self, reason: str) -> NoReturn:
        self._lost = ConnectionLost(reason)
        raise self._lost


def _connect(url: str, tls: ssl.SSLContext, clock_ns: Callable[[], int]) -> socket.socket:
    client = WebSocket(skip_utf8_validation=True)
    opening = SocketOpening(CONNECT_TIMEOUT_S, _SOCKET_OPTIONS)
    # The timeout bounds each read of an answer, not the whole answer.
    watchdog = Timer(CONNECT_S_MAX, opening.interrupt)
    watchdog.start()
    try:
        client.connect(  # type: ignore[no-untyped-call]
            url,
            socket=opening.open(url, tls),
            header={"User-Agent": f"booktape/{VERSION}"},
            # Bitvavo has refused browsers (error 315 of older tables).
            suppress_origin=True,
            redirect_limit=0,
        )
    except WebSocketBadStatusException as error:
        raise _refused(error, clock_ns()) from error
    except (WebSocketException, OSError, ValueError, CookieError) as error:
        raise ConnectionLost(f"cannot connect: {_explain(error)}") from error
    else:
        return opening.release()
    finally:
        watchdog.cancel()
        watchdog.join()
        opening.close()


def _refused(error: WebSocketBadStatusException, ts: int) -> ConnectionLost:
    body = " ".join((error.resp_body or b"").decode(errors="replace").split())
    answer = f"{error.status_code} {error.status_message}: {body[:EXCERPT_CHARACTERS_MAX]}"
    retry_after_s = parse_retry_after((error.resp_headers or {}).get("retry-after", ""), ts)
    if retry_after_s is None and error.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        retry_after_s = TOO_MANY_WAIT_S
    return ConnectionLost(f"the handshake was answered {answer}", retry_after_s=retry_after_s)


def _is_timeout(error: Exception) -> bool:
    # If the system gave up the connection, it raises TimeoutError too, but with a number.
    is_ours = isinstance(error, TimeoutError) and error.errno is None
    return is_ours or isinstance(error, BlockingIOError | ssl.SSLWantReadError)


def _explain(error: Exception) -> str:
    if isinstance(error, WebSocketTimeoutException) or _is_timeout(error):
        return f"no answer within {CONNECT_TIMEOUT_S:g} s"
    match error:
        case socket.gaierror():
            return f"its address is unknown: {error.strerror}"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case OSError():
            return error.strerror or str(error)
        case _:
            return f"the handshake failed: {error}"
