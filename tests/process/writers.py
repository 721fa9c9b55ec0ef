"""The writer's process and what feeds it: real journals with real senders, and a store."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import pyarrow.parquet as pq

from shared.delivery.journal import Journal
from shared.delivery.pipe import Publisher, WatermarkSubscriber, endpoint, open_context
from shared.delivery.sender import Sender
from tests.support.paths import ROOT
from tests.support.s3_server import BUCKET, REGION, S3Server
from tests.support.writing import make_book, make_end

WAIT_S = 60.0
HASTE = "HASTE"  # in its environment a writer waits for no bucket for long
WRITER = """
import json, os, sys
from pathlib import Path
import booktape.store.s3
from services.buffer_writer import main, uploader
from shared.process.settings import Settings, State, Storage, WriterSettings
from services.buffer_writer.main import run

if "HASTE" in os.environ:
    booktape.store.s3.CONNECT_TIMEOUT_S = booktape.store.s3.READ_TIMEOUT_S = 0.5
    uploader.IDLE_S = uploader.RETRY_BASE_S = main.STATUS_S = 0.1
storage, writer, state, free = json.loads(sys.argv[1])
sys.exit(run(Settings(
    storage=Storage(**storage),
    state=State(Path(state), free),
    writer=WriterSettings(**writer),
    exchanges={},
    folder=Path(state),
)))
"""


def wait_for(is_so: Callable[[], Any], what: str) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s, what
        time.sleep(0.05)


class Writer:
    """The process, which may be killed and started again."""

    def __init__(
        self, state: Path, storage: dict[str, str], environment: dict[str, str] | None = None
    ) -> None:
        self._state = state
        self._storage = storage
        self._environment = {**os.environ, **(environment or {})}
        self._log = state.parent / "writer.log"

    def start(self, *, free: int = 0, **settings: float) -> Self:
        asked = json.dumps([self._storage, settings, str(self._state), free])
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", WRITER, asked],
                cwd=ROOT,
                env=self._environment,
                stderr=log,
            )
        return self

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Tell it to end; return its exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        return self._process.wait(WAIT_S)

    def close(self) -> None:
        if hasattr(self, "_process") and self._process.poll() is None:
            self.kill()

    def status(self) -> dict[str, Any]:
        path = self._state / "status" / "buffer_writer.json"
        return dict(json.loads(path.read_bytes())) if path.exists() else {}

    def log(self) -> str:
        return self._log.read_text()


class Feed:
    """A journal and its sender, as an ingest has them."""

    def __init__(self, state: Path, session: str) -> None:
        self.session = session
        self.path = state / "journal" / session.split("-")[1] / session
        self._journal = Journal.create(self.path.parent, session)
        self._context = open_context()
        frames = endpoint(state, "frames")
        watermarks = WatermarkSubscriber(self._context, endpoint(state, "watermarks"))
        self._sender = Sender(
            [self._journal], lambda: Publisher(self._context, frames), watermarks, time.monotonic
        )
        self._stop = Event()
        self._thread = Thread(target=self._sender.run, args=(self._stop,))
        self._thread.start()
        self._watermarks = watermarks

    def record(self, *sizes: int) -> None:
        for size in sizes:
            first = self._journal.next_number
            self._journal.append(make_book(first, size, session=self.session))

    def end(self) -> None:
        first = self._journal.next_number
        self._journal.append(make_end(first, session=self.session))

    @property
    def events(self) -> int:
        return self._journal.next_number

    @property
    def is_delivered(self) -> bool:
        return not self.path.exists()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(WAIT_S)
        self._watermarks.close()
        self._context.term()


def read_tape(folder: Path) -> dict[str, Counter[int]]:
    """Return how often each event number of each session is on the tape."""
    found: dict[str, Counter[int]] = {}
    for path in (folder / "tape").rglob("*.parquet"):
        table = pq.read_table(path, columns=["session", "event_number"])
        numbers = set(table["event_number"].to_pylist())  # an event may have several rows
        found.setdefault(table["session"][0].as_py(), Counter()).update(numbers)
    return found


def assert_whole(folder: Path, *feeds: Feed) -> None:
    expected = {feed.session: Counter(range(feed.events)) for feed in feeds}
    assert expected == read_tape(folder)


def make_environment(server: S3Server) -> dict[str, str]:
    """Return what boto3 has to know of a server, and of nothing else."""
    authority = {"AWS_CA_BUNDLE": str(server.certificate)} if server.certificate else {}
    return {
        **authority,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": str(server.credentials_file),
    }


def make_storage(
    server: S3Server, path: Path, *, bucket: str = BUCKET, url: str = ""
) -> dict[str, str]:
    return {
        "url": f"s3://{bucket}/{path.name}",
        "region": REGION,
        "endpoint_url": url or server.url,
    }
