import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from websockets.sync.server import ServerConnection, serve

from services.operator.probe.live import LiveWorld
from services.operator.probe.record import ProbeRecord
from shared.transport.connection import Connection
from shared.transport.limits import Limits
from shared.transport.rest import RestClient
from tests.support.rest_server import Answer, RestServer
from tests.unit.services.operator.probe.test_first import EXCHANGE

WAIT_S = 10.0
Handler = Callable[[ServerConnection], None]


@pytest.fixture
def rest_server() -> Iterator[RestServer]:
    with RestServer() as server:
        yield server


@pytest.fixture
def url() -> Iterator[Callable[[Handler], str]]:
    running = []

    def start(handler: Handler) -> str:
        server = serve(handler, "127.0.0.1", 0)
        thread = Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()


@pytest.fixture
def world(rest_server: RestServer, tmp_path: Path) -> Iterator[Callable[[str], LiveWorld]]:
    worlds: list[LiveWorld] = []

    def start(url: str) -> LiveWorld:
        limits = Limits(tmp_path / "limits.json", {}, steady_s=lambda: 0.0)
        worlds.append(
            LiveWorld(
                partial(Connection, url, clock_ns=lambda: 5),
                RestClient(EXCHANGE, rest_server.url, limits),
                clock_ns=lambda: 7,
                steady_s=time.monotonic,
            )
        )
        return worlds[-1]

    yield start
    for one in worlds:
        one.end()


def collect(world: LiveWorld, count: int) -> list[ProbeRecord]:
    records: list[ProbeRecord] = []
    for record in world.wait(WAIT_S):
        records.append(record)
        if len(records) == count:
            return records
    raise AssertionError(records)


def test_what_comes_and_what_is_sent_are_records(
    world: Callable[[str], LiveWorld], url: Callable[[Handler], str]
) -> None:
    def handler(peer: ServerConnection) -> None:
        peer.send(f"you said {peer.recv()!r}")
        peer.ping()
        peer.send(b"in binary")
        peer.send(iter(["in ", "parts"]))
        peer.close(1001)

    one = world(url(handler))
    one.open("a")
    one.send("a", "hello")
    records = collect(one, 9)
    assert ["opened", "sent"] == [record.kind for record in records[:2]]
    assert {"a"} == {record.door for record in records}
    assert {7} == {record.ts for record in records}
    texts = [record.text for record in records if record.kind == "text"]
    assert ["you said 'hello'", "in binary", "in parts"] == texts
    kinds = [record.kind for record in records]
    assert [1, 1, 1] == [kinds.count(kind) for kind in ("ping", "binary", "fragmented")]
    assert kinds.index("binary") < [record.text for record in records].index("in binary")
    assert ("lost", "the exchange closed the connection: code 1001") == (
        records[-1].kind,
        records[-1].text,
    )


def test_a_socket_that_we_close_says_so(
    world: Callable[[str], LiveWorld], url: Callable[[Handler], str]
) -> None:
    one = world(url(lambda peer: [*peer].clear()))
    one.open("a")
    one.close("a")
    one.close("a")
    one.send("a", "to nobody")
    assert ["opened", "closed"] == [record.kind for record in collect(one, 2)]


def test_a_second_socket_of_one_name_takes_the_place_of_the_first(
    world: Callable[[str], LiveWorld], url: Callable[[Handler], str]
) -> None:
    one = world(url(lambda peer: [*peer].clear()))
    one.open("a")
    one.open("a")
    assert ["opened", "closed", "opened"] == [record.kind for record in collect(one, 3)]


def test_a_door_that_stays_closed_is_a_record(world: Callable[[str], LiveWorld]) -> None:
    one = world("ws://127.0.0.1:1")
    one.open("a")
    (record,) = collect(one, 1)
    assert ("refused", "cannot connect: Connection refused") == (record.kind, record.text)


def test_an_answer_is_a_record_whatever_it_is(
    world: Callable[[str], LiveWorld], rest_server: RestServer
) -> None:
    rest_server.answers["/x"] = Answer('{"errorCode":1}', 418)
    one = world("ws://127.0.0.1:1")
    one.get("/x")
    (record,) = collect(one, 1)
    expected = ("answer", "rest", "/x", 418, '{"errorCode":1}')
    assert expected == (record.kind, record.door, record.path, record.status, record.text)
    assert "content-length" in record.headers


def test_no_answer_is_a_record_too(
    world: Callable[[str], LiveWorld], rest_server: RestServer
) -> None:
    one = world("ws://127.0.0.1:1")
    rest_server.arrive = hang_up
    one.get("/x")
    (record,) = collect(one, 1)
    assert ("lost", "rest") == (record.kind, record.door)


def hang_up(_path: str) -> None:
    raise ConnectionResetError


def test_without_a_record_a_wait_ends(world: Callable[[str], LiveWorld]) -> None:
    assert [] == list(world("ws://127.0.0.1:1").wait(0.0))
