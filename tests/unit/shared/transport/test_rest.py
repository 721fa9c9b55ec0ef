import gzip
import socket
import ssl
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from msgspec.structs import replace
from typing_extensions import override

from booktape.release import VERSION
from shared.errors import ConnectionLost, ExchangeError, MalformedMessage, RateLimited
from shared.event import Snapshot, Trade, TradeList
from shared.exchange import Call, Cost, Exchange, Limit, ListedMarket, Outage, Raw, Rest
from shared.transport import rest as module
from shared.transport.limits import Limits
from shared.transport.rest import RequestRefused, RestClient
from tests.support.certificates import make_certificate
from tests.support.levels import levels

WAIT_S = 10.0
Connect = Callable[..., RestClient]
TS = 1_795_356_000_000_000_000  # 2026-11-22 14:00:00 UTC
SECRET = "chocolate"
OUTAGE = Outage("t7", None, TS - 5)


def parse_markets(raw: Raw) -> list[ListedMarket]:
    names = bytes(raw).decode().split()
    return [ListedMarket(symbol=name, raw_symbol=name) for name in names]


def parse_book(raw_symbol: str, raw: Raw) -> Snapshot:
    if not bytes(raw).isdigit():
        raise MalformedMessage("is no number", raw=bytes(raw), raw_symbol=raw_symbol)
    return Snapshot(raw_symbol, *levels([], []), sequence=int(bytes(raw)))


def parse_trades(raw_symbol: str, raw: Raw) -> TradeList:
    trade = Trade(raw_symbol, bytes(raw).decode(), None, 1.0, 2.0)
    return TradeList(raw_symbol, [trade])


def find_ban_s(status: int, headers: Mapping[str, str], raw: Raw, ts: int) -> float | None:
    """Be an exchange that bans with status 403, and names the end of it in its own way."""
    if status != 403 or b"banned" not in bytes(raw):
        return None
    return (int(headers["x-banned-until"]) - ts) / 1e9


EXCHANGE = Exchange(
    name="test",
    symbols=("BTC-EUR",),
    websocket_url="",
    rest_url="",
    symbols_per_socket=1,
    raw_symbol=str,
    parse=lambda _raw: [],
    subscribe=lambda _channels, _symbols: [],
    unsubscribe=lambda _channels, _symbols: [],
    ready="data",
    snapshot_by="first",
    limits={
        "points": Limit(points=10, interval_s=60.0),
        "trades": Limit(points=10, interval_s=60.0),
    },
    rest=Rest(
        markets=Call(path=lambda: "/markets"),
        parse_markets=parse_markets,
        book=Call(path=lambda raw_symbol: f"/{raw_symbol}/book?depth=5", cost=Cost("points")),
        parse_book=parse_book,
        ban_s=find_ban_s,
        trades=Call(
            path=lambda raw_symbol, outage, ts: (
                f"/{raw_symbol}/trades/{outage.trade_id}-{ts - outage.ts_lost}"
            ),
            cost=Cost("trades", 5),
        ),
        parse_trades=parse_trades,
    ),
)


@dataclass
class Answer:
    """What the server says next, to every request until told otherwise."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """A server that says what the test wants, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = Answer()
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.clients: set[tuple[str, int]] = set()
        self.arrive: Callable[[], object] = int

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up: that is what the tests make them do."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        answer = server.answer
        server.paths.append(self.path)
        server.headers.append(dict(self.headers.items()))
        server.clients.add(self.client_address)
        server.arrive()
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Clock:
    def __init__(self) -> None:
        self.ns = 10**18

    def __call__(self) -> float:
        return self.ns / 1e9


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    return Limits(tmp_path / "test.json", EXCHANGE.limits, steady_s=Clock())


@pytest.fixture
def connect(limits: Limits) -> Iterator[Connect]:
    clients: list[RestClient] = []

    def start(url: str, tls: ssl.SSLContext | None = None) -> RestClient:
        clients.append(RestClient(EXCHANGE, url, limits, clock_ns=lambda: TS, tls=tls))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def client(server: Server, connect: Connect) -> RestClient:
    return connect(server.url)


