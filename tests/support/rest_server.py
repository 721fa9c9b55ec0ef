"""A REST server on loopback that gives a test's answers."""

from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any, Self

from typing_extensions import override

WAIT_S = 10.0


@dataclass
class Answer:
    """The server's answer to a path, every time."""

    body: str = ""
    status: int = 200


class RestServer(ThreadingHTTPServer):
    """Answers by path; `answers[""]` to every other one. `arrive` is called with each path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {"": Answer()}
        self.arrive: Callable[[str], object] = str
        self._asked: Queue[str] = Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next(self) -> str:
        """Wait for the next question; return its path."""
        return self._asked.get(timeout=WAIT_S)

    @property
    def is_quiet(self) -> bool:
        """Return whether `next` has told of every question so far."""
        return self._asked.empty()

    @override
    def __enter__(self) -> Self:
        self._thread = Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    @override
    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def take(self, path: str) -> Answer:
        self.arrive(path)
        answer = self.answers.get(path) or self.answers[""]
        self._asked.put(path)
        return answer

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, RestServer)
        answer = self.server.take(self.path)
        body = answer.body.encode()
        self.send_response_only(answer.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""
