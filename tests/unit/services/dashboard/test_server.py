"""What is answered on the port, to programs and to viewers; a real socket on loopback."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http.client import HTTPConnection
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from services.dashboard import server as module
from services.dashboard.answers import Page
from services.dashboard.looker import LATE_S, Outlook
from services.dashboard.server import PageServer
from tests.support.healths import make_feed, make_health, make_writer
from tests.unit.services.dashboard.test_looker import LATE
from tests.unit.services.dashboard.test_looker import World as Sights

PAGES = {"/": Page(b"<p>hello", "text/html"), "/static/a.js": Page(b"1", "text/javascript")}
WAIT_S = 30.0

Answer = tuple[int, str, str]


class World:
    """A server on a port of its own."""

    def __init__(self, sights: Sights, port: int) -> None:
        self.sights = sights
        self.port = port
        self.server = PageServer(
            PAGES, sights.looker, Outlook(sights.looker, lambda _: LATE), self.metrics
        )
        sights.looker._report = self.server.announce

    def metrics(self, is_open: bool) -> tuple[str, str]:  # noqa: FBT001 (as it is asked)
        return f"figures {is_open}\n", "text/x"

    async def get(self, path: str, **headers: str) -> Answer:
        return await asyncio.to_thread(self._get, path, headers)

    def _get(self, path: str, headers: dict[str, str]) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read().decode()
            return response.status, body, response.headers["Content-Type"]
        finally:
            connection.close()

    def view(self, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/api/stream", **options)


Serve = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def serve(tmp_path: Any) -> Serve:
    @asynccontextmanager
    async def run(port: int = 0) -> AsyncIterator[World]:
        world = World(Sights(tmp_path), port)
        stop = asyncio.Event()
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(world.server.run(port, stop, listening.set_result))
        world.port = await listening
        try:
            yield world
        finally:
            stop.set()
            await asyncio.wait_for(running, WAIT_S)

    return run


async def read(viewer: ClientConnection) -> dict[str, Any]:
    """Return the next message."""
    found: dict[str, Any] = json.loads(await asyncio.wait_for(viewer.recv(), WAIT_S))
    return found


async def read_on(viewer: ClientConnection) -> None:
    """Read until the end."""
    while True:
        await read(viewer)


async def wait_until(is_so: Callable[[], object]) -> None:
    async def wait() -> None:
        while not is_so():  # noqa: ASYNC110 (it is told nothing)
            await asyncio.sleep(0.005)

    await asyncio.wait_for(wait(), WAIT_S)


def run(case: Awaitable[None]) -> None:
    async def wait() -> None:
        await case

    asyncio.run(wait())


def test_the_page_and_its_files_are_served(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world:
            assert (200, "<p>hello", "text/html") == await world.get("/?x=1")
            assert (200, "1", "text/javascript") == await world.get("/static/a.js")
            assert 404 == (await world.get("/static/../server.py"))[0]
            assert 404 == (await world.get("/nothing"))[0]

    run(case())


def test_before_a_look_nothing_is_claimed(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world:
            for path in ("/healthz", "/api/status", "/metrics"):
                assert 503 == (await world.get(path))[0]

    run(case())


def test_programs_get_verdict_status_and_figures(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world:
            world.sights.looker.step()
            assert (200, "ok\n", "text/plain; charset=utf-8") == await world.get("/healthz")
            status, body, kind = await world.get("/api/status")
            assert (200, "application/json") == (status, kind)
            assert json.loads(body)["ok"]
            assert body.endswith("\n}\n")
            assert (200, "figures False\n", "text/x") == await world.get("/metrics")
            accept = "application/openmetrics-text;version=1.0.0"
            assert "figures True\n" == (await world.get("/metrics", Accept=accept))[1]

    run(case())


def test_what_is_not_well_is_told_a_line_each(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world:
            world.sights.health = make_health(make_feed(state="disk_full"), make_writer())
            world.sights.looker.step()
            status, body, _ = await world.get("/healthz")
            assert 503 == status
            assert body.startswith("ingest_bitvavo-a has closed its feed: the disk is full; make")

    run(case())


def test_figures_of_long_ago_are_none(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world:
            world.sights.looker.step()
            world.sights.now_s += LATE_S + 1
            assert 503 == (await world.get("/metrics"))[0]
            status, body, _ = await world.get("/api/status")
            assert (200, False) == (status, json.loads(body)["ok"])
            assert (503, "late; look\n") == (await world.get("/healthz"))[:2]

    run(case())


def test_strangers_are_refused_on_every_path(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world:
            for path in ("/", "/metrics", "/api/stream"):
                assert 421 == (await world.get(path, Host="evil.example"))[0]
                assert 403 == (await world.get(path, Origin="http://evil.example"))[0]
            with pytest.raises(InvalidStatus, match="403"):
                async with world.view(origin="http://evil.example"):
                    pass

    run(case())


def test_a_viewer_is_greeted_and_gets_each_look(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world, world.view() as viewer:
            greeting = await read(viewer)
            assert {"markets", "shown", "spread", "history"} == set(greeting)
            world.sights.looker.step()
            await read(viewer)  # the markets, which every viewer is told
            message = await read(viewer)
            assert (True, {}) == (message["ok"], message["books"])
            assert [()] == world.sights.looker.wanted

    run(case())


def test_one_look_serves_all_viewers(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world:
            viewers = [await world.view(origin=f"http://127.0.0.1:{world.port}") for _ in range(3)]
            await wait_until(lambda: len(world.sights.looker.wanted or []) == len(viewers))
            looks = world.sights.looks
            world.sights.looker.step()
            for viewer in viewers:
                while "ok" not in await read(viewer):
                    pass
            assert looks + 1 == world.sights.looks
            for viewer in viewers:
                await viewer.close()
            await wait_until(lambda: world.sights.looker.wanted is None)

    run(case())


def test_what_a_viewer_chose_is_wanted_and_the_newest_choice_comes_first(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world, world.view() as first, world.view() as second:
            await second.send('{"watch": ["a:Q-E"]}')
            await wait_until(lambda: ["a:Q-E"] in (world.sights.looker.wanted or []))
            await first.send(json.dumps({"watch": [f"b:S{n}-E" for n in range(40)]}))
            await wait_until(lambda: len((world.sights.looker.wanted or [()])[0]) > 1)
            wanted = world.sights.looker.wanted
            assert wanted is not None
            assert [module.MARKETS_MAX, 1] == [len(markets) for markets in wanted]

    run(case())


def test_a_viewer_that_says_what_nobody_understands_is_closed(serve: Serve) -> None:
    async def case() -> None:
        async with serve() as world:
            for word in ("what?", '{"watch": [1]}', "x" * 10_000):
                async with world.view() as viewer:
                    await viewer.send(word)
                    with pytest.raises(ConnectionClosed):
                        await read_on(viewer)
            await wait_until(lambda: world.sights.looker.wanted is None)

    run(case())


def test_viewers_are_bounded(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VIEWERS_MAX", 1)

    async def case() -> None:
        async with serve() as world, world.view() as viewer:
            await read(viewer)
            with pytest.raises(InvalidStatus, match="503"):
                async with world.view():
                    pass

    run(case())


def test_a_viewer_that_does_not_read_is_dropped(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNSENT_BYTES_MAX", -1)

    async def case() -> None:
        async with serve() as world, world.view() as viewer:
            await read(viewer)
            world.sights.looker.step()
            with pytest.raises(ConnectionClosed):
                await read(viewer)

    run(case())


def test_where_no_look_comes_viewers_are_told_how_late_it_is(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEWS_S", 0.01)

    async def case() -> None:
        async with serve() as world, world.view() as viewer:
            world.sights.looker.step()
            world.sights.now_s += LATE_S + 1
            while True:
                message = await read(viewer)
                if message.get("ok") is False:
                    break
            assert "look-late" == message["troubles"][0]["code"]

    run(case())


def test_a_port_that_is_taken_is_left_to_who_has_it(serve: Serve) -> None:
    async def case() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            async with serve(port) as world:
                assert port != world.port
                assert 200 == (await world.get("/"))[0]

    run(case())


def test_a_port_that_cannot_be_had_is_an_error() -> None:
    async def case() -> None:
        sights = Sights.__new__(Sights)
        sights.looker = None  # type: ignore[assignment] # it comes to no look
        server = PageServer(PAGES, sights.looker, None, lambda _: ("", ""))  # type: ignore[arg-type]
        with pytest.raises(OSError, match="assign requested address"):
            await server.run(0, asyncio.Event(), lambda _: None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "HOST", "192.0.2.1")
        run(case())