def test_markets_are_asked_for_and_parsed(server: Server, client: RestClient) -> None:
    server.answer.body = b"BTC-EUR ETH-EUR"
    assert ["BTC-EUR", "ETH-EUR"] == [market.symbol for market in client.markets()]
    assert ["/markets"] == server.paths
    assert f"booktape/{VERSION}" == server.headers[0]["User-Agent"]


def test_a_book_is_asked_for_and_parsed(server: Server, client: RestClient) -> None:
    server.answer.body = b"42"
    book = client.book("BTC-EUR")
    assert ("BTC-EUR", 42) == (book.raw_symbol, book.sequence)
    assert ["/BTC-EUR/book?depth=5"] == server.paths


def test_trades_are_asked_for_since_one_we_have(server: Server, client: RestClient) -> None:
    server.answer.body = b"t8"
    trades = client.trades("BTC-EUR", OUTAGE)
    assert (["t8"], None) == ([one.trade_id for one in trades.trades], trades.ts_from)
    assert ["/BTC-EUR/trades/t7-5"] == server.paths


def test_a_list_of_trades_says_since_when_it_is_whole_where_the_exchange_does(
    server: Server, limits: Limits
) -> None:
    exchange = replace(EXCHANGE, rest=replace(EXCHANGE.rest, trades_reach_s=3600.0))
    client = RestClient(exchange, server.url, limits, clock_ns=lambda: TS)
    assert TS - 3600 * 10**9 == client.trades("BTC-EUR", OUTAGE).ts_from
    client.close()


def test_a_request_returns_whatever_the_answer_is(server: Server, client: RestClient) -> None:
    server.answer = Answer(429, b"<html>", {"Retry-After": "17"})
    reply = client.request("/any")
    assert (429, b"<html>", "17") == (reply.status, reply.body, reply.headers["retry-after"])
    assert ["/any"] == server.paths


def test_a_slash_at_the_end_of_the_url_is_no_part_of_the_path(
    server: Server, connect: Connect
) -> None:
    client = connect(server.url + "/")
    client.markets()
    assert ["/markets"] == server.paths
    assert server.url == client.url


def test_an_answer_may_come_compressed(server: Server, client: RestClient) -> None:
    server.answer = Answer(body=gzip.compress(b"42"), headers={"Content-Encoding": "gzip"})
    assert 42 == client.book("BTC-EUR").sequence


def test_one_connection_serves_many_requests(server: Server, client: RestClient) -> None:
    for _ in range(5):
        client.markets()
    server.answer.status = 404
    for _ in range(2):
        with pytest.raises(RequestRefused):
            client.markets()
    assert [7, 1] == [len(server.paths), len(server.clients)]


