"""Finds the proxies that the environment names, for sockets and REST alike."""

import base64
import re
import socket
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from requests.utils import get_environ_proxies, select_proxy

from shared.errors import ConnectionLost

HEAD_BYTES_MAX: Final = 65_536
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})([^\r\n]{0,100})")


class Proxy(Struct, frozen=True, kw_only=True):
    """A proxy that speaks plain HTTP; `authorization` is a header's value, or empty."""

    url: str
    host: str
    port: int
    authorization: str = ""


def find_proxy(url: str) -> Proxy | None:
    """Return the proxy that the environment names for `url`, or `None` for a direct connection.

    `https_proxy` is for https and wss, `http_proxy` for http and ws, `all_proxy` for all if these
    are not set; `no_proxy` lists hosts that need no proxy. Each may be in small letters or
    capitals. A proxy needs no scheme. This machine's own addresses never go through a proxy. Raise
    ConnectionLost if the proxy is not an http:// one.
    """
    if urlsplit(url).hostname in LOOPBACK:
        return None
    url = re.sub(r"^ws(s?):", r"http\1:", url)
    named = select_proxy(url, get_environ_proxies(url))
    if not named:
        return None
    return _read(named if "://" in named else f"http://{named}")


def open_tunnel(to_proxy: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Make the proxy connect this socket with the host, or raise ConnectionLost."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    request = f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n"
    if proxy.authorization:
        request += f"Proxy-Authorization: {proxy.authorization}\r\n"
    to_proxy.sendall(f"{request}\r\n".encode())
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = to_proxy.recv(1)  # the bytes after the head belong to the exchange
        if not byte or len(head) >= HEAD_BYTES_MAX:
            raise ConnectionLost(f"the proxy {proxy.host}:{proxy.port} gave no answer")
        head += byte
    status = _STATUS.match(head)
    if status is None or not status[1].startswith(b"2"):
        said = (status[1] + status[2]).decode(errors="replace") if status else "noise"
        raise ConnectionLost(f"the proxy {proxy.host}:{proxy.port} answered {said}")


def _read(url: str) -> Proxy:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ConnectionLost(
            f"the environment names a {parts.scheme} proxy, but booktape needs an http:// proxy:"
            " set https_proxy to one, or no_proxy"
        )
    authorization = ""
    if parts.username is not None:
        account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(account.encode()).decode()}"
    return Proxy(url=url, host=parts.hostname, port=parts.port or 80, authorization=authorization)
