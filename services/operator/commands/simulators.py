"""Starts a demo's simulators, each a child of ours."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from booktape.errors import BooktapeError
from services.operator.commands.demo_folder import Address
from services.operator.supervision.child import Lifeline

# A loaded machine takes its time to import and to make hundreds of markets.
START_S = 30.0
END_S = 10.0
LINE_BYTES_MAX = 4096

_ADDRESS = re.compile(r"(ws://\S+) and (http://\S+)")


class Simulators:
    """Runs one `booktape simulate` for each exchange; they end with us, however we end."""

    def __init__(self) -> None:
        self._lifeline = Lifeline()
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self, exchange: str, options: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> Address:
        """Start one; return its addresses."""
        command = [sys.executable, "-P", "-m", "services", *self._lifeline.arguments, "simulate"]
        with log.open("wb") as errors:
            child = subprocess.Popen(
                [*command, exchange, *options],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=self._lifeline.descriptors,
                start_new_session=True,  # Ctrl-C reaches us alone
            )
        self._children[exchange] = child
        assert child.stdout is not None
        line = _read_line(child.stdout)
        found = _ADDRESS.search(line)
        if found is None:
            said = log.read_text(encoding="utf-8", errors="replace").strip()
            raise BooktapeError(f"the simulator of {exchange} did not start: {line or said}")
        return Address(*found.groups())

    def find_ended(self) -> str | None:
        """Return the exchange of a simulator that has ended, if any."""
        for exchange, child in self._children.items():
            if child.poll() is not None:
                return exchange
        return None

    def quiesce(self) -> None:
        """Stop the markets; the sockets stay open."""
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGUSR1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            try:
                child.wait(END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            assert child.stdout is not None
            child.stdout.close()
        self._lifeline.close()


def _read_line(pipe: IO[bytes]) -> str:
    """Return the first line, or its beginning when the process ends or the time is over."""
    line = b""
    end_s = time.monotonic() + START_S
    while not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
        ready, _, _ = select.select([pipe], [], [], max(0.0, end_s - time.monotonic()))
        byte = os.read(pipe.fileno(), 1) if ready else b""
        if not byte:
            break
        line += byte
    return line.decode(errors="replace").strip()
