"""Debian's InfluxDB 1.6 on loopback, with what it says."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

DATABASE: Final = "tape"
START_S: Final = 60.0
CONF: Final = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[monitor]
store-enabled = false
"""


class Influx:
    """One server with a database; `stop` and `start` are an outage of it."""

    def __init__(self, folder: Path) -> None:
        self.port = find_port()
        self._conf = folder / "influx.conf"
        self._log = folder / "influx.log"
        self._conf.write_text(CONF.format(folder=folder, port=self.port, rpc=find_port()))
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                ["influxd", "run", "-config", str(self._conf)], stdout=log, stderr=log
            )
        end_s = time.monotonic() + START_S
        while True:
            try:
                self.ask("SHOW DATABASES")
            except URLError:
                assert time.monotonic() < end_s, self._log.read_text()
                assert self._child.poll() is None, self._log.read_text()
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def ask(self, query: str, *, is_order: bool = False) -> list[dict[str, Any]]:
        """Return the series of an answer; times are ns since 1970."""
        url = f"{self.url}/query?{urlencode({'db': DATABASE, 'epoch': 'ns', 'q': query})}"
        with urlopen(url, data=b"" if is_order else None, timeout=START_S) as answer:
            [result] = json.load(answer)["results"]
        assert "error" not in result, result
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def rows(self, measurement: str) -> list[dict[str, Any]]:
        """Return every point: its time, its tags and the fields that it has."""
        found = []
        for series in self.ask(f"SELECT * FROM {measurement} GROUP BY *"):
            tags = {name: text for name, text in series["tags"].items() if text}
            for values in series["values"]:
                fields = dict(zip(series["columns"], values, strict=True))
                found.append({**{k: v for k, v in fields.items() if v is not None}, **tags})
        return found


@contextmanager
def serve(folder: Path) -> Iterator[Influx]:
    """Run a server with an empty database."""
    influx = Influx(folder)
    influx.start()
    try:
        influx.ask(f"CREATE DATABASE {DATABASE}", is_order=True)
        yield influx
    finally:
        influx.stop()


def find_port() -> int:
    """Return a port that nobody has now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
    return port
