"""Makes the answers to plain requests; a request from a foreign page gets a refusal.

Any page in a browser on this machine can reach a loopback port: through a name that its owner
points here (so the Host must be ours), or through a WebSocket, which browsers do not restrict to
its origin (so the Origin must be the Host). No request changes anything.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from websockets.datastructures import Headers, MultipleValuesError
from websockets.http11 import Response

HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


class Page(Struct, frozen=True):
    """One file to serve."""

    body: bytes
    content_type: str


def make_answer(status: HTTPStatus, body: bytes, content_type: str = TEXT) -> Response:
    """Return an answer with the headers that all answers carry."""
    headers = Headers(_HEADERS)
    headers["Content-Type"] = content_type
    headers["Content-Length"] = str(len(body))
    return Response(status.value, status.phrase, headers, body)


def find_refusal(headers: Headers) -> Response | None:
    """Return the refusal of a request, or None to answer it."""
    try:
        host, origin = headers.get("Host", ""), headers.get("Origin")
    except MultipleValuesError:
        return make_answer(HTTPStatus.BAD_REQUEST, b"Host or Origin is there twice\n")
    if _name_of(f"//{host}") not in HOSTS:
        body = b"this page is served to 127.0.0.1 and localhost alone\n"
        return make_answer(HTTPStatus.MISDIRECTED_REQUEST, body)
    if origin is not None and origin != f"http://{host}":
        return make_answer(HTTPStatus.FORBIDDEN, b"this page is served to no other page\n")
    return None


def _name_of(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises for a bad port
    except ValueError:
        return None
    return parts.hostname if parts.netloc and not (parts.path or "@" in parts.netloc) else None
