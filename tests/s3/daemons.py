"""Processes in the foreground that are ours to end, and their logs in one folder."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

START_S_MAX = 120.0
END_S_MAX = 20.0


class Daemons:
    """Started one after the other, ended the other way round."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str, environment: Mapping[str, str] | None = None) -> None:
        name = f"{len(self._processes)}-{Path(command[0]).name}.out"
        with (self._folder / name).open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=self._folder,
                    env={**os.environ, **(environment or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(END_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()


def wait_for_port(port: int) -> None:
    """Wait until somebody listens there."""
    end_s = time.monotonic() + START_S_MAX
    while time.monotonic() < end_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nobody listens on port {port}")
