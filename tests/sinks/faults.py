"""A proxy before a store that loses requests and answers, fails and hangs, as dice say."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Event, Lock, Thread
from typing import Any, Final

from typing_extensions import override

from tests.sinks.influx import Influx

# What becomes of a request: it arrives or not, and is answered with a status, or 0: not at all.
Fate = tuple[bool, int]
WELL: Final[Fate] = (True, 204)
FATES: Final[dict[Fate, int]] = {
    WELL: 120,
    (False, 0): 15,
    (True, 0): 25,
    (False, 500): 5,
    (True, 500): 5,
    (False, 503): 3,
    (False, 429): 3,
    (False, 404): 2,
    (True, 400): 2,
}
WAIT_S: Final = 60.0


class FaultyProxy(ThreadingHTTPServer):
    """Forwards to InfluxDB; counts each fate. `hangs` is the share that is never answered."""

    daemon_threads = True

    def __init__(self, influx: Influx, random: Random, *, hangs: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.influx = influx
        self.counts: dict[str, int] = {}
        self.is_faulty = True
        self.ended = Event()
        self._random = random
        self._hangs = hangs
        self._lock = Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/write?db=tape&precision=ns"

    def decide(self) -> tuple[Fate, bool]:
        with self._lock:
            fate, hangs = WELL, False
            if self.is_faulty:
                [fate] = self._random.choices(list(FATES), list(FATES.values()))
                hangs = self._random.random() < self._hangs
            name = f"{'hangs ' if hangs else ''}{fate}"
            self.counts[name] = self.counts.get(name, 0) + 1
            return fate, hangs

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever asked was killed, or waits no longer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, FaultyProxy)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        (arrives, status), hangs = server.decide()
        if arrives:
            said = self._forward(server.influx, body)
            status = said if status == WELL[1] else status
        if hangs:
            server.ended.wait()
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _forward(self, influx: Influx, body: bytes) -> int:
        connection = HTTPConnection("127.0.0.1", influx.port, timeout=WAIT_S)
        try:
            connection.request("POST", self.path, body)
            return connection.getresponse().status
        finally:
            connection.close()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def stand_before(influx: Influx, *, seed: int, hangs: float = 0.0) -> Iterator[FaultyProxy]:
    """Run a proxy with dice of this seed."""
    proxy = FaultyProxy(influx, Random(seed), hangs=hangs)
    thread = Thread(target=proxy.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ended.set()
        proxy.shutdown()
        thread.join()
        proxy.server_close()
