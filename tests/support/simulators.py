"""The built-in exchange simulator, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.support.paths import ROOT

WAIT_S = 30.0


class Simulator:
    """One exchange on loopback, until the block ends."""

    def __init__(self, exchange: str, *options: str) -> None:
        self._exchange = exchange
        command = [sys.executable, "-m", "services", "simulate", exchange, "--unlimited", *options]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        self.websocket_url, self.rest_url = words[3], words[5]

    def variables(self, **changes: object) -> dict[str, str]:
        """Return the environment in which booktape records from here, with other settings of it."""
        values = {"websocket_url": self.websocket_url, "rest_url": self.rest_url, **changes}
        prefix = f"BOOKTAPE__EXCHANGES__{self._exchange.upper()}__"
        return {prefix + name.upper(): str(value) for name, value in values.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait(WAIT_S)
        self._process.stdout.close()


def booktape(folder: Path, variables: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    """Start a command in a folder that holds all of its state."""
    inherited = {name: text for name, text in os.environ.items() if "BOOKTAPE" not in name}
    return subprocess.Popen(
        [sys.executable, "-m", "services", *arguments],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
