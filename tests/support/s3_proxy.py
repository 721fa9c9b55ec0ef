"""An S3 proxy between the writer and its bucket, which spoils their messages as a test wants."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Coroutine
from threading import Thread
from typing import Any, Literal

from tests.support.s3_server import S3Server

HOST = "127.0.0.1"
CHUNK_BYTES = 1 << 16
WAIT_S = 30.0

# What it does: hand on; let nobody in; answer 503 or 500 itself; take requests and never answer;
# hand a put on and cut the connection instead of handing back that it succeeded.
Mode = Literal["pass", "refuse", "slow_down", "fail", "hang", "lose_answer"]
MODES: tuple[Mode, ...] = ("refuse", "slow_down", "fail", "hang", "lose_answer")
ANSWERS = {
    "slow_down": (503, "SlowDown", "Please reduce your request rate."),
    "fail": (500, "InternalError", "We encountered an internal error. Please try again."),
}
METHODS = (b"GET ", b"HEAD ", b"PUT ", b"POST ", b"DELETE ")


class S3Proxy:
    """A server of its own, with the certificate of the one behind it."""

    def __init__(self, server: S3Server) -> None:
        self.met: Counter[Mode] = Counter()  # how many requests met a mode
        self._server = server
        self._mode: Mode = "pass"
        self._listening: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._port = 0
        self._do(self._listen())
        self.url = f"{'https' if server.certificate else 'http'}://{HOST}:{self._port}"

    def behave(self, mode: Mode) -> None:
        """Set the mode from now on; cut open connections."""
        self._do(self._change(mode))

    def close(self) -> None:
        self._do(self._change("refuse"))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(WAIT_S)

    async def _change(self, mode: Mode) -> None:
        self._mode = mode
        for writer in list(self._writers):
            writer.transport.abort()
        if mode == "refuse" and self._listening is not None:
            self._listening.close()
            self._listening = None
        elif mode != "refuse" and self._listening is None:
            await self._listen()

    async def _listen(self) -> None:
        context = None
        if self._server.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(
                self._server.certificate, self._server.certificate.with_suffix(".key")
            )
        self._listening = await asyncio.start_server(self._meet, HOST, self._port, ssl=context)
        self._port = self._listening.sockets[0].getsockname()[1]

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._mode in ANSWERS:
                await self._answer(reader, writer)
            elif self._mode == "hang":
                await self._hang(reader)
            else:
                await self._hand_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # one of the two hung up
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each request at its head, as a server does that wants no body."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.met[self._mode] += 1
        # A GET has no body to wait for: who asks would take that for a server that says nothing.
        if head.startswith((b"PUT ", b"POST ")) and b"100-continue" not in head.lower():
            await reader.read(CHUNK_BYTES)
        status, code, message = ANSWERS[self._mode]
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        writer.write(
            f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        await reader.read(CHUNK_BYTES)  # until it hangs up: a reset would hide the answer

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(CHUNK_BYTES):
            self.met["hang"] += data.startswith(METHODS)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        context = None
        if self._server.certificate:
            context = ssl.create_default_context(cafile=str(self._server.certificate))
        there, back = await asyncio.open_connection(HOST, self._server.port, ssl=context)
        self._writers.add(back)
        talk = _Talk()
        try:
            await asyncio.wait(
                [
                    asyncio.create_task(self._copy_requests(reader, back, talk)),
                    asyncio.create_task(self._copy_answers(there, writer, talk)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._writers.discard(back)
            back.transport.abort()

    async def _copy_requests(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, talk: "_Talk"
    ) -> None:
        while data := await _read(reader):
            if data.startswith(METHODS):
                talk.is_put = data.startswith(b"PUT ")
                self.met["pass"] += self._mode == "pass"
            back.write(data)
            await back.drain()

    async def _copy_answers(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: "_Talk"
    ) -> None:
        while data := await _read(there):
            if self._mode == "lose_answer" and talk.is_put and data.startswith(b"HTTP/1.1 2"):
                self.met["lose_answer"] += 1
                return
            writer.write(data)
            await writer.drain()


class _Talk:
    """The last request of a connection."""

    is_put = False


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(CHUNK_BYTES)
    except (OSError, ssl.SSLError):
        return b""
