"""Opens the socket under a websocket: address, proxy, TLS."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from shared.transport.dial import SocketOption, dial
from shared.transport.proxies import find_proxy, open_tunnel


class SocketOpening:
    """Opens one socket; another thread may interrupt it."""

    def __init__(self, timeout_s: float, options: Sequence[SocketOption]) -> None:
        """Prepare; `timeout_s` bounds all attempts to connect together, then each read."""
        self._timeout_s = timeout_s
        self._options = options
        self._socket: socket.socket | None = None

    def open(self, url: str, tls: ssl.SSLContext) -> socket.socket:
        """Return a socket connected to the exchange."""
        parts = urlsplit(url)
        is_secure = parts.scheme == "wss"
        host, port = parts.hostname, parts.port or (443 if is_secure else 80)
        if not host or parts.scheme not in ("ws", "wss"):
            raise ValueError(f"{url} is no address of a websocket")
        proxy = find_proxy(url)
        near = (proxy.host, proxy.port) if proxy else (host, port)
        self._socket = dial(*near, timeout_s=self._timeout_s, options=self._options)
        if proxy:
            open_tunnel(self._socket, proxy, host, port)
        if is_secure:
            secure = tls.wrap_socket(
                self._socket, server_hostname=host, do_handshake_on_connect=False
            )
            self._socket = secure
            secure.do_handshake()
        return self._socket

    def interrupt(self) -> None:
        """End the wait of the other thread."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> socket.socket:
        """Hand the socket to the caller, who will close it."""
        assert self._socket is not None
        released, self._socket = self._socket, None
        return released

    def close(self) -> None:
        """Close the socket unless it was released."""
        if self._socket is not None:
            self._socket.close()
