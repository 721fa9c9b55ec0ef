"""Who is answered, and how."""

from http import HTTPStatus

import pytest
from websockets.datastructures import Headers

from services.dashboard.answers import JSON, find_refusal, make_answer


def refuse(host: str | None, origin: str | None = None) -> int | None:
    headers = Headers()
    if host is not None:
        headers["Host"] = host
    if origin is not None:
        headers["Origin"] = origin
    refusal = find_refusal(headers)
    return refusal.status_code if refusal else None


@pytest.mark.parametrize("host", ["127.0.0.1:8600", "localhost", "LOCALHOST:1", "[::1]:8600"])
def test_our_own_names_are_answered_by_any_port(host: str) -> None:
    assert refuse(host) is None
    assert refuse(host, f"http://{host}") is None


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "evil@127.0.0.1",
        "127.0.0.1:x",
        "a/b",
        "[",
    ],
)
def test_a_name_that_somebody_lets_point_here_is_refused(host: str | None) -> None:
    assert HTTPStatus.MISDIRECTED_REQUEST == refuse(host)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:8600",
        "http://127.0.0.1:1",
        "",
        "http://localhost:8600",
    ],
)
def test_a_page_of_somebody_else_is_refused(origin: str) -> None:
    assert HTTPStatus.FORBIDDEN == refuse("127.0.0.1:8600", origin)


def test_a_host_that_is_there_twice_is_refused() -> None:
    headers = Headers([("Host", "127.0.0.1"), ("Host", "evil.example")])
    refusal = find_refusal(headers)
    assert refusal is not None
    assert HTTPStatus.BAD_REQUEST == refusal.status_code


def test_every_answer_tells_a_browser_to_trust_nothing_else() -> None:
    answer = make_answer(HTTPStatus.OK, b"{}", JSON)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    assert (JSON, "2") == (answer.headers["Content-Type"], answer.headers["Content-Length"])