def test_several_threads_ask_at_once(server: Server, client: RestClient) -> None:
    server.answer.body = b"BTC-EUR"
    server.arrive = Barrier(4, timeout=WAIT_S).wait  # nobody is answered before all have asked
    found: list[list[ListedMarket]] = []
    threads = [Thread(target=lambda: found.append(client.markets())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [["BTC-EUR"]] * 4 == [[market.symbol for market in one] for one in found]


def test_cookies_are_not_kept(server: Server, client: RestClient) -> None:
    server.answer.headers["Set-Cookie"] = f"flavour={SECRET}; Path=/"
    client.markets()
    client.markets()
    assert "Cookie" not in server.headers[1]


@pytest.mark.parametrize("body", [b"", b"<html>Just a moment...</html>"])
def test_what_the_parser_refuses_is_malformed(
    server: Server, client: RestClient, body: bytes
) -> None:
    server.answer.body = body
    with pytest.raises(MalformedMessage) as raised:
        client.book("BTC-EUR")
    assert body.decode() == raised.value.excerpt


@pytest.mark.parametrize("status", [204, 400, 403, 404, 409, 500, 503])
def test_any_other_answer_is_a_refusal_with_its_status(
    server: Server, client: RestClient, status: int
) -> None:
    server.answer = Answer(status, b"<p>\n  no  \xff</p>" + b"x" * 1000)
    if status == 204:
        server.answer.body = b""
    with pytest.raises(RequestRefused) as raised:
        client.book("BTC-EUR")
    assert status == raised.value.status
    assert isinstance(raised.value, ExchangeError)
    expected = "(nothing)" if status == 204 else "<p> no \ufffd</p>" + "x" * 188
    message = f"GET /BTC-EUR/book?depth=5 was answered {status}: {expected}"
    assert message == str(raised.value)


def test_a_redirect_is_not_followed(server: Server, client: RestClient) -> None:
    server.answer = Answer(302, headers={"Location": server.url + "/elsewhere"})
    with pytest.raises(RequestRefused, match=r"302: http.*/elsewhere"):
        client.markets()
    assert ["/markets"] == server.paths


@pytest.mark.parametrize("location", [b"http://[\xff\xfe", b"http://[::1", b"//", b"\x80"])
def test_a_redirect_to_noise_is_refused_as_well(
    raw: Callable[..., RestClient], location: bytes
) -> None:
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    with pytest.raises(RequestRefused, match="was answered 302"):
        raw(lambda peer: peer.sendall(answer)).markets()


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"retry-after": "Sun, 22 Nov 2026 14:00:30 GMT"}, 30.0),
        ({}, module.BAN_S),
        ({"Retry-After": "later"}, module.BAN_S),
    ],
)
def test_too_many_requests_block_that_limit_for_all(
    server: Server, client: RestClient, limits: Limits, headers: dict[str, str], wait_s: float
) -> None:
    server.answer = Answer(429, b"slow down", headers)
    with pytest.raises(RateLimited) as raised:
        client.book("BTC-EUR")
    assert wait_s == raised.value.retry_after_s
    assert [wait_s, 0.0] == [limits.blocked_s("points"), limits.blocked_s("trades")]


def test_a_ban_in_the_exchanges_own_words_is_heeded(
    server: Server, client: RestClient, limits: Limits
) -> None:
    server.answer = Answer(403, b"banned", {"X-Banned-Until": str(TS + 900 * 10**9)})
    with pytest.raises(RateLimited) as raised:
        client.book("BTC-EUR")
    assert 900.0 == raised.value.retry_after_s
    assert 900.0 == limits.blocked_s("points")
    with pytest.raises(RateLimited, match="share of points is spent"):
        client.book("BTC-EUR")
    assert 1 == len(server.paths)


def test_a_ban_for_what_has_no_limit_is_one_from_everything(
    server: Server, client: RestClient, limits: Limits
) -> None:
    server.answer.status = 429
    for _ in range(2):
        with pytest.raises(RateLimited):
            client.markets()
    assert module.BAN_S == limits.blocked_s()
    assert 1 == len(server.paths)


def test_whoever_wants_to_know_of_a_ban_is_told(server: Server, limits: Limits) -> None:
    told: list[tuple[float, str]] = []
    server.answer = Answer(429, b"slow down", {"Retry-After": "17"})
    client = RestClient(
        EXCHANGE, server.url, limits, clock_ns=lambda: TS, on_ban=lambda *ban: told.append(ban)
    )
    for _ in range(2):  # the second is not even asked
        with pytest.raises(RateLimited):
            client.book("BTC-EUR")
    client.close()
    [(wait_s, reason)] = told
    assert (17.0, True) == (wait_s, reason.endswith(" was answered 429"))


