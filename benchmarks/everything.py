"""Measures a recording with everything on (watching, calling, a sink) against one alone, by turns.

Both record as `sustained` does, books and trades of every market. *Everything* is the dashboard
with a viewer of four ladders, a Prometheus that scrapes each 15 s, a webhook and a heartbeat, the
certifier, and a sink that feeds trades and feed events to another store. *Alone* has none of these.
"""

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, Final

import requests
from typing_extensions import override
from websocket import WebSocketException, WebSocketTimeoutException, create_connection

from benchmarks.results import Figure
from benchmarks.sustained import BOOKS_AND_TRADES, Samples, record

SECONDS: Final = 330.0  # long enough for a flush of five minutes
SCRAPE_S: Final = 15.0
WATCHED: Final = ("bitvavo:BTC-EUR", "bitvavo:ETH-EUR", "btcturk:BTC-TRY", "btcturk:ETH-TRY")
BESIDE: Final = ("dashboard", "certifier")
SINK: Final = "sink_line"
_MIB = 1 << 20


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Record by turns, so many times each."""
    alone, all_on = [], []
    for turn in range(rounds):
        alone.append(_record(folder / f"{turn} alone"))
        with _everything() as configuration:
            all_on.append(_record(folder / f"{turn} all on", configuration))
    return [
        *_figures("alone", alone),
        *_figures("everything on", all_on, most_mib=450),
        *(
            Figure(f"everything on: CPU of {name}", _share(all_on, name), "% of a core")
            for name in all_on[0].cpu_s
        ),
        *(
            Figure(f"everything on: memory of {name}, most", _most([on], name), "MiB")
            for on in all_on[-1:]
            for name in on.cpu_s
        ),
        Figure(
            "CPU, everything on, of that alone",
            median(_cpu(on) / _cpu(off) for on, off in zip(all_on, alone, strict=True)),
            "",
            1.1,
        ),
    ]


def _record(folder: Path, configuration: str | None = None) -> Samples:
    without = BESIDE if configuration is None else ()
    samples = record(
        folder, BOOKS_AND_TRADES, SECONDS, without=without, configuration=configuration or ""
    )
    shutil.rmtree(folder)
    return samples


def _figures(kind: str, runs: list[Samples], most_mib: float | None = None) -> Iterator[Figure]:
    yield Figure(f"{kind}: CPU", median(map(_cpu, runs)) * 100, "% of a core")
    yield Figure(f"{kind}: memory, most", _most(runs), "MiB", most_mib)


def _cpu(run: Samples) -> float:
    return sum(run.cpu_s.values()) / run.seconds


def _share(runs: list[Samples], name: str) -> float:
    return median(run.cpu_s[name] / run.seconds for run in runs) * 100


def _most(runs: list[Samples], name: str | None = None) -> float:
    """Return the most memory of a process, or of all at one time."""
    looks = (look for run in runs for look in run.pss)
    return max(look[name] if name else sum(look.values()) for look in looks) / _MIB


@contextmanager
def _everything() -> Iterator[str]:
    """Serve as viewer, webhook and other store; yield the configuration with their addresses."""
    stop = Event()
    port = _find_port()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    url = f"http://127.0.0.1:{server.server_port}"
    threads = [
        Thread(target=server.serve_forever),
        Thread(target=_view, args=(port, stop)),
        Thread(target=_scrape, args=(port, stop)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield "\n".join([
            "[dashboard]",
            f"port = {port}",
            "[alerts]",
            f'webhook_url = "{url}/webhook"',
            f'heartbeat_url = "{url}/heartbeat"',
            f"[sinks.{SINK.removeprefix('sink_')}]",
            f'url = "{url}/write?precision=ns"',
            'tables = ["trades", "feed_events"]',
        ])  # fmt: skip
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()


def _find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _view(port: int, stop: Event) -> None:
    """Look at the page as a browser does, again and again."""
    while not stop.wait(1):
        with suppress(OSError, WebSocketException):
            page = create_connection(f"ws://127.0.0.1:{port}/api/stream", timeout=1)
            page.send(json.dumps({"watch": WATCHED}))
            while not stop.is_set():
                with suppress(WebSocketTimeoutException):
                    page.recv()
            page.close()


def _scrape(port: int, stop: Event) -> None:
    while not stop.wait(SCRAPE_S):
        with suppress(requests.RequestException):
            requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)


class _Taker(BaseHTTPRequestHandler):
    """Accepts every request, as a store and as a webhook."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass
