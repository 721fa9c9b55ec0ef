import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from services.simulator import connection as connection_module
from services.simulator import main, server
from services.simulator.btcturk.protocol import Btcturk
from services.simulator.faults import Faults
from services.simulator.lies import Liar, Lie, edit_answers, in_binary, in_parts, refuse_from
from services.simulator.protocol import Clock
from services.simulator.simulation import Simulation
from services.simulator.truth import Truth
from tests.unit.services.simulator.fakes import TS_START

TIMEOUT_S = 60.0
PING = 0x89
CLOSE_1000 = b"\x88\x02\x03\xe8"


class Site:
    """A simulator that really listens, inside the test's own loop."""

    def __init__(self, simulation: Simulation, faults: Faults, port: int) -> None:
        self.simulation = simulation
        self.faults = faults
        self.address = f"127.0.0.1:{port}"

    def connect(self, path: str = "/") -> connect:
        return connect(f"ws://{self.address}{path}", ping_interval=None, compression=None)

    async def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of one GET, spoken by hand."""
        reader, writer = await asyncio.open_connection(*self.address.split(":"))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.address}\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(status.split()[1]), headers, body


async def open_by_hand(site: Site, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a websocket that answers nothing by itself."""
    reader, writer = await asyncio.open_connection(*site.address.split(":"))
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {site.address}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@contextlib.asynccontextmanager
async def listening(*arguments: str, lies: Sequence[Lie] = ()) -> AsyncIterator[Site]:
    loop = asyncio.get_running_loop()
    clock = Clock(ns=lambda: TS_START + int(loop.time() * 1e9), monotonic=loop.time)
    truth = Truth(None, clock_ns=clock.ns)
    simulation, faults = main.build(main.parse([*arguments]), clock=clock, record=truth)
    port: asyncio.Future[int] = loop.create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(
        server.Server(simulation, faults=faults, truth=truth, liar=Liar(lies)).run(
            port=0, on_listening=port.set_result, stop=stop
        )
    )
    yield Site(simulation, faults, await port)
    stop.set()
    await task


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def with_a_limit() -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await test()

    asyncio.run(with_a_limit())


async def receive(client: ClientConnection) -> Any:
    return json.loads(await client.recv())


def test_websockets_and_rest_share_one_port() -> None:
    async def test() -> None:
        async with listening("bitvavo") as site, site.connect("/v2/") as client:
            await client.send('{"action":"getTime"}')
            assert "getTime" == (await receive(client))["action"]
            status, headers, body = await site.get("/v2/BTC-EUR/book")
            assert (200, "application/json") == (status, headers["Content-Type"])
            assert len(body) == int(headers["Content-Length"]) > 10_000
            assert "BTC-EUR" == json.loads(body)["market"]

    run(test)


def test_a_refused_handshake_says_how_long_to_wait() -> None:
    async def test() -> None:
        async with listening("btcturk") as site:
            for _ in range(15):
                async with site.connect():
                    pass
            with pytest.raises(InvalidStatus) as refused:
                await site.connect()
            assert 429 == refused.value.response.status_code
            assert "60" == refused.value.response.headers["Retry-After"]

    run(test)


def test_a_handshake_can_be_refused_as_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with listening("bitvavo") as site:
            monkeypatch.setattr(site.faults, "refuse_handshake", lambda: 4)
            with pytest.raises(InvalidStatus) as refused:
                await site.connect("/v2/")
            assert 429 == refused.value.response.status_code
            assert "4" == refused.value.response.headers["Retry-After"]

    run(test)


def test_a_wrong_path_is_not_found() -> None:
    async def test() -> None:
        async with listening("bitvavo") as site:
            with pytest.raises(InvalidStatus) as refused:
                await site.connect("/other")
            assert 404 == refused.value.response.status_code
            assert 404 == (await site.get("/other"))[0]

    run(test)


def test_who_answers_pings_stays_and_who_does_not_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Btcturk, "ping_interval_s", 0.02)
    monkeypatch.setattr(Btcturk, "pong_timeout_s", 0.04)

    async def test() -> None:
        async with listening("btcturk") as site, site.connect() as good:
            reader, writer = await open_by_hand(site, "/")
            said = await reader.readuntil(CLOSE_1000)
            assert b"991" in said
            writer.close()
            await (await good.ping())
            assert 1 in site.simulation.connections

    run(test)


