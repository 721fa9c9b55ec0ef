import base64
import errno
import hashlib
import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from websockets.sync.server import ServerConnection, serve

from booktape.release import VERSION
from shared.errors import ConnectionLost
from shared.transport import connection as module
from shared.transport import proxies
from shared.transport.authorities import make_tls
from shared.transport.connection import SOCKET_BYTES, TOO_MANY_WAIT_S, Connection
from tests.support.certificates import make_certificate

WAIT_S = 10.0  # far more than anything here takes
TS = 1_795_356_000_000_000_000  # 2026-11-22 14:00:00 UTC
PING, PONG, CLOSE = 0x89, 0x8A, 0x88

Script = Callable[[socket.socket], object]
Serve = Callable[..., str]


def text(payload: bytes, first: int = 0x81) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes([first, length]) + payload
    if length < 1 << 16:
        return bytes([first, 126]) + length.to_bytes(2, "big") + payload
    return bytes([first, 127]) + length.to_bytes(8, "big") + payload


def read_request(peer: socket.socket) -> bytes:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += peer.recv(1)
    return request


def accept(request: bytes) -> bytes:
    found = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
    assert found
    digest = hashlib.sha1(found[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def read_exactly(peer: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = peer.recv(count - len(data))
        assert part, "the client hung up"
        data += part
    return data


def read_frame(peer: socket.socket) -> tuple[int, bytes]:
    """Read one short frame of the client, which has to be masked."""
    first, second = read_exactly(peer, 2)
    assert 0x80 <= second < 0x80 + 126
    mask = read_exactly(peer, 4)
    payload = read_exactly(peer, second & 0x7F)
    return first, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def hang_up(peer: socket.socket) -> None:
    """Say goodbye and wait for the client's."""
    peer.sendall(text(b"\x03\xe8", CLOSE))
    assert (CLOSE, b"\x03\xe8") == read_frame(peer)


def do_nothing(_peer: socket.socket) -> None:
    """Be a script that ends at once."""


@pytest.fixture
def raw() -> Iterator[Serve]:
    """Serve one client with the very bytes that the script sends; return the URL."""
    threads: list[Thread] = []

    def start(script: Script, *, shake: bool = True, tls: ssl.SSLContext | None = None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def run() -> None:
            with listener:
                peer, _ = listener.accept()
            with peer if tls is None else tls.wrap_socket(peer, server_side=True) as wrapped:
                wrapped.settimeout(WAIT_S)
                if shake:
                    wrapped.sendall(accept(read_request(wrapped)))
                script(wrapped)

        threads.append(Thread(target=run))
        threads[-1].start()
        return f"{'ws' if tls is None else 'wss'}://localhost:{listener.getsockname()[1]}/v2/"

    yield start
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


def connect(url: str, tls: ssl.SSLContext | None = None) -> "closing[Connection]":
    return closing(Connection(url, clock_ns=lambda: TS, tls=tls))


def collect(connection: Connection, count: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < count:
        messages += map(bytes, connection.recv(WAIT_S))
    return messages


def lose(connection: Connection) -> str:
    """Receive until the connection is lost; return the reason."""
    while True:
        try:
            messages = connection.recv(WAIT_S)
        except ConnectionLost as lost:
            return lost.reason
        assert [] == messages


@contextmanager
def holding(raw: Serve) -> Iterator[str]:
    """Serve in silence while the block lasts."""
    finished = Event()
    try:
        yield raw(lambda _peer: finished.wait())
    finally:
        finished.set()


def fail_to_connect(url: str, tls: ssl.SSLContext | None = None) -> ConnectionLost:
    with pytest.raises(ConnectionLost) as lost:
        Connection(url, clock_ns=lambda: TS, tls=tls)
    return lost.value


@pytest.fixture
def websocket_server() -> Iterator[Callable[[Callable[[ServerConnection], None]], str]]:
    """Serve with a server that is not ours."""
    running = []

    def start(handler: Callable[[ServerConnection], None]) -> str:
        server = serve(handler, "127.0.0.1", 0)
        thread = Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()


def test_another_server_understands_us(
    websocket_server: Callable[[Callable[[ServerConnection], None]], str],
) -> None:
    codes: list[int | None] = []
    done = Event()

    def handler(peer: ServerConnection) -> None:
        peer.send(peer.recv())
        peer.send(iter(["in ", "three ", "fragments"]))
        assert peer.ping(b"x").wait(WAIT_S)
        peer.send(b"\x00\xff" * 5_000_000)
        assert "thanks" == peer.recv()
        with suppress(Exception):
            peer.recv()
        codes.append(peer.close_code)
        done.set()

    with connect(websocket_server(handler)) as connection:
        connection.send("\u20ba" * 30_000)
        messages = collect(connection, 2)
        assert ["\u20ba" * 30_000, "in three fragments"] == [one.decode() for one in messages]
        assert [b"\x00\xff" * 5_000_000] == collect(connection, 1)
        connection.send("thanks")
    assert done.wait(WAIT_S)
    assert [1000] == codes


def test_a_server_that_closes_gets_its_close_back(
    websocket_server: Callable[[Callable[[ServerConnection], None]], str],
) -> None:
    codes: list[int | None] = []
    done = Event()

    def handler(peer: ServerConnection) -> None:
        peer.close(1001, "maintenance")
        codes.append(peer.protocol.close_rcvd.code if peer.protocol.close_rcvd else None)
        done.set()

    with connect(websocket_server(handler)) as connection:
        reason = lose(connection)
    assert "the exchange closed the connection: code 1001 maintenance" == reason
    assert done.wait(WAIT_S)
    assert [1001] == codes


def test_what_came_with_the_handshake_is_not_lost(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        peer.sendall(accept(read_request(peer)) + text(b"one") + text(b"two") + text(b"three")[:4])
        read_frame(peer)
        peer.sendall(text(b"three")[4:])
        hang_up(peer)

    with connect(raw(script, shake=False)) as connection:
        assert [b"one", b"two"] == collect(connection, 2)
        connection.send("go on")
        assert [b"three"] == collect(connection, 1)


def test_we_ask_for_no_compression_and_name_no_origin(raw: Serve) -> None:
    requests: list[bytes] = []

    def script(peer: socket.socket) -> None:
        requests.append(read_request(peer))
        peer.sendall(accept(requests[0]))
        hang_up(peer)

    with connect(raw(script, shake=False)):
        pass
    assert requests[0].startswith(b"GET /v2/ HTTP/1.1\r\n")
    assert [] == re.findall(rb"(?im)^(?:origin|sec-websocket-extensions):", requests[0])
    assert f"\r\nUser-Agent: booktape/{VERSION}\r\n".encode() in requests[0]


def test_bytes_that_come_one_by_one_make_the_same_messages(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in text(b"x" * 200) + text(b"y"):
            peer.sendall(bytes([byte]))
        hang_up(peer)

    with connect(raw(script)) as connection:
        assert [b"x" * 200, b"y"] == collect(connection, 2)


def test_a_ping_is_answered_while_a_message_is_incomplete(raw: Serve) -> None:
    frames: list[tuple[int, bytes]] = []

    def script(peer: socket.socket) -> None:
        peer.sendall(text(b"Hel", 0x01) + text(b"still there?", PING))
        frames.append(read_frame(peer))
        peer.sendall(text(b"lo", 0x80))
        hang_up(peer)

    with connect(raw(script)) as connection:
        assert [b"Hello"] == collect(connection, 1)
    assert [(PONG, b"still there?")] == frames


def test_what_is_no_plain_text_is_counted(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        peer.sendall(text(b"Hel", 0x01) + text(b"", PING) + text(b"lo", 0x80) + text(b"x", 0x82))
        peer.sendall(text(b"in ", 0x02) + text(b"parts", 0x80) + text(b"plain"))
        read_frame(peer)
        hang_up(peer)

    with connect(raw(script)) as connection:
        assert (0, 0, 0) == connection.counts
        assert [b"Hello", b"x", b"in parts", b"plain"] == collect(connection, 4)
        assert (1, 2, 2) == connection.counts


def test_silence_returns_nothing(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        read_frame(peer)
        hang_up(peer)

    with connect(raw(script)) as connection:
        assert [] == connection.recv(0.01)
        assert [] == connection.recv(0.0)
        connection.send("end it")
        assert "the exchange closed the connection: code 1000" == lose(connection)


def test_a_read_that_leaves_nothing_says_so(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        peer.sendall(text(b"one"))
        read_frame(peer)

    with connect(raw(script)) as connection:
        assert [b"one"] == collect(connection, 1)
        assert (True, False) == (connection.is_drained, connection.has_more)
        connection.send("end it")


def test_what_came_before_the_end_is_delivered_first(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        peer.sendall(text(b"one") + text(b"two") + b"\xc1\x00" + text(b"three"))
        peer.recv(1)

    with connect(raw(script)) as connection:
        assert [b"one", b"two"] == collect(connection, 2)
        assert connection.has_more
        for _ in range(2):
            reason = lose(connection)
            assert "the exchange broke the protocol: reserved bits are set (0xc1)" == reason
        with pytest.raises(ConnectionLost, match="reserved bits"):
            connection.send("too late")


def test_an_end_without_a_close_frame_is_told(raw: Serve) -> None:
    with connect(raw(lambda peer: peer.sendall(text(b"half")[:3]))) as connection:
        assert "the exchange hung up without a close frame" == lose(connection)


def test_a_reset_is_told(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        read_frame(peer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with connect(raw(script)) as connection:
        connection.send("x")
        assert "the connection broke: Connection reset by peer" == lose(connection)


class FakeSocket:
    """A socket whose reads and writes end as the test says."""

    def __init__(self, data: bytes, error: OSError) -> None:
        self._data = data
        self._error = error

    def recv_into(self, free: memoryview) -> int:
        if not self._data:
            raise self._error
        count = len(self._data)
        free[:count] = self._data
        self._data = b""
        return count

    def sendall(self, _data: bytes) -> None:
        raise self._error

    def settimeout(self, _timeout_s: float) -> None:
        """Do nothing: no read ever waits."""

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def faked(raw: Serve, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes, OSError], Connection]:
    def start(data: bytes, error: OSError) -> Connection:
        connection = Connection(raw(do_nothing), clock_ns=lambda: TS)
        connection._socket.close()
        monkeypatch.setattr(connection, "_socket", FakeSocket(data, error))
        return connection

    return start


def test_a_connection_that_the_system_gave_up_is_lost(
    faked: Callable[[bytes, OSError], Connection],
) -> None:
    connection = faked(b"", OSError(errno.ETIMEDOUT, "Connection timed out"))
    assert "the connection broke: Connection timed out" == lose(connection)


def test_a_pong_that_cannot_be_sent_comes_after_what_was_read(
    faked: Callable[[bytes, OSError], Connection],
) -> None:
    connection = faked(text(b"one") + text(b"", PING), OSError(errno.EPIPE, "Broken pipe"))
    assert [b"one"] == [bytes(message) for message in connection.recv(WAIT_S)]
    assert "cannot send: Broken pipe" == lose(connection)


def test_a_server_that_reads_nothing_does_not_hold_us(
    raw: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEND_TIMEOUT_S", 0.05)
    with holding(raw) as url, connect(url) as connection:
        with pytest.raises(ConnectionLost, match=re.escape("takes nothing for 0.05 s")):
            connection.send("x" * 20_000_000)
        assert "cannot send: takes nothing for 0.05 s" == lose(connection)


def test_we_take_leave_even_with_much_unread(raw: Serve) -> None:
    frames: list[tuple[int, bytes]] = []

    def script(peer: socket.socket) -> None:
        peer.sendall(text(b"x" * 1_000_000) * 3)
        frames.append(read_frame(peer))

    with connect(raw(script)) as connection:
        connection.recv(WAIT_S)
    assert [(CLOSE, b"\x03\xe8")] == frames
    connection.close()
    with pytest.raises(ConnectionLost, match="closed by us"):
        connection.recv(WAIT_S)


def test_we_do_not_wait_for_ever_to_take_leave(raw: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", 0.05)
    with holding(raw) as url:
        Connection(url, clock_ns=lambda: TS).close()


def test_the_socket_is_set_up_for_a_feed(raw: Serve) -> None:
    with connect(raw(hang_up)) as connection:
        options = {
            name: connection._socket.getsockopt(level, number)
            for name, level, number in [
                ("keepalive", socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                ("idle", socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                ("interval", socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                ("count", socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                ("unacknowledged", socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            ]
        }
        expected = {
            "keepalive": 1,
            "idle": 15,
            "interval": 5,
            "count": 3,
            "unacknowledged": 30_000,
        }
        assert expected == options
        # The system doubles what it grants, and grants at most net.core.rmem_max.
        granted = int(Path("/proc/sys/net/core/rmem_max").read_text(encoding="ascii"))
        received = connection._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert 2 * min(SOCKET_BYTES, granted) == received


DATE = b"retry-after: Sun, 22 Nov 2026 14:01:30 GMT\r\n"


@pytest.mark.parametrize(
    ("status", "header", "wait_s"),
    [
        (b"429 Too Many Requests", b"Retry-After: 17\r\n", 17.0),
        (b"429 Too Many Requests", DATE, 90.0),
        (b"429 Too Many Requests", b"", TOO_MANY_WAIT_S),
        (b"503 Service Unavailable", b"Retry-After: 0\r\n", 0.0),
        (b"503 Service Unavailable", DATE, 90.0),
        (b"503 Service Unavailable", b"", None),
    ],
)
def test_a_refused_handshake_tells_how_long_to_wait(
    raw: Serve, status: bytes, header: bytes, wait_s: float | None
) -> None:
    def script(peer: socket.socket) -> None:
        read_request(peer)
        body = b"<p>error\n\n1015</p>"
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        peer.sendall(b"HTTP/1.1 " + status + b"\r\n" + header + length + body)

    lost = fail_to_connect(raw(script, shake=False))
    assert wait_s == lost.retry_after_s
    assert f"the handshake was answered {status.decode()}: <p>error 1015</p>" == lost.reason


ANSWERS = {
    "nothing": (b"", "the handshake failed: Connection to remote host was lost."),
    "noise": (b"\x00\x01\x02\r\n\r\n", "the handshake failed: Invalid status line"),
    "another place": (
        b"HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:9/\r\n\r\n",
        "the handshake failed: Redirect limit exhausted",
    ),
    "another key": (accept(b"Sec-WebSocket-Key: other"), "Invalid WebSocket Header"),
    "no upgrade": (b"HTTP/1.1 200 OK\r\n\r\n", "the handshake was answered 200 OK: "),
}


@pytest.mark.parametrize(("answer", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_no_handshake_is_told(raw: Serve, answer: bytes, reason: str) -> None:
    def script(peer: socket.socket) -> None:
        read_request(peer)
        peer.sendall(answer)

    lost = fail_to_connect(raw(script, shake=False))
    assert reason in lost.reason
    assert lost.retry_after_s is None


def test_a_handshake_without_an_answer_ends(raw: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 0.05)

    def script(peer: socket.socket) -> None:
        read_request(peer)
        assert b"" == peer.recv(1)

    lost = fail_to_connect(raw(script, shake=False))
    assert "cannot connect: no answer within 0.05 s" == lost.reason


def test_an_answer_that_never_ends_is_cut_off(raw: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_S_MAX", 0.1)
    cut_off = Event()

    def script(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nX-Patience: ")
        try:
            for _ in range(1000):  # a byte now and then, each well within the time for one read
                peer.sendall(b".")
                cut_off.wait(0.005)
        except OSError:
            cut_off.set()

    assert "cannot connect" in fail_to_connect(raw(script, shake=False)).reason
    assert cut_off.wait(WAIT_S)


def test_a_closed_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    lost = fail_to_connect(f"ws://127.0.0.1:{port}/")
    assert "cannot connect: Connection refused" == lost.reason


def test_an_unknown_host_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(*_: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    lost = fail_to_connect("ws://exchange.test/")
    assert "cannot connect: its address is unknown: Name or service not known" == lost.reason


def test_an_address_that_is_none_is_told() -> None:
    assert "cannot connect: the handshake failed" in fail_to_connect("ws://:port").reason


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def client_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


def test_over_tls_nothing_stays_behind(
    raw: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    small = [b"%d" % number for number in range(1000)]
    frames: list[tuple[int, bytes]] = []

    def script(peer: socket.socket) -> None:
        # One record holds many frames, and the big one leaves less room than a record takes.
        peer.sendall(b"".join(map(text, small)) + text(b"x" * 262_000) + text(b"last"))
        peer.sendall(text(b"", PING))
        frames.append(read_frame(peer))
        hang_up(peer)

    with connect(raw(script, tls=server_tls), client_tls) as connection:
        assert [*small, b"x" * 262_000, b"last"] == collect(connection, 1002)
        assert [] == connection.recv(WAIT_S)  # the ping
        assert "the exchange closed the connection: code 1000" == lose(connection)
    assert [(PONG, b"")] == frames


def test_over_tls_bytes_wait_that_no_poll_shows(
    raw: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    def script(peer: socket.socket) -> None:
        peer.sendall(accept(read_request(peer)) + text(b"one"))
        read_frame(peer)

    with connect(raw(script, shake=False, tls=server_tls), client_tls) as connection:
        waited = connection.has_more
        assert [b"one"] == collect(connection, 1)
        assert (True, False, False) == (waited, connection.has_more, connection.is_drained)
        connection.send("end it")


def test_over_tls_silence_returns_nothing_and_an_end_is_told(
    raw: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    def script(peer: socket.socket) -> None:
        read_frame(peer)
        peer.shutdown(socket.SHUT_RDWR)

    with connect(raw(script, tls=server_tls), client_tls) as connection:
        assert [] == connection.recv(0.01)
        assert [] == connection.recv(0.0)
        connection.send("end it")
        assert "the exchange hung up without a close frame" == lose(connection)


def test_a_certificate_that_nobody_vouches_for_is_told(server_tls: ssl.SSLContext) -> None:
    def refuse() -> None:
        with listener, listener.accept()[0] as peer, pytest.raises(ssl.SSLError):
            server_tls.wrap_socket(peer, server_side=True)

    listener = socket.create_server(("127.0.0.1", 0))
    thread = Thread(target=refuse)
    thread.start()
    lost = fail_to_connect(f"wss://localhost:{listener.getsockname()[1]}")
    thread.join()
    assert "cannot connect: its certificate is not trusted: " in lost.reason


def test_a_server_without_tls_is_told(raw: Serve, client_tls: ssl.SSLContext) -> None:
    url = raw(lambda peer: peer.recv(65536) and peer.sendall(b"HTTP/1.1 400 \r\n\r\n"), shake=False)
    assert "WRONG_VERSION_NUMBER" in fail_to_connect(url.replace("ws:", "wss:"), client_tls).reason


# --- addresses and proxies -----------------------------------------------------------------------


def greet(peer: socket.socket) -> None:
    peer.sendall(text(b"hello"))
    hang_up(peer)


def test_a_dead_address_beside_a_good_one_does_not_keep_us_out(
    raw: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=0) as full:
        dead = full.getsockname()
        guests = [socket.socket(socket.AF_INET6) for _ in range(3)]
        for guest in guests:
            guest.settimeout(0.0)
            guest.connect_ex(dead)
        url = raw(greet)
        port = int(url.split(":")[2].split("/")[0])
        found = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", dead),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with connect("ws://exchange.test/") as connection:
            assert [b"hello"] == collect(connection, 1)
        for guest in guests:
            guest.close()


def test_a_proxy_leads_to_the_exchange_and_tls_is_with_the_exchange(
    raw: Serve,
    certificate: tuple[Path, Path],
    server_tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[bytes] = []

    def script(peer: socket.socket) -> None:
        requests.append(read_request(peer))
        peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with server_tls.wrap_socket(peer, server_side=True) as secure:
            secure.sendall(accept(read_request(secure)) + text(b"hello"))
            hang_up(secure)

    proxy = raw(script, shake=False).removeprefix("ws://").removesuffix("/v2/")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    # Its certificate is for localhost, which no proxy would be asked for.
    monkeypatch.setattr(proxies, "LOOPBACK", frozenset())
    with connect("wss://localhost:9/v2/", make_tls([])) as connection:
        assert [b"hello"] == collect(connection, 1)
    assert requests[0].startswith(b"CONNECT localhost:9 HTTP/1.1\r\n")


def test_a_proxy_that_refuses_is_told(raw: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(peer: socket.socket) -> None:
        read_request(peer)
        peer.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    proxy = raw(script, shake=False).removeprefix("ws://").removesuffix("/v2/")
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    lost = fail_to_connect("wss://exchange.test/")
    assert f"the proxy {proxy} answered 403 Forbidden" == lost.reason


def test_tls_without_an_end_is_cut_off(
    raw: Serve, client_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECT_S_MAX", 0.1)

    def script(peer: socket.socket) -> None:
        peer.recv(65536)
        assert b"" == peer.recv(65536)

    url = raw(script, shake=False).replace("ws:", "wss:")
    assert "cannot connect: " in fail_to_connect(url, client_tls).reason


# --- batches ---


def low_water(connection: Connection) -> int:
    return connection._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


def collect_batches(connection: Connection, count: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < count:
        messages += connection.recv_batch(0.001)
    return messages


def test_a_batch_has_all_that_came(raw: Serve) -> None:
    numbers = [b"%d" % number for number in range(1000)]

    def script(peer: socket.socket) -> None:
        for number in numbers:
            peer.sendall(text(number))
        peer.sendall(text(b"", PING))
        assert (PONG, b"") == read_frame(peer)
        peer.sendall(text(b"x" * 300_000))
        hang_up(peer)

    with connect(raw(script)) as connection:
        assert [*numbers, b"x" * 300_000] == collect_batches(connection, 1001)
        assert "the exchange closed the connection: code 1000" == lose(connection)


def test_the_system_wakes_nobody_for_less_than_a_batch_unless_a_message_is_waited_for(
    raw: Serve,
) -> None:
    def script(peer: socket.socket) -> None:
        for _ in range(2):
            peer.sendall(text(b"one"))
            assert (0x81, b"more") == read_frame(peer)
        peer.sendall(text(b"one"))
        hang_up(peer)

    with connect(raw(script)) as connection:
        for _ in range(2):
            assert [b"one"] == collect_batches(connection, 1)
            assert module.BATCH_BYTES == low_water(connection)
            connection.send("more")
        assert [b"one"] == collect(connection, 1)
        assert 1 == low_water(connection)
        lose(connection)


def test_who_polls_is_told_of_each_message_once_none_is_waited_for_in_a_batch(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        assert (0x81, b"enough") == read_frame(peer)
        hang_up(peer)

    with connect(raw(script)) as connection:
        assert [] == connection.recv_batch(0.0)
        assert module.BATCH_BYTES == low_water(connection)
        assert [] == connection.recv(0.0)
        assert 1 == low_water(connection)
        connection.send("enough")


def test_a_batch_without_a_message_is_empty(raw: Serve) -> None:
    with holding(raw) as url, connect(url) as connection:
        assert [] == connection.recv_batch(0.001)


def test_a_batch_that_comes_with_the_end_is_delivered_first(raw: Serve) -> None:
    def script(peer: socket.socket) -> None:
        peer.sendall(text(b"one") + text(b"two") + text(b"half")[:3])
        peer.shutdown(socket.SHUT_WR)

    with connect(raw(script)) as connection:
        assert [b"one", b"two"] == collect_batches(connection, 2)
        for _ in range(2):
            with pytest.raises(ConnectionLost, match="hung up without a close frame"):
                collect_batches(connection, 1)


def test_a_batch_takes_every_record_that_came_over_tls(
    raw: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    numbers = [b"%d" % number for number in range(1000)]
    is_sent = Event()

    def script(peer: socket.socket) -> None:
        for number in numbers:
            peer.sendall(text(number))  # a record each
            if number == numbers[9]:
                is_sent.set()
        hang_up(peer)

    with connect(raw(script, tls=server_tls), client_tls) as connection:
        assert is_sent.wait(WAIT_S)
        messages = connection.recv_batch(0.001)
        assert numbers[:10] == messages[:10]
        assert numbers[len(messages) :] == collect_batches(connection, 1000 - len(messages))
        assert "the exchange closed the connection: code 1000" == lose(connection)
