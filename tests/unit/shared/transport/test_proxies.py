import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from shared.errors import ConnectionLost
from shared.transport.proxies import HEAD_BYTES_MAX, Proxy, find_proxy, open_tunnel

WAIT_S = 10.0
EXCHANGE = "wss://ws.exchange.test/v2/"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def find(url: str) -> tuple[str, int] | None:
    proxy = find_proxy(url)
    return (proxy.host, proxy.port) if proxy else None


def test_without_a_word_of_the_environment_there_is_none() -> None:
    assert find(EXCHANGE) is None


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("url", [EXCHANGE, "https://api.exchange.test/v2"])
@pytest.mark.parametrize("value", ["http://proxy.test:3128", "proxy.test:3128"])
def test_both_doors_take_the_same_proxy(
    environment: pytest.MonkeyPatch, name: str, url: str, value: str
) -> None:
    environment.setenv(name, value)
    assert ("proxy.test", 3128) == find(url)


def test_what_is_plain_takes_the_plain_proxy(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("http_proxy", "http://plain.test")
    environment.setenv("https_proxy", "http://secure.test:1")
    assert ("plain.test", 80) == find("ws://exchange.test")
    assert ("plain.test", 80) == find("http://exchange.test")
    assert ("secure.test", 1) == find(EXCHANGE)


@pytest.mark.parametrize(
    "value",
    ["*", "exchange.test", ".exchange.test", "a.test, ws.exchange.test", "exchange.test:443"],
)
def test_who_is_named_is_reached_directly(environment: pytest.MonkeyPatch, value: str) -> None:
    environment.setenv("ALL_PROXY", "proxy.test:3128")
    environment.setenv("NO_PROXY", value)
    found = find("wss://ws.exchange.test:443/v2/")
    assert found is None


def test_a_range_of_addresses_is_reached_directly(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", "proxy.test:3128")
    environment.setenv("no_proxy", "10.0.0.0/8")
    assert find("wss://10.1.2.3/") is None
    assert ("proxy.test", 3128) == find("wss://11.1.2.3/")


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1", "http://localhost:1", "ws://[::1]:1"])
def test_this_machine_is_reached_directly(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("ALL_PROXY", "proxy.test:3128")
    assert find(url) is None


@pytest.mark.parametrize("value", ["socks5://proxy.test:1080", "https://proxy.test", "http://"])
def test_another_kind_of_proxy_is_refused(environment: pytest.MonkeyPatch, value: str) -> None:
    environment.setenv("all_proxy", value)
    with pytest.raises(ConnectionLost, match=r"booktape needs an http:// proxy"):
        find_proxy(EXCHANGE)


def test_an_account_is_told_to_the_proxy(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("all_proxy", "http://me:p%40ss@proxy.test:1")
    proxy = find_proxy(EXCHANGE)
    assert proxy is not None
    assert ("proxy.test", "Basic bWU6cEBzcw==") == (proxy.host, proxy.authorization)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for end in (ours, theirs):
            end.settimeout(WAIT_S)
        yield ours, theirs


PROXY = Proxy(url="http://proxy.test:3128", host="proxy.test", port=3128)


def test_a_tunnel_takes_the_answer_and_no_byte_more(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nhello")
    open_tunnel(ours, PROXY, "exchange.test", 443)
    expected = b"CONNECT exchange.test:443 HTTP/1.1\r\nHost: exchange.test:443\r\n\r\n"
    assert expected == theirs.recv(1000)
    assert b"hello" == ours.recv(1000)


def test_a_tunnel_names_the_account_and_brackets_an_address(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(b"HTTP/1.0 200 \r\n\r\n")
    proxy = Proxy(url="", host="proxy.test", port=1, authorization="Basic abc")
    open_tunnel(ours, proxy, "2001:db8::1", 443)
    request = theirs.recv(1000)
    assert request.startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic abc\r\n" in request


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "answered 407 Proxy Authentication",
        ),
        (b"\x00\x01\r\n\r\n", "answered noise"),
        (b"HTTP/1.1 200", "gave no answer"),
    ],
)
def test_a_refusal_of_the_proxy_is_told(
    pair: tuple[socket.socket, socket.socket], answer: bytes, reason: str
) -> None:
    ours, theirs = pair
    theirs.sendall(answer)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionLost, match=f"the proxy proxy.test:3128 {reason}"):
        open_tunnel(ours, PROXY, "exchange.test", 443)


def test_an_answer_of_a_proxy_without_end_is_cut_off(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    writer = Thread(target=lambda: theirs.sendall(b"x" * (HEAD_BYTES_MAX + 1)))
    writer.start()
    with pytest.raises(ConnectionLost, match="gave no answer"):
        open_tunnel(ours, PROXY, "exchange.test", 443)
    writer.join()
