from collections.abc import Iterator
from pathlib import Path

import pytest

from services.sink import line_store
from services.sink.line_store import LineStore
from services.sink.protocol import SinkBatch, SinkFailed, SinkRefused
from shared.process.sinks import SinkSettings
from tests.support.line_server import ANSWER_LOST, LOST, Fate, LineServer
from tests.unit.services.sink.test_lines import make_rows

SECRET = "Bearer hush"
REFUSAL = '{"error":"no such database"}'


@pytest.fixture
def server() -> Iterator[LineServer]:
    with LineServer() as server:
        yield server


def make_batch(*numbers: int) -> SinkBatch:
    rows = make_rows("ticker", *({"event_number": number} for number in numbers))
    return SinkBatch("ticker", "bitvavo", "a", rows)


def send(server: LineServer, *numbers: int, query: str = "", authorization: str = "") -> LineStore:
    store = LineStore(SinkSettings(url=server.url + query, authorization=authorization))
    try:
        store.send(make_batch(*numbers))
    finally:
        store.close()
    return store


def test_rows_are_there_when_it_returns(server: LineServer) -> None:
    store = send(server, 1, 2, authorization=SECRET)
    assert [1, 2] == server.numbers("ticker")
    assert 1 == store.requests
    assert SECRET == server.headers[0]["authorization"]


def test_without_one_no_authorization_is_sent_whatever_a_netrc_says(
    server: LineServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login a password b")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setattr(line_store, "_LOOPBACK", ())
    send(server, 1)
    assert "authorization" not in server.headers[0]


def test_many_rows_are_several_requests_and_a_failure_ends_them(
    server: LineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sink.lines.LINES_MAX", 2)
    assert 3 == send(server, *range(5)).requests
    fates = iter([Fate(), Fate(is_kept=False, status=500)])
    server.decide = lambda: next(fates)
    with pytest.raises(SinkFailed):
        send(server, *range(10, 15))
    assert [*range(5), 10, 11] == sorted(server.numbers("ticker"))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_to_be_tried_again(server: LineServer, status: int) -> None:
    server.decide = lambda: Fate(is_kept=False, status=status, text="engine is busy")
    with pytest.raises(SinkFailed, match=f"answers {status}: engine is busy"):
        send(server, 1)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 422])
def test_what_the_store_will_not_have_is_refused(server: LineServer, status: int) -> None:
    headers = {"Location": server.url}
    server.decide = lambda: Fate(is_kept=False, status=status, text=REFUSAL, headers=headers)
    with pytest.raises(SinkRefused, match=f"answers {status}: .*no such database"):
        send(server, 1)
    assert 1 == len(server.bodies)


@pytest.mark.parametrize(
    ("said", "wait_s"), [("7", 7.0), ("999999", 3600.0), ("", 0.0), ("-1", 0.0), ("soon", 0.0)]
)
def test_a_store_may_say_how_long_to_wait(server: LineServer, said: str, wait_s: float) -> None:
    server.decide = lambda: Fate(is_kept=False, status=503, headers={"Retry-After": said})
    with pytest.raises(SinkFailed) as failed:
        send(server, 1)
    assert wait_s == failed.value.retry_after_s


@pytest.mark.parametrize("fate", [LOST, ANSWER_LOST])
def test_a_connection_that_ends_without_an_answer_proves_nothing(
    server: LineServer, fate: Fate
) -> None:
    server.decide = lambda: fate
    with pytest.raises(SinkFailed):
        send(server, 1)
    assert fate.is_kept == (server.numbers("ticker") == [1])


def test_a_store_that_hangs_is_waited_for_so_long(
    server: LineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_store, "READ_TIMEOUT_S", 0.2)
    server.decide = lambda: Fate(hangs=True)
    with pytest.raises(SinkFailed, match="no answer in time"):
        send(server, 1)


def test_a_store_that_is_not_there_is_named_without_what_may_be_secret() -> None:
    with LineServer() as server:
        pass
    with pytest.raises(SinkFailed) as failed:
        send(server, 1, query="&p=hush")
    assert "hush" not in str(failed.value)
    assert f"127.0.0.1:{server.server_port}/write: Connection refused" in str(failed.value)


@pytest.mark.parametrize("text", ["x" * 200_000, "", "a\n  b"])
def test_of_an_answer_the_beginning_is_told(server: LineServer, text: str) -> None:
    server.decide = lambda: Fate(is_kept=False, status=400, text=text)
    with pytest.raises(SinkRefused) as refused:
        send(server, 1)
    said = str(refused.value).partition("answers 400: ")[2]
    assert (" ".join(text.split())[:300] or "(nothing)") == said
