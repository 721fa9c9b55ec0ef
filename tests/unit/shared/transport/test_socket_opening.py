import socket
import ssl
from collections.abc import Iterator
from threading import Thread

import pytest

from shared.transport.authorities import system_tls
from shared.transport.socket_opening import SocketOpening

WAIT_S = 10.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def url(listener: socket.socket, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def opening() -> SocketOpening:
    return SocketOpening(WAIT_S, [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])


def test_what_is_released_is_the_callers(listener: socket.socket, opening: SocketOpening) -> None:
    opening.open(url(listener), system_tls())
    released = opening.release()
    opening.interrupt()
    opening.close()
    with released, listener.accept()[0] as peer:
        assert (WAIT_S, 1) == (
            released.gettimeout(),
            released.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
        )
        released.sendall(b"x")
        assert b"x" == peer.recv(1)


def test_what_is_not_released_is_closed(listener: socket.socket, opening: SocketOpening) -> None:
    opening.open(url(listener), system_tls())
    with listener.accept()[0] as peer:
        opening.close()
        assert b"" == peer.recv(1)


def test_tls_that_never_comes_is_interrupted(
    listener: socket.socket, opening: SocketOpening
) -> None:
    def interrupt() -> None:
        with listener.accept()[0] as peer:
            peer.recv(1)  # the handshake has begun
            opening.interrupt()
            peer.recv(65536)

    other = Thread(target=interrupt)
    other.start()
    with pytest.raises((OSError, ssl.SSLError)):
        opening.open(url(listener, "wss"), system_tls())
    opening.close()
    other.join()


@pytest.mark.parametrize("text", ["http://127.0.0.1/", "ws:///path", "nonsense"])
def test_another_address_is_refused(opening: SocketOpening, text: str) -> None:
    with pytest.raises(ValueError, match="no address of a websocket"):
        opening.open(text, system_tls())
    opening.interrupt()
    opening.close()
