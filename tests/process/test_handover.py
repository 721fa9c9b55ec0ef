import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.operator.commands.simulators import Simulators
from tests.process.standing import REAL, WAIT_S, Standing, nowhere, wait_until

pytestmark = pytest.mark.process

LINE_A, LINE_B = "ingest_bitvavo-a", "ingest_bitvavo-b"
CONF = """
[exchanges.bitvavo]
symbols = "all"
stale_after_s = 600.0
websocket_url = "{}"
rest_url = "{}"
"""


@contextmanager
def run_live(folder: Path) -> Iterator[tuple[Standing, int]]:
    """Run everything with a live feed; return it with the pid of the exchange."""
    standing = Standing(folder, REAL)
    with Simulators() as simulators:
        address = simulators.start(
            "bitvavo", ["--symbols", "2"], environment=standing.environment, log=folder / "log"
        )
        conf = CONF.format(address.websocket_url, address.rest_url)
        conf += nowhere("bitvavo")
        (folder / "booktape.toml").write_text(conf)
        with standing.run():
            wait_until(lambda: LINE_A in standing.processes())
            wait_until(lambda: standing.processes()[LINE_A].state == "live")
            pid = simulators._children["bitvavo"].pid
            try:
                yield standing, pid
            finally:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def start_handover(standing: Standing) -> Iterator[subprocess.Popen[str]]:
    """Start one and wait until its line b runs."""
    with subprocess.Popen(
        [str(standing.folder / "bin" / "booktape"), "handover", "bitvavo"],
        cwd=standing.folder,
        env=standing.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as handover:
        try:
            wait_until(lambda: standing.has_reported(LINE_B))
            yield handover
        finally:
            handover.kill()


def test_a_line_b_ends_when_its_handover_is_killed_and_line_a_stays(tmp_path: Path) -> None:
    with run_live(tmp_path) as (standing, exchange):
        before = standing.holder(LINE_A)
        os.kill(exchange, signal.SIGSTOP)  # so that line b cannot become live
        with start_handover(standing) as handover:
            handover.kill()
        wait_until(lambda: LINE_B not in standing.processes())
        assert before == standing.holder(LINE_A)


def test_a_handover_that_is_stopped_leaves_line_a_as_it_was(tmp_path: Path) -> None:
    with run_live(tmp_path) as (standing, exchange):
        before = standing.holder(LINE_A)
        os.kill(exchange, signal.SIGSTOP)
        with start_handover(standing) as handover:
            handover.send_signal(signal.SIGINT)
            said, _ = handover.communicate(timeout=WAIT_S)
        assert 1 == handover.returncode
        assert said.endswith("booktape: stopped while waiting for line b; line b has drained\n")
        assert LINE_B not in standing.processes()
        assert before == standing.holder(LINE_A)


def test_a_feed_that_is_not_live_is_not_handed_over(tmp_path: Path) -> None:
    standing = Standing(tmp_path, REAL)
    with standing.run():
        wait_until(lambda: standing.has_reported("ingest_btcturk-a"))
        handover = standing.booktape("handover", "btcturk")
    assert 1 == handover.returncode
    assert "booktape: no book of ingest_btcturk is live" in handover.stderr
