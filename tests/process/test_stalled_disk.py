"""The dashboard's process, while a disk does not answer: a trouble on the page, and a page."""

import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from websockets.sync.client import connect

from shared.process.state import DASHBOARD, StateFolder
from shared.process.status import ServiceReport, read
from tests.process.standing import REAL, WAIT_S, install, nowhere, wait_until
from tests.support.stalls import stall

pytestmark = pytest.mark.process

LATE = '"look-late"'


class Served:
    """A dashboard of its own, over a state in which nothing runs."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, **install(folder, REAL)}
        (folder / "booktape.toml").write_text(nowhere() + "[dashboard]\nport = 0\n")
        self.state = StateFolder(folder / "var")
        self.state.status.mkdir(parents=True)
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [str(folder / "bin" / "booktape"), "dashboard"],
                cwd=folder,
                env=environment,
                stdout=said,
                stderr=said,
            )
        wait_until(lambda: self.find_address() is not None)
        self.address = self.find_address() or ""

    def find_address(self) -> str | None:
        report = read(self.state.report(DASHBOARD), ServiceReport)
        return report.address if report else None

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.address + path, timeout=WAIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def is_late(self) -> bool:
        return LATE in self.ask("api/status")[1]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.process.kill()
    served.process.wait()


def test_a_disk_that_hangs_is_a_trouble_on_a_page_that_does_not(served: Served) -> None:
    wait_until(lambda: '"nothing-runs"' in served.ask("api/status")[1])
    with stall(served.state.report("ingest_bitvavo-a")):
        wait_until(served.is_late)
        assert 503 == served.ask("healthz")[0]
        assert 503 == served.ask("metrics")[0]  # figures of before are none of now
        assert 200 == served.ask("")[0]
        with connect(f"{served.address.replace('http', 'ws')}api/stream") as stream:
            messages = (msgspec.json.decode(text) for text in stream)
            message = next(message for message in messages if "ok" in message)
        assert (False, "look-late") == (message["ok"], message["troubles"][0]["code"])
    wait_until(lambda: not served.is_late())


def test_a_disk_that_hangs_holds_up_no_end(served: Served) -> None:
    with stall(served.state.report("ingest_bitvavo-a")):
        served.process.send_signal(signal.SIGTERM)
        assert 0 == served.process.wait(WAIT_S)
