"""Sends one REST request: a GET with a timeout, within the exchange's limit."""

import ssl
import time
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from threading import Event
from typing import Any, Final

import requests
from msgspec import Struct
from msgspec.structs import replace
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.exceptions import HTTPError

from booktape.release import VERSION
from shared.errors import ConnectionLost, ExchangeError, RateLimited
from shared.event import Snapshot, TradeList
from shared.exchange import Call, Exchange, ListedMarket, Outage
from shared.transport.authorities import system_tls
from shared.transport.limits import Limits, parse_retry_after
from shared.transport.proxies import find_proxy

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 10.0  # of each read
BODY_S_MAX: Final = 30.0  # of all reads
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
READ_BYTES: Final = 64 * 1024
THREADS_MAX: Final = 8  # each keeps a connection open
LIMIT_WAIT_S_MAX: Final = 60.0
BAN_S: Final = 60.0  # if the exchange names no time
EXCERPT_CHARACTERS_MAX: Final = 200

_WRONG_QUESTIONS = {400, 404, 405, 410, 422}
_OK, _REDIRECTS, _TOO_MANY_REQUESTS = 200, range(300, 400), 429


class RequestRefused(ExchangeError):
    """Make the caller do without: the exchange answered with a refusal."""

    def __init__(self, path: str, *, status: int, answer: str) -> None:
        self.status = status
        self.excerpt = " ".join(answer.split())[:EXCERPT_CHARACTERS_MAX] or "(nothing)"
        super().__init__(f"GET {path} was answered {status}: {self.excerpt}")

    @property
    def is_final(self) -> bool:
        """Return whether the request itself is wrong, so that a repeat would fail too."""
        return self.status in _WRONG_QUESTIONS


class RestReply(Struct, frozen=True):
    """The answer to a path; its header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class RestClient:
    """The REST calls of one exchange, for several threads at once.

    A call waits for the exchange's limit for at most `LIMIT_WAIT_S_MAX`, or until `stop`. It raises
    RateLimited if our share is used up or the exchange says so, MalformedMessage if it cannot read
    the answer, and also ConnectionLost and RequestRefused.
    """

    def __init__(
        self,
        exchange: Exchange,
        url: str,
        limits: Limits,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        on_ban: Callable[[float, str], None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Send requests to `url`; a ban may name its end, by the time of day of `clock_ns`.

        `on_ban` is called when the exchange bans us, with the seconds and a reason; `tls` is for a
        server that the system's authorities do not vouch for.
        """
        self.url = url.rstrip("/")
        self._rest = exchange.rest
        self._limits = limits
        self._clock_ns = clock_ns
        self._on_ban = on_ban
        self._session = _open_session(tls or system_tls())

    def markets(self, stop: Event | None = None) -> list[ListedMarket]:
        """Return every market that the exchange lists."""
        call = self._rest.markets
        return self._rest.parse_markets(self._get(call, call.path(), stop))

    def book(self, raw_symbol: str, stop: Event | None = None) -> Snapshot:
        """Return the book of one symbol."""
        call = self._rest.book
        return self._rest.parse_book(raw_symbol, self._get(call, call.path(raw_symbol), stop))

    def trades(self, raw_symbol: str, outage: Outage, stop: Event | None = None) -> TradeList:
        """Return the latest trades of one symbol, back over the outage if the exchange can."""
        call, parse, reach_s = self._rest.trades, self._rest.parse_trades, self._rest.trades_reach_s
        assert call is not None
        assert parse is not None
        ts = self._clock_ns()
        trades = parse(raw_symbol, self._get(call, call.path(raw_symbol, outage, ts), stop))
        return replace(trades, ts_from=None if reach_s is None else ts - int(reach_s * 1e9))

    def request(self, path: str) -> RestReply:
        """Return the answer to a path, whatever its status; the caller minds the limits."""
        url = self.url + path
        proxy = find_proxy(url)
        try:
            with self._session.get(
                url,
                proxies={"http": proxy.url, "https": proxy.url} if proxy else {},
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                stream=True,
                allow_redirects=False,
            ) as response:
                body = _read(response)
        except (requests.RequestException, HTTPError) as error:
            raise ConnectionLost(f"GET {path}: {_explain(error)}") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return RestReply(response.status_code, headers, body)

    def close(self) -> None:
        """Close the open connections."""
        self._session.close()

    def _get(self, call: Call, path: str, stop: Event | None) -> bytes:
        if call.cost is not None:
            self._limits.acquire(call.cost, timeout_s=LIMIT_WAIT_S_MAX, stop=stop or Event())
        elif blocked_s := self._limits.blocked_s():
            raise RateLimited("the exchange has blocked this address", retry_after_s=blocked_s)
        reply = self.request(path)
        status, headers, body = reply.status, reply.headers, reply.body
        self._heed_ban(call, path, status, headers, body)
        if status in _REDIRECTS:
            raise RequestRefused(path, status=status, answer=headers.get("location", ""))
        if status != _OK:
            raise RequestRefused(path, status=status, answer=body.decode(errors="replace"))
        return body

    def _heed_ban(
        self, call: Call, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        ts = self._clock_ns()
        wait_s = self._rest.ban_s(status, headers, body, ts)
        if wait_s is None and status == _TOO_MANY_REQUESTS:
            wait_s = parse_retry_after(headers.get("retry-after", ""), ts)
            wait_s = BAN_S if wait_s is None else wait_s
        if wait_s is not None:
            self._limits.block(wait_s, call.cost.limit if call.cost else None)
            reason = f"GET {path} was answered {status}"
            if self._on_ban is not None:
                self._on_ban(wait_s, reason)
            raise RateLimited(reason, retry_after_s=wait_s)


class _Session(requests.Session):
    """Follows no redirect, and never reads its target, which may be noise."""

    @override
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _Adapter(HTTPAdapter):
    """Trusts the authorities of one context, and none of those that requests ships."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=THREADS_MAX)

    @override
    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls, **pool_kwargs)

    @override
    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._tls, **proxy_kwargs)

    @override
    def cert_verify(self, conn: Any, url: str, verify: object, cert: object) -> None:
        conn.cert_reqs = "CERT_REQUIRED"


def _open_session(tls: ssl.SSLContext) -> requests.Session:
    session = _Session()
    session.headers["User-Agent"] = f"booktape/{VERSION}"
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(tls))
    # Threads share the session: its cookies are all that an answer could change.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Our own code reads the environment's proxies and authorities, for sockets and REST alike.
    session.trust_env = False
    return session


def _read(response: requests.Response) -> bytes:
    """Return the body, or raise ConnectionLost if it is too long or takes too long."""
    deadline_s = time.monotonic() + BODY_S_MAX
    body = bytearray()
    # Unlike requests' own reads, this one returns early, so that we notice a trickle.
    while part := response.raw.read1(READ_BYTES, decode_content=True):
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise ConnectionLost(
                f"GET {response.url}: an answer longer than {BODY_BYTES_MAX} bytes"
            )
        if time.monotonic() > deadline_s:
            raise ConnectionLost(f"GET {response.url}: an answer of more than {BODY_S_MAX:g} s")
    return bytes(body)


def _explain(error: BaseException) -> str:
    # The libraries wrap the cause in errors of their own.
    while isinstance(error, requests.RequestException | HTTPError):
        if error.__context__ is None:
            break
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
