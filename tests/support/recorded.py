"""Records a demo's tape: real processes, every fault, a handover, a kill."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.process.standing import REAL, WAIT_S, Standing, wait_until

SECONDS = 60
SYMBOLS = 3  # of each exchange
EXCHANGES_RECORDED = "bitvavo", "btcturk"
REST_SHARE = 0.2  # of a recording, in which its feeds are stopped


def record_polled_demo(folder: Path, *, seconds: int) -> Path:
    """Return the folder of a whole tape whose books were asked for; feeds rest for a while."""
    standing = Standing(folder, REAL)
    command = [str(folder / "bin" / "booktape"), "demo", "--transport", "rest", "--no-dashboard"]
    with subprocess.Popen(
        [*command, "--seconds", str(seconds), "--symbols", str(SYMBOLS)],
        cwd=folder,
        env=standing.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        standing.environment["BOOKTAPE_CONFIG"] = str(folder / "demo" / "booktape.toml")
        wait_until(lambda: _is_live(standing))
        conf = str(folder / "demo" / "var" / "run" / "supervisor.conf")
        begin = time.monotonic()
        for action in ("stop", "start"):
            for name in EXCHANGES_RECORDED:
                standing.control(action, f"ingest_{name}", conf=conf)
            wait_until(lambda: time.monotonic() - begin > REST_SHARE * seconds)
        said, _ = demo.communicate(timeout=seconds + 2 * WAIT_S)
    assert "The tape is whole.\n" in said, said
    return folder / "demo" / "data"


def record_demo(folder: Path, *, seconds: int = SECONDS) -> Path:
    """Return the folder of a whole tape with most of the possible faults."""
    standing = Standing(folder, REAL)
    command = [str(folder / "bin" / "booktape"), "demo", "--faults", "all"]
    with subprocess.Popen(
        [*command, "--seconds", str(seconds), "--symbols", str(SYMBOLS)],
        cwd=folder,
        env=standing.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        standing.environment["BOOKTAPE_CONFIG"] = str(folder / "demo" / "booktape.toml")
        wait_until(lambda: _find(standing, "ingest_btcturk-a") is not None)
        wait_until(lambda: _is_live(standing))
        # Line b records beside line a for a while; with all these faults it may give up, and then
        # line a has just gone on.
        standing.booktape("handover", "bitvavo")
        killed = _find(standing, "ingest_btcturk-a")
        assert killed is not None
        os.kill(killed["pid"], signal.SIGKILL)
        said, _ = demo.communicate(timeout=seconds + 2 * WAIT_S)
    assert "The tape is whole.\n" in said, said
    return folder / "demo" / "data"


def _is_live(standing: Standing) -> bool:
    feeds = [_find(standing, f"ingest_{name}-a") for name in EXCHANGES_RECORDED]
    return all(feed is not None and feed["state"] == "live" for feed in feeds)


def _find(standing: Standing, name: str) -> dict[str, Any] | None:
    """Return the status of a running process."""
    said = standing.booktape("status", "--json").stdout
    processes: list[dict[str, Any]] = json.loads(said)["processes"] if said else []
    found = (one for one in processes if one["name"] == name and one.get("pid"))
    return next(found, None)
