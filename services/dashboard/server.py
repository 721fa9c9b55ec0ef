"""The server answers on one loopback port: the page, its files, its stream."""

import asyncio
import errno
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from websockets.asyncio.server import Server as ListeningServer
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from services.dashboard.answers import JSON, Page, find_refusal, make_answer
from services.dashboard.looker import Greeting, Looker, Outlook

HOST: Final = "127.0.0.1"
VIEWERS_MAX: Final = 50
ASKED_BYTES_MAX: Final = 4096  # of a viewer's message
MARKETS_MAX: Final = 16  # that one viewer asks for
UNSENT_BYTES_MAX: Final = 1 << 20  # cut off a viewer so far behind; it reconnects by itself
NEWS_S: Final = 2.0  # after so long without a look, tell viewers how late it is
STREAM: Final = "/api/stream"
OPEN: Final = "openmetrics"

Metrics = Callable[[bool], tuple[str, str]]  # whether as OpenMetrics: the text, and its type


class Asked(Struct, frozen=True):
    """A viewer's message: the markets whose books it shows."""

    watch: list[str]


class PageServer:
    """Serves pages and streams; the loop's thread owns it."""

    def __init__(
        self, pages: Mapping[str, Page], looker: Looker, outlook: Outlook, metrics: Metrics
    ) -> None:
        """Start without a viewer."""
        self._pages = pages
        self._looker = looker
        self._outlook = outlook
        self._metrics = metrics
        self._viewers: dict[ServerConnection, Sequence[str]] = {}
        self._greeted: Greeting | None = None
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def announce(self) -> None:
        """Announce a new look; any thread may."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._news.set)

    async def run(
        self, port: int, stop: asyncio.Event, on_listening: Callable[[int], None]
    ) -> None:
        """Serve until `stop` is set; `on_listening` gets the port, which may differ."""
        server = await self._listen(port)
        self._loop = asyncio.get_running_loop()
        on_listening(next(iter(server.sockets)).getsockname()[1])
        streaming = asyncio.create_task(self._stream())
        await stop.wait()
        self._loop = None
        streaming.cancel()
        server.close()
        await server.wait_closed()

    async def _listen(self, port: int) -> ListeningServer:
        try:
            return await self._serve(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return await self._serve(0)

    async def _serve(self, port: int) -> ListeningServer:
        quiet = logging.getLogger("websockets.server")
        quiet.setLevel(logging.CRITICAL)  # else each plain request would log a line
        return await serve(
            self._handle,
            HOST,
            port,
            process_request=self._answer_request,
            compression=None,
            max_size=ASKED_BYTES_MAX,
            close_timeout=1.0,
            logger=quiet,
        )

    def _answer_request(self, _: ServerConnection, request: Request) -> Response | None:
        """Return the answer; None to go on as a WebSocket."""
        refusal = find_refusal(request.headers)
        if refusal is not None:
            return refusal
        path = request.path.partition("?")[0]
        if path == STREAM:
            is_full = len(self._viewers) >= VIEWERS_MAX
            return make_answer(HTTPStatus.SERVICE_UNAVAILABLE, b"too many\n") if is_full else None
        return self._answer_path(path, request)

    def _answer_path(self, path: str, request: Request) -> Response:
        page = self._pages.get(path)
        if page is not None:
            return make_answer(HTTPStatus.OK, page.body, page.content_type)
        match path:
            case "/healthz":
                return self._answer_health()
            case "/api/status":
                return self._answer_status()
            case "/metrics":
                return self._answer_metrics(OPEN in request.headers.get("Accept", ""))
            case _:
                return make_answer(HTTPStatus.NOT_FOUND, b"no such page\n")

    def _answer_health(self) -> Response:
        complaints = self._outlook.find_complaints()
        if complaints is None:
            return _not_yet()
        if not complaints:
            return make_answer(HTTPStatus.OK, b"ok\n")
        lines = "".join(f"{complaint.sentence}\n" for complaint in complaints)
        return make_answer(HTTPStatus.SERVICE_UNAVAILABLE, lines.encode())

    def _answer_status(self) -> Response:
        status = self._outlook.find_status()
        if status is None:
            return _not_yet()
        return make_answer(HTTPStatus.OK, msgspec.json.format(status) + b"\n", JSON)

    def _answer_metrics(self, is_open: bool) -> Response:  # noqa: FBT001 (one question)
        if self._looker.last is None or self._outlook.is_late:
            return _not_yet()  # nobody could tell old figures from new ones
        text, content_type = self._metrics(is_open)
        return make_answer(HTTPStatus.OK, text.encode(), content_type)

    async def _handle(self, viewer: ServerConnection) -> None:
        self._change(viewer, ())
        try:
            await viewer.send(self._make_greeting())
            async for message in viewer:
                self._change(viewer, _read_asked(message))
        except (ConnectionClosed, msgspec.MsgspecError, UnicodeDecodeError):
            pass  # a viewer that is gone, or a stranger: the end of this function closes it
        finally:
            del self._viewers[viewer]
            self._show()

    def _change(self, viewer: ServerConnection, markets: Sequence[str]) -> None:
        self._viewers.pop(viewer, None)
        self._viewers[viewer] = markets  # the newest comes last
        self._show()
        self._looker.wake()

    def _show(self) -> None:
        lists = list(reversed(self._viewers.values()))
        self._looker.wanted = lists or None

    def _make_greeting(self) -> str:
        greeting = replace(self._looker.greeting, history=self._looker.history())
        return msgspec.json.encode(greeting).decode()

    async def _stream(self) -> None:
        """Send each look to all viewers at once."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), NEWS_S)
            self._news.clear()
            self._drop_slow()
            greeting, message = self._looker.greeting, self._outlook.find_message()
            if self._viewers and greeting is not self._greeted:
                self._greeted = greeting
                broadcast(self._viewers, msgspec.json.encode(greeting).decode())
            if self._viewers and message is not None:
                broadcast(self._viewers, message.decode())

    def _drop_slow(self) -> None:
        for viewer in list(self._viewers):
            if viewer.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
                viewer.transport.abort()


def _not_yet() -> Response:
    body = b"nothing was looked at lately: the disk or the machine hangs\n"
    return make_answer(HTTPStatus.SERVICE_UNAVAILABLE, body)


def _read_asked(message: str | bytes) -> Sequence[str]:
    asked = msgspec.json.decode(message, type=Asked)
    return asked.watch[:MARKETS_MAX]
