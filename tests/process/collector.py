"""All of booktape as an operator runs it, recording two simulated exchanges whose truth is kept."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from booktape.settings_source import FILE_NAME
from booktape.store.storage import Storage
from services.__main__ import find_exchanges
from services.operator.commands.demo_folder import make_environment
from services.operator.commands.simulators import Simulators
from services.operator.health.health import Health, Process, gather
from services.operator.supervision.programs import Programs, prepare
from services.operator.supervision.recording import Recording
from shared.process.configured import load_settings
from shared.process.status import IngestReport
from tests.process.standing import REAL, SUPERVISORCTL, install, wait_until
from tests.support.healths import find_sentences
from tests.support.judge import READ, Verdict, judge
from tests.support.s3_server import S3Server

EXCHANGES = tuple(READ)  # those whose messages the judge can read
WRITER, FEEDS = "buffer_writer", tuple(f"ingest_{name}-a" for name in EXCHANGES)
PROCESSES = (WRITER, *FEEDS)
FLUSH_BYTES = 4 << 20  # also what a writer keeps of the disk for bad times
SETTLE_S = 180.0  # a reconnect that was put off, after a handshake that was refused


class Collector:
    """A folder with a configuration; whatever runs in it ends with the block."""

    def __init__(
        self,
        folder: Path,
        *,
        storage: Storage | None = None,
        environment: Mapping[str, str] | None = None,
        state: Path | None = None,
        options: Mapping[str, Sequence[str]] | None = None,
        disk_free_min_bytes: int = 1 << 20,
    ) -> None:
        """Write the configuration and start the exchanges, each with its options of `simulate`."""
        self.folder = folder
        self.state = state or folder / "var"
        folder.mkdir(parents=True, exist_ok=True)
        inherited = {**install(folder, REAL), **(environment or {})}
        self.environment = make_environment(folder, inherited)
        self.simulators = Simulators()
        self.storage = storage or Storage(f"file:{folder / 'data'}")
        lines = [
            "[storage]",
            f'url = "{self.storage.url}"',
            f'region = "{self.storage.region}"',
            f'endpoint_url = "{self.storage.endpoint_url}"',
            "[state]",
            f'path = "{self.state}"',
            f"disk_free_min_bytes = {disk_free_min_bytes}",
            "[writer]",
            "flush_interval_s = 2",
            f"flush_bytes = {FLUSH_BYTES}",
        ]
        for name in find_exchanges():
            lines += self._start_exchange(name, (options or {}).get(name, ()))
        (folder / FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.programs: Programs = prepare(
            load_settings(find_exchanges(), self.environment), self.environment
        )
        self.recording = Recording(self.programs)
        self._is_closed = False

    def _start_exchange(self, name: str, options: Sequence[str]) -> list[str]:
        """Start an exchange, if the judge can read it; return its part of the configuration."""
        if name not in EXCHANGES:
            return [f"[exchanges.{name}]", "enabled = false"]
        address = self.simulators.start(
            name,
            ["--unlimited", "--truth", str(self.truth(name)), *options],
            environment=self.environment,
            log=self.folder / f"simulate_{name}.log",
        )
        return [
            f"[exchanges.{name}]",
            'symbols = "all"',
            "checkpoint_interval_s = 20",
            f'websocket_url = "{address.websocket_url}"',
            f'rest_url = "{address.rest_url}"',
        ]

    def truth(self, exchange: str) -> Path:
        return self.folder / f"truth_{exchange}.jsonl"

    def start(self) -> None:
        """Start supervisord, and with it everything."""
        self.recording = Recording(self.programs)
        self.recording.start()

    # --- how it does ---

    def health(self) -> Health:
        return gather(self.state, self.recording.supervisor, now_ns=time.time_ns())

    def process(self, name: str) -> Process:
        return next(process for process in self.health().processes if process.name == name)

    def ingest(self, name: str) -> IngestReport:
        """Return what a feed last said of itself."""
        report = self.process(name).ingest
        assert report is not None
        return report

    def pid(self, name: str) -> int | None:
        """Return the pid of a process that runs and has said so since it started."""
        found = next((p for p in self.health().processes if p.name == name), None)
        return found.pid if found and found.is_running else None

    def troubles(self) -> str:
        """Return what `booktape status` complains of."""
        return "\n".join(find_sentences(self.health()))

    def is_live(self) -> bool:
        feeds = [process for process in self.health().processes if process.name in FEEDS]
        return len(feeds) == len(FEEDS) and all(process.state == "live" for process in feeds)

    def is_delivered(self) -> bool:
        """Say whether the writer has all that there is, but for what comes in."""
        health = self.health()
        owned = {process.ingest.session for process in health.processes if process.ingest}
        is_alone = all(journal.session in owned for journal in health.journals)
        return is_alone and not health.spool_flushes

    # --- what is done to it ---

    def kill(self, name: str) -> int | None:
        """Kill a process, if it runs; return which."""
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        return pid

    def control(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run supervisorctl as an operator does."""
        return self._run([*SUPERVISORCTL, "-c", str(self.programs.conf), *arguments])

    def booktape(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of ours on this configuration."""
        return self._run([sys.executable, "-m", "services", *arguments])

    def _run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SETTLE_S,
            check=False,
        )

    # --- the end ---

    def finish(self) -> None:
        """Stop the markets; wait until each book is live and all is delivered; drain."""
        wait_until(self.is_live, seconds=SETTLE_S)
        self.simulators.quiesce()

        def has_heard() -> bool:
            """Each feed has had a look since, so that it has seen what a fault hid."""
            health = self.health()
            return all(
                process.report_age_s is not None and health.ts - process.report_age_s * 1e9 > after
                for process in health.processes
                if process.name in FEEDS
            )

        after = time.time_ns() + 1_500_000_000
        wait_until(lambda: has_heard() and self.is_live() and self.is_delivered(), seconds=SETTLE_S)
        assert self.recording.drain(on_wait=lambda _: None)

    def prove(self, server: S3Server | None = None) -> dict[str, Verdict]:
        """Verify the tape as a user does, and compare it with what the exchanges say they sent."""
        self.close()
        verified = self.booktape("verify")
        assert 0 == verified.returncode, verified.stdout + verified.stderr
        assert "The tape is whole." in verified.stdout
        assert "Pending" not in verified.stdout, verified.stdout
        tape = self.folder / "data"
        if server is not None:
            server.download(self.storage.url.removeprefix("s3://").partition("/")[2], tape)
        return {name: judge(tape, self.truth(name), name) for name in EXCHANGES}

    def close(self) -> None:
        """End the exchanges, which writes their last lines, and whatever still runs."""
        if self.recording.is_running:
            self.recording.drain(on_wait=lambda _: None)
        if not self._is_closed:
            self._is_closed = True
            self.simulators.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        for name in PROCESSES:  # whoever survived its supervisord
            self.kill(name)
