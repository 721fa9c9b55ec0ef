"""The cost of an upload: CPU a megabyte, to an S3 server on loopback, plain and over TLS.

It takes turns with boto3's own `put_object` of the same bytes, which proves nothing, and with a
folder. The figures leave out the server, which is a separate process.
"""

import os
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.results import Figure
from booktape.store.opening import open_store
from booktape.store.storage import Storage
from tests.support.s3_server import BUCKET, REGION, S3Server

MEGABYTES = 4  # a flush of a quiet minute
PUTS = 10
LIVE_MB_S = 0.042  # all markets, compressed
Put = Callable[[Path, str], object]


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure each way by turns."""
    path = folder / "segment"
    path.write_bytes(os.urandom(MEGABYTES * 1_000_000))
    figures = []
    for kind, is_https in (("plain", False), ("TLS", True)):
        place = folder / kind
        place.mkdir()
        server = S3Server(place, is_https=is_https)
        with closing(_Killed(server)), _environment(server):
            ways: dict[str, Put] = {
                "booktape": open_store(Storage(f"s3://{BUCKET}/own", REGION, server.url)).put,
                "boto3's put_object": _putting(server.client()),
                "a folder": open_store(Storage(f"file:{place}/store")).put,
            }
            for put in ways.values():
                put(path, "first")  # clients and certificates
            costs: dict[str, list[float]] = {way: [] for way in ways}
            for turn in range(rounds):
                for way, put in ways.items():
                    costs[way].append(_measure(put, path, f"{turn}"))
        figures += [Figure(f"{kind}: {way}", median(of), "ms CPU/MB") for way, of in costs.items()]
        share = median(costs["booktape"]) * LIVE_MB_S / 10
        figures.append(Figure(f"{kind}: booktape at the live rate", share, "% of a core"))
    return figures


def _measure(put: Put, path: Path, name: str) -> float:
    begin_s = time.process_time()
    for number in range(PUTS):
        put(path, f"{name}/{number}")
    return (time.process_time() - begin_s) / (PUTS * MEGABYTES) * 1000


def _putting(client: Any) -> Put:
    def put(path: Path, key: str) -> None:
        with path.open("rb") as file:
            client.put_object(Bucket=BUCKET, Key=f"plain/{key}", Body=file)

    return put


class _Killed:
    """A server; closing kills it."""

    def __init__(self, server: S3Server) -> None:
        self._server = server

    def close(self) -> None:
        self._server.kill()


@contextmanager
def _environment(server: S3Server) -> Any:
    """Let boto3 find the credentials, and the certificate, of this server."""
    own = {
        "AWS_SHARED_CREDENTIALS_FILE": str(server.credentials_file),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if server.certificate:
        own["AWS_CA_BUNDLE"] = str(server.certificate)
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
