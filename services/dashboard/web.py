"""Asks one address of the web with the standard library: `requests` would cost 5 MB of memory."""

from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from booktape.errors import BooktapeError
from booktape.release import RELEASE

# Wait for a slow answer: repeating a request may call somebody twice.
ANSWER_S: Final = 60.0
CONNECT_S: Final = 10.0


class WebError(BooktapeError):
    """A request did not come through."""


class Unsure(WebError):
    """A request was sent but not answered: it may have come through."""


class Web:
    """One address; the caller waits for the answer."""

    def __init__(
        self, url: str, *, connect_s: float = CONNECT_S, answer_s: float = ANSWER_S
    ) -> None:
        """Prepare; each request opens a connection of its own."""
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._is_safe = parts.scheme == "https"
        query = f"?{parts.query}" if parts.query else ""
        self._path = f"{parts.path or '/'}{query}"
        self._connect_s = connect_s
        self._answer_s = answer_s

    def ask(self, body: bytes | None) -> int:
        """Return the status of the answer; raise `WebError` if none came.

        An address may be a secret, so errors name only its host.
        """
        kind = HTTPSConnection if self._is_safe else HTTPConnection
        method = "GET" if body is None else "POST"
        headers = {"User-Agent": f"booktape/{RELEASE}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with closing(kind(self._host, self._port, timeout=self._connect_s)) as connection:
            try:
                connection.connect()
                connection.request(method, self._path, body, headers)
            except (OSError, HTTPException) as error:
                raise WebError(f"{self._host} cannot be reached: {error}") from error
            try:
                connection.sock.settimeout(self._answer_s)
                return connection.getresponse().status
            except (OSError, HTTPException) as error:
                raise Unsure(f"{self._host} does not answer: {error}") from error
