"""A callee is a server on loopback that notes the calls that it gets."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Self

from typing_extensions import override

WAIT_S = 30.0


class Callee:
    """Answers each request with a status, at once or when the test wants."""

    def __init__(self, *, status: int = 204, is_slow: bool = False) -> None:
        self.status = status
        self.asked: list[tuple[str, str, bytes, str]] = []
        self.heard, self.may_answer = Event(), Event()
        if not is_slow:
            self.may_answer.set()
        callee = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._note("GET")

            def do_POST(self) -> None:
                self._note("POST")

            def _note(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kind = self.headers.get("Content-Type") or ""
                callee.asked.append((method, self.path, body, kind))
                callee.heard.set()
                callee.may_answer.wait(WAIT_S)
                self.send_response(callee.status)
                self.end_headers()

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(WAIT_S)
