"""Posts lines to a store over HTTP; its own door to requests."""

import ssl
import time
from typing import Final
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from typing_extensions import override
from urllib3.exceptions import HTTPError

from services.sink.lines import encode
from services.sink.protocol import SinkBatch, SinkFailed, SinkRefused
from shared.process.sinks import SinkSettings

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0  # of each read
ANSWER_S_MAX: Final = 60.0  # of all reads
ANSWER_BYTES_MAX: Final = 64 * 1024
READ_BYTES: Final = 4096
RETRY_AFTER_S_MAX: Final = 3600.0
EXCERPT_CHARACTERS_MAX: Final = 300

_DELIVERED, _SERVER_FAULTS = range(200, 300), range(500, 600)
# Statuses to try again after, besides the server's own faults: a timeout, too many requests.
_PASSING: Final = (408, 429)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class LineStore:
    """A store that takes line protocol; `requests` counts the requests to it."""

    def __init__(self, settings: SinkSettings) -> None:
        """Prepare; send nothing yet."""
        self.requests = 0
        self._url = settings.url
        self._where = settings.url.partition("?")[0]  # a query may hold a password
        self._session = _Session()
        self._session.headers["User-Agent"] = "booktape"
        self._session.headers["Content-Type"] = "text/plain; charset=utf-8"
        self._session.auth = _Authorization(settings.authorization)
        # Never use a proxy to a store on this machine, whatever the environment says.
        self._session.trust_env = urlsplit(settings.url).hostname not in _LOOPBACK

    def send(self, batch: SinkBatch) -> None:
        """Post the rows, one request after the other."""
        for lines in encode(batch):
            self._post(lines)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()

    def _post(self, lines: bytes) -> None:
        self.requests += 1
        try:
            with self._session.post(
                self._url,
                data=lines,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                stream=True,
                allow_redirects=False,
            ) as response:
                if response.status_code in _DELIVERED:
                    return
                answer = _read(response)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise SinkFailed(f"{self._where}: {_explain(error)}") from None
        status = response.status_code
        text = f"{self._where} answers {status}: {answer}"
        if status in _PASSING or status in _SERVER_FAULTS:
            wait_s = _parse_wait_s(response.headers.get("Retry-After", ""))
            raise SinkFailed(text, retry_after_s=wait_s)
        raise SinkRefused(text)


class _Session(requests.Session):
    """Follows no redirect, and does not read its target."""

    @override
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _Authorization(AuthBase):
    """Sets the given header; otherwise requests would take one from a .netrc."""

    def __init__(self, header: str) -> None:
        self._header = header

    @override
    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            r.headers["Authorization"] = self._header
        return r


def _read(response: requests.Response) -> str:
    """Return the beginning of an answer, which may be long or slow."""
    end_s = time.monotonic() + ANSWER_S_MAX
    body = bytearray()
    # Unlike the reads of requests this returns early, so that we notice a trickle.
    while part := response.raw.read1(READ_BYTES, decode_content=True):
        body += part
        if len(body) > ANSWER_BYTES_MAX or time.monotonic() > end_s:
            break
    text = " ".join(bytes(body).decode(errors="replace").split())
    return text[:EXCERPT_CHARACTERS_MAX] or "(nothing)"


def _explain(error: BaseException) -> str:
    """Return the cause, without the address that libraries put into the text."""
    while isinstance(error, requests.RequestException | HTTPError):
        if error.__context__ is None:
            return type(error).__name__
        error = error.__context__
    match error:
        case TimeoutError(errno=None):
            return "no answer in time"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case OSError(strerror=str(reason)):
            return reason
        case _:
            return f"{type(error).__name__}: {error}"


def _parse_wait_s(text: str) -> float:
    """Return the seconds of a Retry-After; 0 if it has none, or a date."""
    return min(float(text), RETRY_AFTER_S_MAX) if text.isascii() and text.isdecimal() else 0.0
