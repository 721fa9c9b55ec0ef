"""A server of line protocol on loopback keeps points as InfluxDB does, and fails on request."""

import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Final, Self

from msgspec import Struct
from typing_extensions import override

TAKEN: Final = 204
# Commas, spaces and equals signs that are not escaped.
_COMMA, _SPACE, _EQUALS = (re.compile(rf"(?<!\\){sign}") for sign in (",", " ", "="))
_FIELD: Final = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^,]*)(?:,|\Z)', re.DOTALL)


class Fate(Struct, frozen=True):
    """The fate of one request: whether the server keeps its lines, and its answer.

    A status of 0 is no answer but a closed connection; `hangs` waits until the server ends.
    """

    is_kept: bool = True
    status: int = TAKEN
    text: str = ""
    hangs: bool = False
    headers: dict[str, str] = {}


WELL: Final = Fate()
LOST: Final = Fate(is_kept=False, status=0)
ANSWER_LOST: Final = Fate(status=0)
Point = tuple[str, str, int]


class LineServer(ThreadingHTTPServer):
    """Keeps each point by measurement, tags and time; a later one takes an earlier one's place."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.points: dict[Point, dict[str, object]] = {}
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.decide: Callable[[], Fate] = lambda: WELL
        self.ended = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/write?db=tape"

    @override
    def __enter__(self) -> Self:
        self._thread = Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    @override
    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: the client has gone."""

    def numbers(self, measurement: str) -> list[int]:
        """Return the event numbers of a measurement's points, in the order of their times."""
        found = [point for point in list(self.points) if point[0] == measurement]
        fields = (self.points[point] for point in sorted(found, key=lambda point: point[2]))
        return [int(str(field["event_number"])) for field in fields]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, LineServer)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.bodies.append(body)
        server.headers.append({name.lower(): text for name, text in self.headers.items()})
        fate = server.decide()
        if fate.is_kept:
            server.points.update(map(parse_line, body.decode().splitlines()))
        if fate.hangs:
            server.ended.wait()
        if not fate.status:
            self.close_connection = True
            return
        self.send_response(fate.status)
        for name, text in fate.headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(fate.text)))
        self.end_headers()
        self.wfile.write(fate.text.encode())

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


def parse_line(line: str) -> tuple[Point, dict[str, object]]:
    """Return the point and the fields of a line; it must be one."""
    series, rest = _SPACE.split(line, maxsplit=1)
    fields, time = rest.rsplit(" ", maxsplit=1)
    measurement, *tags = _COMMA.split(series)
    assert all(2 == len(_EQUALS.split(tag)) for tag in tags)
    assert tags == sorted(tags)
    found = {name: _parse_value(text) for name, text in _FIELD.findall(fields)}
    assert fields == ",".join(f"{name}={text}" for name, text in _FIELD.findall(fields))
    return (measurement, ",".join(tags), int(time)), found


def _parse_value(text: str) -> object:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return int(text[:-1]) if text.endswith("i") else float(text)
