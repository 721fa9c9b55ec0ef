import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from shared.transport import dial as module
from shared.transport.dial import ADDRESSES_MAX, dial, find_addresses

WAIT_S = 10.0  # far more than anything here takes

Resolve = Callable[..., None]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as open_sockets:
        yield open_sockets


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Let the name of the exchange have the addresses that these listeners have, or these."""

    def start(*addresses: tuple[str, int]) -> None:
        found = [
            (
                socket.AF_INET6 if ":" in host else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (host, port, 0, 0) if ":" in host else (host, port),
            )
            for host, port in addresses
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    return start


@pytest.fixture
def listen(stack: ExitStack) -> Callable[[str], tuple[socket.socket, tuple[str, int]]]:
    def start(host: str) -> tuple[socket.socket, tuple[str, int]]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = stack.enter_context(socket.create_server((host, 0), family=family))
        return listener, listener.getsockname()[:2]

    return start


@pytest.fixture
def dead(stack: ExitStack) -> Callable[[str], tuple[str, int]]:
    """Be an address that answers nothing: whoever listens there has no room for one more."""

    def start(host: str) -> tuple[str, int]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = stack.enter_context(socket.create_server((host, 0), family=family, backlog=0))
        address: tuple[str, int] = listener.getsockname()[:2]
        for _ in range(3):
            guest = stack.enter_context(socket.socket(family))
            guest.settimeout(0.0)
            with suppress(BlockingIOError):
                guest.connect(address)
        return address

    return start


@pytest.fixture
def closed(
    listen: Callable[[str], tuple[socket.socket, tuple[str, int]]],
) -> Callable[[str], tuple[str, int]]:
    def start(host: str) -> tuple[str, int]:
        listener, address = listen(host)
        listener.close()
        return address

    return start


Listen = Callable[[str], tuple[socket.socket, tuple[str, int]]]
Address = Callable[[str], tuple[str, int]]


@pytest.mark.parametrize(("first", "second"), [("::1", "127.0.0.1"), ("127.0.0.1", "::1")])
def test_a_dead_address_does_not_keep_us_from_a_good_one(
    resolve: Resolve, dead: Address, listen: Listen, first: str, second: str
) -> None:
    listener, good = listen(second)
    resolve(dead(first), good)
    with dial("exchange.test", 1, timeout_s=WAIT_S) as ours, listener.accept()[0] as theirs:
        assert good == ours.getpeername()[:2]
        assert WAIT_S == ours.gettimeout()
        ours.sendall(b"hello")
        assert b"hello" == theirs.recv(5)


def test_a_refused_address_gives_way_at_once(
    resolve: Resolve, closed: Address, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ATTEMPT_INTERVAL_S", 1000.0)
    _, good = listen("127.0.0.1")
    resolve(closed("::1"), closed("127.0.0.1"), good)
    with dial("exchange.test", 1, timeout_s=WAIT_S) as ours:
        assert good == ours.getpeername()


def test_who_answers_while_others_have_their_turn_still_wins(
    resolve: Resolve, dead: Address, listen: Listen
) -> None:
    listener, slow = listen("127.0.0.1")
    resolve(dead("::1"), slow, dead("::1"))
    with dial("exchange.test", 1, timeout_s=WAIT_S) as ours, listener.accept()[0]:
        assert slow == ours.getpeername()


def test_dead_addresses_alone_are_a_timeout(resolve: Resolve, dead: Address) -> None:
    resolve(dead("::1"), dead("127.0.0.1"))
    with pytest.raises(TimeoutError) as error:
        dial("exchange.test", 1, timeout_s=0.05)
    assert error.value.errno is None


def test_a_refusal_is_told(resolve: Resolve, closed: Address) -> None:
    resolve(closed("::1"), closed("127.0.0.1"))
    with pytest.raises(OSError, match="refused") as error:
        dial("exchange.test", 1, timeout_s=WAIT_S)
    assert errno.ECONNREFUSED == error.value.errno


def test_different_refusals_are_all_told(resolve: Resolve, closed: Address) -> None:
    resolve(closed("127.0.0.1"), ("224.0.0.1", 80))
    with pytest.raises(OSError, match="refused") as error:
        dial("exchange.test", 1, timeout_s=WAIT_S)
    assert "Connection refused (127.0.0.1); Network is unreachable (224.0.0.1)" == str(
        error.value
    ).removeprefix("[Errno 0] ")


def test_a_family_that_the_system_does_not_know_is_skipped(
    resolve: Resolve, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Old(socket.socket):
        def __init__(self, family: int = -1, *arguments: int, **options: int) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *arguments, **options)

    _, good = listen("127.0.0.1")
    resolve(("::1", 1), good)
    monkeypatch.setattr(socket, "socket", Old)
    with dial("exchange.test", 1, timeout_s=WAIT_S) as ours:
        assert good == ours.getpeername()


def test_options_are_set_before_the_connection(resolve: Resolve, listen: Listen) -> None:
    _, good = listen("127.0.0.1")
    resolve(good)
    options = [(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77)]
    with dial("exchange.test", 1, timeout_s=WAIT_S, options=options) as ours:
        assert 77 == ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)


def test_families_take_turns_beginning_with_the_favourite(resolve: Resolve) -> None:
    resolve(("::1", 1), ("::2", 1), ("::3", 1), ("127.0.0.1", 1))
    assert ["::1", "127.0.0.1", "::2", "::3"] == [
        address[0] for _, address in find_addresses("exchange.test", 1)
    ]


def test_a_name_with_many_addresses_is_cut_short(resolve: Resolve) -> None:
    resolve(*[("127.0.0.1", port) for port in range(1, 100)])
    assert ADDRESSES_MAX == len(find_addresses("exchange.test", 1))


def test_an_unknown_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(*_: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    with pytest.raises(socket.gaierror):
        dial("exchange.test", 1, timeout_s=WAIT_S)
