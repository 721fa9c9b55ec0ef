"""The server hands websockets and plain GETs of one loopback port to the simulated exchange."""

import asyncio
import contextlib
import http
import itertools
import socket
import struct
from collections.abc import Callable
from email.utils import formatdate
from functools import partial

from typing_extensions import override
from websockets.asyncio.server import Server as WebsocketServer
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from services.simulator.connection import ClientConnection
from services.simulator.faults import Faults
from services.simulator.lies import Liar, Sent
from services.simulator.protocol import Answer, SimulatedExchange
from services.simulator.simulation import Simulation
from services.simulator.truth import Truth

HOST = "127.0.0.1"
CLOSE_TIMEOUT_S = 2.0
CLIENT_MESSAGE_BYTES_MAX = 1 << 20
PONG_FRAME = 0x8A
RESET_INSTEAD_OF_FIN = struct.pack("ii", 1, 0)


class Server:
    """Serves one exchange until `stop` is set; no client delays another."""

    def __init__(
        self,
        simulation: Simulation,
        *,
        faults: Faults,
        truth: Truth,
        liar: Liar | None = None,
    ) -> None:
        self._liar = liar or Liar([])
        self._simulation = simulation
        self._exchange: SimulatedExchange = simulation.exchange
        self._faults = faults
        self._truth = truth
        self._numbers = itertools.count(1)

    async def run(
        self, *, port: int, on_listening: Callable[[int], None], stop: asyncio.Event
    ) -> None:
        """Serve on `port` (0: any free one, given to `on_listening`) until `stop` is set."""
        server = await serve(
            self._handle,
            HOST,
            port,
            process_request=self._answer_request,
            create_connection=_Websocket,
            compression=self._exchange.compression,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=CLIENT_MESSAGE_BYTES_MAX,
        )
        on_listening(_port_of(server))
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            self._simulation.advance()
            await asyncio.sleep(max(0.0, self._simulation.next_due - loop.time()))
        self._simulation.quiesce()
        for connection in self._simulation.connections.values():
            connection.close_reason = connection.close_reason or "end"
        server.close()
        await server.wait_closed()

    async def _handle(self, websocket: ServerConnection) -> None:
        assert isinstance(websocket, _Websocket)
        number = next(self._numbers)
        socket_ = _Socket(websocket, partial(self._liar.message, str(number)))
        connection = ClientConnection(number, socket_, truth=self._truth)
        self._simulation.opened(connection)
        pings = asyncio.create_task(self._ping(websocket, connection))
        try:
            async for message in websocket:
                self._exchange.received(connection, message)
        except ConnectionClosed:
            pass  # for any reason; the truth file names ours
        finally:
            pings.cancel()
            self._simulation.closed(connection)

    async def _ping(self, websocket: ServerConnection, connection: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self._ping_until_closed(websocket, connection)

    async def _ping_until_closed(
        self, websocket: ServerConnection, connection: ClientConnection
    ) -> None:
        exchange = self._exchange
        loop = asyncio.get_running_loop()
        unanswered_since: float | None = None
        pong: asyncio.Future[float] | None = None
        while True:
            await asyncio.sleep(self._liar.ping_s(exchange.ping_interval_s))
            if pong is not None and pong.done():
                unanswered_since, pong = None, None
            timeout_s = exchange.pong_timeout_s
            if timeout_s and unanswered_since and loop.time() - unanswered_since >= timeout_s:
                connection.close("no pong")
            if pong is None or exchange.ping_payload is None:
                pong = asyncio.ensure_future(await websocket.ping(exchange.ping_payload))
                unanswered_since = unanswered_since or loop.time()

    def _answer_request(self, _: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            answer = self._liar.change_answer(request.path, self._exchange.request(request.path))
        else:
            retry_after_s = self._faults.refuse_handshake()
            refusal = self._exchange.handshake(request.path) or self._liar.handshake()
            if retry_after_s is not None:
                refusal = too_many_requests(retry_after_s)
            if refusal is None:
                return None
            answer = refusal
        self._truth.request(request.path, status=answer.status)
        return _response(answer)


class _Websocket(ServerConnection):
    """A websocket that can leave pings unanswered."""

    on_pong_withheld: Callable[[], None] | None = None

    @override
    def send_data(self) -> None:
        if self.on_pong_withheld is not None:
            waiting = self.protocol.writes
            kept = [frame for frame in waiting if not frame or frame[0] != PONG_FRAME]
            for _ in range(len(waiting) - len(kept)):
                self.on_pong_withheld()
            waiting[:] = kept
        super().send_data()


class _Socket:
    """Adapts a websocket to our connection: nothing here waits."""

    def __init__(self, websocket: _Websocket, tell: Callable[[Sent], list[Sent]]) -> None:
        self._websocket = websocket
        self._tell = tell
        self._closing: asyncio.Task[None] | None = None

    def leave_pings_unanswered(self, on_withheld: Callable[[], None] | None) -> None:
        self._websocket.on_pong_withheld = on_withheld

    def write(self, message: str | bytes) -> bool:
        websocket = self._websocket
        if websocket.state is not State.OPEN or websocket.transport.is_closing():
            return False
        for told in self._tell(message):
            if isinstance(told, tuple):
                self._send_in_parts(told)
            else:
                broadcast((websocket,), told)
        return True

    @property
    def unsent_bytes(self) -> int:
        return self._websocket.transport.get_write_buffer_size()

    def _send_in_parts(self, parts: tuple[str, ...]) -> None:
        protocol = self._websocket.protocol
        first, *more = [part.encode() for part in parts]
        protocol.send_text(first, fin=not more)
        for number, part in enumerate(more, start=1):
            protocol.send_continuation(part, fin=number == len(more))
        self._websocket.send_data()

    def close(self, code: int) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._websocket.close(code))

    def abort(self) -> None:
        raw = self._websocket.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_INSTEAD_OF_FIN)
        self._websocket.transport.abort()


def too_many_requests(retry_after_s: int) -> Answer:
    """Return the refusal for a client that connects too often."""
    return Answer(
        429,
        b"Too Many Requests",
        content_type="text/plain",
        headers={"Retry-After": str(retry_after_s)},
    )


def _response(answer: Answer) -> Response:
    headers = Headers(
        {
            "Date": formatdate(usegmt=True),
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
            "Connection": "close",
            **answer.headers,
        }
    )
    reason = http.HTTPStatus(answer.status).phrase
    return Response(answer.status, reason, headers, answer.body)


def _port_of(server: WebsocketServer) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port
