"""Children that do one piece of work each, traced and killed at a call."""

import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT


class Forks:
    """A process of a module that makes a child for each run."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, folder: Path, *tracing: str) -> int:
        """Return how a child ended, which this strace took hold of first."""
        child = self._ask(f"{folder}\n".encode())
        if not tracing:
            return self._ask(b"!")
        command = ["strace", "-f", "-p", str(child), *tracing]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as strace:
            assert strace.stderr is not None
            assert b"attached" in strace.stderr.readline()
            status = self._ask(b"!")
            strace.stderr.read()
        return status

    def _ask(self, what: bytes) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(what)
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