class Waits(Event):
    """An event whose waits pass at once, on the clock of the test."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    @override
    def wait(self, timeout: float | None = None) -> bool:
        self._clock.ns += round((timeout or 0.0) * 1e9)
        return self.is_set()


def test_a_request_waits_for_its_points(server: Server, tmp_path: Path) -> None:
    clock = Clock()
    begin = clock.ns
    limits = {"points": Limit(points=10, interval_s=30.0)}
    shared = Limits(tmp_path / "test.json", limits, steady_s=clock)
    server.answer.body = b"1"
    client = RestClient(EXCHANGE, server.url, shared, clock_ns=lambda: TS)
    for _ in range(9):
        client.book("BTC-EUR", Waits(clock))
    client.close()
    assert 30.0 <= (clock.ns - begin) / 1e9 < 32.0
    assert 9 == len(server.paths)


def test_a_request_that_waits_can_be_stopped(
    server: Server, client: RestClient, limits: Limits
) -> None:
    limits.block(30.0, "points")
    stop = Event()
    stop.set()
    with pytest.raises(ConnectionLost, match="stopped"):
        client.book("BTC-EUR", stop)
    assert [] == server.paths


def test_what_costs_more_takes_more(client: RestClient, limits: Limits) -> None:
    client.trades("BTC-EUR", OUTAGE)
    assert 0.0 < limits.spend(Cost("trades", 4))
    assert 0.0 == limits.spend(Cost("trades", 3))


# --- what the network does -----------------------------------------------------------------------


@pytest.fixture
def raw(connect: Connect) -> Iterator[Callable[..., RestClient]]:
    """Answer one request with these very bytes; return a client that will send it."""
    threads: list[Thread] = []

    def start(script: Callable[[socket.socket], object]) -> RestClient:
        listener = socket.create_server(("127.0.0.1", 0))

        def run() -> None:
            with listener, listener.accept()[0] as peer:
                peer.settimeout(WAIT_S)
                while not peer.recv(65536).endswith(b"\r\n\r\n"):
                    pass
                script(peer)

        threads.append(Thread(target=run))
        threads[-1].start()
        return connect(f"http://127.0.0.1:{listener.getsockname()[1]}")

    yield start
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


def wait_for_the_end(peer: socket.socket) -> None:
    try:
        while peer.recv(65536):
            pass
    except ConnectionResetError:
        pass


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


OK = b"HTTP/1.1 200 OK\r\n"
BROKEN = {
    "nothing": (b"", "Remote end closed connection without response"),
    "noise": (b"\x00\x01\r\n\r\n", "BadStatusLine"),
    "half": (OK + b"Content-Length: 10\r\n\r\nhalf", "IncompleteRead"),
    "half a part": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nha", "IncompleteRead"),
    "no gzip": (
        OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf",
        "incorrect header",
    ),
}


@pytest.mark.parametrize(("answer", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_a_lost_connection(
    raw: Callable[..., RestClient], answer: bytes, reason: str
) -> None:
    client = raw(lambda peer: peer.sendall(answer))
    with pytest.raises(ConnectionLost, match=reason) as raised:
        client.markets()
    assert raised.value.reason.startswith("GET /markets: ")


def test_a_reset_is_a_lost_connection(raw: Callable[..., RestClient]) -> None:
    with pytest.raises(ConnectionLost) as raised:
        raw(reset).markets()
    assert "GET /markets: Connection reset by peer" == raised.value.reason


@pytest.mark.parametrize("begun", [b"", OK, OK + b"Content-Length: 10\r\n\r\n"])
def test_silence_is_a_lost_connection(
    raw: Callable[..., RestClient], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT_S", 0.05)

    def script(peer: socket.socket) -> None:
        peer.sendall(begun)
        wait_for_the_end(peer)

    client = raw(script)
    with pytest.raises(ConnectionLost) as raised:
        client.markets()
    client.close()
    assert "GET /markets: no answer in time" == raised.value.reason


def test_an_answer_in_parts_is_joined(raw: Callable[..., RestClient]) -> None:
    parts = b"8\r\nBTC-EUR \r\n7\r\nETH-EUR\r\n0\r\n\r\n"
    client = raw(lambda peer: peer.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + parts))
    assert ["BTC-EUR", "ETH-EUR"] == [market.symbol for market in client.markets()]


def test_a_trickle_is_cut_off(
    raw: Callable[..., RestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BODY_S_MAX", 0.05)
    cut_off = Event()

    def script(peer: socket.socket) -> None:
        peer.sendall(OK + b"Content-Length: 1000000\r\n\r\n")
        try:
            for _ in range(1000):  # a byte now and then, each well within the time for one read
                peer.sendall(b".")
                cut_off.wait(0.005)
        except OSError:
            cut_off.set()

    with pytest.raises(ConnectionLost, match=r"more than 0\.05 s"):
        raw(script).markets()
    assert cut_off.wait(WAIT_S)


def test_an_answer_without_end_is_cut_off(
    raw: Callable[..., RestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BODY_BYTES_MAX", 200_000)
    cut_off = Event()

    def script(peer: socket.socket) -> None:
        peer.sendall(OK + b"\r\n")
        try:
            for _ in range(1000):
                peer.sendall(b"x" * 100_000)
        except OSError:
            cut_off.set()

    with pytest.raises(ConnectionLost, match="longer than 200000 bytes"):
        raw(script).markets()
    assert cut_off.wait(WAIT_S)


def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(
    server: Server, client: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BODY_BYTES_MAX", 200_000)
    bomb = gzip.compress(b"0" * 10_000_000)
    server.answer = Answer(body=bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ConnectionLost, match="longer than 200000 bytes"):
        client.markets()


def test_a_closed_port_is_a_lost_connection(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionLost) as raised:
        connect(f"http://127.0.0.1:{port}").markets()
    assert "GET /markets: Connection refused" == raised.value.reason


def test_an_unknown_host_is_a_lost_connection(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nothing(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    with pytest.raises(ConnectionLost) as raised:
        connect("http://exchange.test").markets()
    assert "GET /markets: Name or service not known" == raised.value.reason


def test_an_address_that_is_none_is_a_lost_connection(
    connect: Connect,
) -> None:
    with pytest.raises(ConnectionLost):
        connect("http://exchange..test").markets()


def test_over_tls_only_a_trusted_certificate_will_do(
    server: Server, connect: Connect, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    url = f"https://localhost:{server.server_port}"
    with pytest.raises(ConnectionLost, match="its certificate is not trusted: "):
        connect(url).markets()
    assert [] == connect(url, ssl.create_default_context(cafile=certificate)).markets()


@pytest.fixture
def proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Stand between us and all that is not on this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ALL_PROXY", f"127.0.0.1:{server.server_port}")
    return server


def test_a_proxy_without_a_scheme_is_asked(proxy: Server, connect: Connect) -> None:
    assert [] == connect("http://exchange.test").markets()
    assert ["http://exchange.test/markets"] == proxy.paths


def test_a_proxy_is_not_asked_for_whom_no_proxy_names(
    proxy: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "other.test,exchange.invalid")
    with pytest.raises(ConnectionLost):
        connect("http://exchange.invalid").markets()
    assert [] == proxy.paths


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(
    proxy: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert [] == connect(proxy.url).markets()
    with pytest.raises(ConnectionLost, match="refused"):
        connect("http://exchange.test").markets()


def test_a_proxy_of_another_kind_is_a_lost_connection(
    proxy: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(ConnectionLost, match="names a socks5 proxy"):
        connect("http://exchange.test").markets()
    assert [] == proxy.paths


def test_an_exchange_without_a_call_for_trades_is_not_asked(server: Server, limits: Limits) -> None:
    exchange = replace(EXCHANGE, rest=replace(EXCHANGE.rest, trades=None, parse_trades=None))
    client = RestClient(exchange, server.url, limits, clock_ns=lambda: TS)
    with pytest.raises(AssertionError):
        client.trades("BTC-EUR", OUTAGE)
    client.close()