def test_a_ping_has_the_exchanges_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.simulator.bitvavo.protocol.Bitvavo.ping_interval_s", 0.02)

    async def test() -> None:
        async with listening("bitvavo") as site:
            reader, writer = await open_by_hand(site, "/v2/")
            assert b"\x89\x04ping" == await reader.readexactly(6)
            writer.close()

    run(test)


def test_pings_of_a_client_can_be_left_unanswered() -> None:
    async def test() -> None:
        async with listening("bitvavo") as site, site.connect("/v2/") as client:
            await (await client.ping())
            site.simulation.connections[1].answer_pings(is_answering=False)
            unanswered = asyncio.ensure_future(await client.ping())
            await client.send('{"action":"getTime"}')
            await client.recv()
            assert not unanswered.done()
            site.simulation.connections[1].answer_pings(is_answering=True)
            await (await client.ping())

    run(test)


def test_a_cut_connection_is_no_clean_close() -> None:
    async def test() -> None:
        async with listening("bitvavo") as site, site.connect("/v2/") as client:
            await client.send('{"action":"getTime"}')
            await client.recv()
            site.simulation.connections[1].abort("drop")
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert 1006 == client.close_code

    run(test)


def test_a_clean_close_has_its_code() -> None:
    async def test() -> None:
        async with listening("bitvavo") as site, site.connect("/v2/") as client:
            await client.send('{"action":"getTime"}')
            await client.recv()
            site.simulation.connections[1].close("close")
            site.simulation.connections[1].close("close")
            await client.wait_closed()
            assert 1000 == client.close_code

    run(test)


def test_a_reader_that_stands_still_is_cut_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "UNSENT_BYTES_MAX", 1 << 16)

    async def test() -> None:
        async with listening("bitvavo", "--unlimited") as site:
            slow, other = await site.connect("/v2/"), await site.connect("/v2/")
            await slow.send('{"action":"getTime"}')
            await slow.recv()
            slow.transport.pause_reading()
            for _ in range(400):
                await slow.send('{"action":"getBook","market":"BTC-EUR"}')
            while len(site.simulation.connections) > 1:
                await other.send('{"action":"getTime"}')
                await other.recv()
            assert [2] == list(site.simulation.connections)
            slow.transport.abort()
            await other.close()

    run(test)


def test_at_the_end_clients_are_told_that_it_goes_away() -> None:
    async def test() -> None:
        async with listening("bitvavo") as site:
            client = await site.connect("/v2/")
            await client.send('{"action":"getTime"}')
            await client.recv()
        await client.wait_closed()
        assert 1001 == client.close_code
        assert site.simulation.is_quiet

    run(test)


def test_lies_are_told_over_both_ways() -> None:
    async def test() -> None:
        rest = edit_answers(lambda path: path == "/v2/time", lambda _: {"time": "late"})
        async with listening("bitvavo", lies=[in_binary(), rest]) as site:
            async with site.connect("/v2/") as client:
                await client.send('{"action":"getTime"}')
                assert isinstance(await client.recv(), bytes)
            assert b'{"time":"late"}' == (await site.get("/v2/time"))[2]

    run(test)


def test_a_lie_may_come_in_parts() -> None:
    async def test() -> None:
        async with listening("bitvavo", lies=[in_parts()]) as site, site.connect("/v2/") as client:
            await client.send('{"action":"getTime"}')
            parts = [part async for part in client.recv_streaming()]
            assert "getTime" == json.loads("".join(map(str, parts)))["action"]
            assert 2 == len(parts)

    run(test)


def test_a_lie_may_close_the_door() -> None:
    async def test() -> None:
        async with listening("bitvavo", lies=[refuse_from(1, 403)]) as site:
            with pytest.raises(InvalidStatus) as refused:
                async with site.connect("/v2/"):
                    pass
            assert 403 == refused.value.response.status_code

    run(test)


def test_a_lie_may_ping_at_another_time() -> None:
    async def test() -> None:
        async with listening("bitvavo", lies=[Lie(ping_s=0.01)]) as site:
            reader, writer = await open_by_hand(site, "/v2/")
            assert PING == (await reader.readexactly(1))[0]  # long before its 50 s
            writer.close()

    run(test)
