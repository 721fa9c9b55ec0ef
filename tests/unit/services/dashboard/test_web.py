"""One address of the web, on loopback."""

import socket
from threading import Thread

import pytest

from services.dashboard.web import Unsure, Web, WebError
from tests.support.callees import Callee

SHORT_S = 0.05


def test_a_post_has_its_body_and_a_get_has_none() -> None:
    with Callee() as callee:
        web = Web(f"{callee.url}/hook/secret?a=b")
        assert 204 == web.ask(b'{"a":1}')
        assert 204 == web.ask(None)
    assert [
        ("POST", "/hook/secret?a=b", b'{"a":1}', "application/json"),
        ("GET", "/hook/secret?a=b", b"", ""),
    ] == callee.asked


def test_an_answer_is_its_status() -> None:
    with Callee(status=503) as callee:
        assert 503 == Web(callee.url).ask(None)
    assert "/" == callee.asked[0][1]


def test_who_refuses_has_heard_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(WebError, match=r"^127.0.0.1 cannot be reached: ") as told:
            Web(f"http://127.0.0.1:{port}/hook/secret").ask(b"{}")
    assert not isinstance(told.value, Unsure)
    assert "secret" not in str(told.value)


def test_who_hangs_may_have_heard() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # accepts, and never answers
        port = deaf.getsockname()[1]
        with pytest.raises(Unsure, match=r"^127.0.0.1 does not answer: "):
            Web(f"http://127.0.0.1:{port}/hook", answer_s=SHORT_S).ask(b"{}")


def test_who_speaks_no_http_may_have_heard() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"hello\r\n")

        thread = Thread(target=babble)
        thread.start()
        port = server.getsockname()[1]
        with pytest.raises(Unsure):
            Web(f"http://127.0.0.1:{port}/").ask(b"{}")
        thread.join()
