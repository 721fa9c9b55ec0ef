"""A process that stood still begins every connection anew, and a row says so."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from shared.process.status import IngestReport, read
from shared.transport.standstill import STANDSTILL_S
from tests.process.standing import WAIT_S, wait_until
from tests.support.simulators import Simulator, booktape
from tests.support.tape_reader import query

pytestmark = pytest.mark.process


def test_an_ingest_that_was_stopped_for_a_while_believes_none_of_its_books(tmp_path: Path) -> None:
    with Simulator("bitvavo", "--symbols", "2", "--rate", "50") as simulator:
        variables = {
            **simulator.variables(symbols='"all"'),
            "BOOKTAPE__STATE__DISK_FREE_MIN_BYTES": "0",
        }
        writer = booktape(tmp_path, variables, "write")
        ingest = booktape(tmp_path, variables, "ingest", "bitvavo")
        status = tmp_path / "var" / "status" / "ingest_bitvavo-a.json"

        def reconnects(*, least: int) -> bool:
            report = read(status, IngestReport)
            return report is not None and report.state == "live" and report.reconnects >= least

        try:
            wait_until(lambda: reconnects(least=0))
            os.kill(ingest.pid, signal.SIGSTOP)
            time.sleep(STANDSTILL_S + 1)  # nothing is waited for: this is what befalls it
            os.kill(ingest.pid, signal.SIGCONT)
            wait_until(lambda: reconnects(least=1))
        finally:
            for process in (ingest, writer):
                process.terminate()
                _, said = process.communicate(timeout=WAIT_S)
                assert 0 == process.returncode, said
    rows = query(
        tmp_path / "data",
        "feed_events",
        "SELECT detail FROM tape WHERE kind = 'disconnected' ORDER BY event_number",
    )
    first = json.loads(rows[0][0])
    assert first["reason"].startswith("this process or its clock stood still for 1")
    assert ["BTC-EUR", "ETH-EUR"] == first["symbols"]
