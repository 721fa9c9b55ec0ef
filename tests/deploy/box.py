"""A box in a folder: releases, a real supervisord, simulated exchanges."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from services.operator.commands.simulators import Simulators
from services.operator.health.health import Process, gather
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from services.simulator.found import find_names
from tests.process.standing import SUPERVISOR, SUPERVISORCTL, wait_until
from tests.support.paths import ROOT
from tests.support.tape_reader import query

EXCHANGES = tuple(find_names())
PROGRAMS = ["buffer_writer", "certifier", "dashboard", *(f"ingest_{name}" for name in EXCHANGES)]
PROCESSES = len(PROGRAMS) - 2  # the dashboard and the certifier are none of the tape's
OLD, NEW = 40 * "a", 40 * "b"
COMMAND_S = 180.0
CELL = "test"

# As install makes it, but the interpreter is ours and the code a copy of the tree.
PYTHON = '#!/bin/sh\nPYTHONPATH="{code}" exec "{python}" "$@"\n'
BOOKTAPE = '#!/bin/sh\nPYTHONPATH="{code}" exec "{python}" -m services "$@"\n'
CONF = """
[writer]
flush_interval_s = 2
"""
NOWHERE = "ws://127.0.0.1:9/", "http://127.0.0.1:9"
FEED = """
[exchanges.{}]
symbols = "all"
websocket_url = "{}"
rest_url = "{}"
"""


class Box:
    """What init makes of an instance, without the parts that want root."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "opt"
        self.folder = folder / "etc"
        self.own = folder / "own"  # root's copy of what the document runs
        self.state = self.folder / "var"
        self.folder.mkdir()
        self.data = self.folder / "data"
        self.configurations = self.root / "configurations"
        self.configurations.mkdir(parents=True)
        shutil.copytree(ROOT / "deploy" / "host", self.own)
        self.supervisor = Supervisor(socket_path(self.state))
        self.simulators = Simulators()
        self.unreachable: Collection[str] = ()
        self.environment = {
            **{name: text for name, text in os.environ.items() if "BOOKTAPE" not in name},
            "BOOKTAPE_AS_IS": "1",
            "BOOKTAPE_BOX": str(self.folder / "box.env"),
        }
        (self.folder / "box.env").write_text(
            f"BOOKTAPE_ROOT={self.root}\nBOOKTAPE_RELEASES=s3://nowhere/releases\n"
            "BOOKTAPE_CONFIGURATIONS=s3://nowhere/configurations\n"
            f"BOOKTAPE_LOGS=s3://nowhere/logs\n"
            + "".join(f"{name}={text}\n" for name, text in self.own_settings().items())
        )

    def own_settings(self) -> dict[str, str]:
        """Return what the stack gives a box."""
        return {
            "BOOKTAPE_CONFIG": str(self.configurations / "live.toml"),
            "BOOKTAPE__STORAGE__URL": f"file:{self.data}",
            "BOOKTAPE__STATE__PATH": str(self.state),
            "BOOKTAPE__STATE__CELL": CELL,
        }

    def add_configuration(self, text: str) -> str:
        """Put a configuration there, as if it were fetched; return its digest."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        (self.configurations / f"{digest}.toml").write_text(text)
        return digest

    def add_release(self, release: str) -> Path:
        """Install a release; return its code."""
        folder = self.root / "releases" / release
        code = folder / "code"
        for package in ("booktape", "services", "shared"):
            shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("*.pyc"))
        shutil.copy(ROOT / "supervisor.conf", code)
        binaries = folder / ".venv" / "bin"
        binaries.mkdir(parents=True)
        for name, script in (("python", PYTHON), ("booktape", BOOKTAPE)):
            (binaries / name).write_text(script.format(code=code, python=sys.executable))
            (binaries / name).chmod(0o755)
        (folder / "ready").touch()
        return code

    @contextmanager
    def run(self, *, ends_live: bool = True, unreachable: Collection[str] = ()) -> Iterator[None]:
        """Boot the box with the old release and live feeds; drain it at the end."""
        self.unreachable = unreachable
        (self.root / "programs").mkdir(parents=True, exist_ok=True)
        with self.simulators as simulators:
            conf = CONF
            for exchange in EXCHANGES:
                address = simulators.start(
                    exchange,
                    ["--symbols", "3", "--rate", "200"],
                    environment=self.environment,
                    log=self.folder / f"{exchange}.log",
                )
                urls = (address.websocket_url, address.rest_url)
                conf += FEED.format(exchange, *(NOWHERE if exchange in unreachable else urls))
            self.configuration = conf
            digest = self.add_configuration(conf)
            for name in ("live", "current"):
                (self.configurations / f"{name}.toml").symlink_to(f"{digest}.toml")
            (self.root / "current").symlink_to(self.root / "releases" / OLD)
            self.boot()
            try:
                yield
                if ends_live:
                    wait_until(self.is_live)
            finally:
                self._child.terminate()
                self._child.wait(COMMAND_S)
        assert {} == self.find_processes()

    def boot(self) -> None:
        """Start what systemd starts, and wait until it records."""
        assert 0 == self.switch("settle").returncode
        with (self.folder / "output").open("ab") as output:
            self._child = subprocess.Popen(
                [*SUPERVISOR, "--configuration", str(self.root / "programs" / "supervisor.conf")],
                cwd=self.folder,
                env={**self.environment, **self.own_settings()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(self.is_live)

    def lose_power(self) -> None:
        """End everything at once."""
        running = {program.pid for program in self.supervisor.programs().values()} - {0}
        self._child.kill()
        self._child.wait()
        # A second line is no program, a dashboard that starts has not reported yet.
        for pid in running | {process.pid for process in self.find_processes().values()}:
            assert pid is not None
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.find_processes())

    def switch(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the old release as systemd does."""
        folder = self.root / "releases" / OLD
        return self._run(
            [folder / ".venv" / "bin" / "booktape"],
            "box",
            *arguments,
            BOOKTAPE_ROOT=str(self.root),
            **self.own_settings(),
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run what the document runs."""
        return self._run([self.own / "command"], *arguments)

    @contextmanager
    def interrupted(
        self, *arguments: str, at: str, by: signal.Signals | None
    ) -> Iterator[list[str]]:
        """Run what the document runs up to a line; after the block all of it gets the signal.

        What it says after that line is in the list once the block is left.
        """
        with subprocess.Popen(
            [self.own / "command", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if at in line:
                    break
            else:
                raise AssertionError(f"it never said {at}")
            said: list[str] = []
            yield said
            if by is not None:
                os.killpg(child.pid, by)
            said += child.stdout
        assert (by is None) == (child.returncode == 0)

    def control(self, *arguments: str) -> None:
        """Run supervisorctl."""
        conf = ["-c", str(self.root / "programs" / "supervisor.conf")]
        subprocess.run(
            [*SUPERVISORCTL, *conf, *arguments], cwd=self.folder, check=True, timeout=COMMAND_S
        )

    def _run(
        self, command: list[Path], *arguments: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            cwd=self.folder,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    def find_processes(self) -> dict[str, Process]:
        """Return what runs, by its name."""
        health = gather(self.state, self.supervisor, now_ns=time.time_ns())
        return {process.name: process for process in health.processes if process.is_running}

    def is_live(self) -> bool:
        """Say whether every feed is."""
        found = self.find_processes()
        return PROCESSES == len(found) and all(
            process.state == "live"
            for process in found.values()
            if process.exchange and process.exchange not in self.unreachable
        )

    def find_pids(self) -> dict[str, int | None]:
        """Return the pid of each process."""
        return {name: process.pid for name, process in self.find_processes().items()}

    def find_releases(self) -> set[str]:
        """Return the releases whose code runs now."""
        found = set()
        for pid in self.find_pids().values():
            values = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            [code] = [v for v in values if v.startswith(b"PYTHONPATH=")]
            found.add(Path(code.decode().removeprefix("PYTHONPATH=")).parent.name)
        return found

    def find_current(self) -> str:
        """Return what a boot would start."""
        return (self.root / "current").readlink().name

    def find_missing(self) -> dict[str, int]:
        """Return how many sequences are missing of each symbol, over all sessions together.

        Of Bitvavo: the numbers of BtcTurk are each connection's own.
        """
        rows = query(
            self.data,
            "book",
            "SELECT symbol, max(sequence) - min(sequence) + 1 - count(DISTINCT sequence) FROM tape "
            "WHERE exchange = 'bitvavo' GROUP BY symbol",
        )
        return dict(rows)

    def find_uncovered_ms(self, exchange: str) -> dict[str, int]:
        """Return how long no session had a live book of each symbol, from the first to the last."""
        ends = query(
            self.data,
            "feed_events",
            "SELECT session, epoch_ms(min(ts_recv)) FROM tape "
            f"WHERE exchange = '{exchange}' AND kind = 'disconnected' GROUP BY session",
        )
        begins = query(
            self.data,
            "book",
            "SELECT session, symbol, epoch_ms(min(ts_recv)) AS begin FROM tape "
            f"WHERE exchange = '{exchange}' AND is_snapshot GROUP BY ALL ORDER BY begin",
        )
        end_of = dict(ends)
        uncovered: dict[str, int] = {}
        covered: dict[str, int] = {}
        for session, symbol, begin in begins:
            until = covered.setdefault(symbol, begin)
            uncovered[symbol] = uncovered.get(symbol, 0) + max(0, begin - until)
            covered[symbol] = max(until, end_of[session])
        return uncovered

    def find_gaps(self) -> int:
        """Return how many gaps the feeds themselves saw."""
        sql = "SELECT count(*) FROM tape WHERE kind IN ('gap', 'journal_hole')"
        [(count,)] = query(self.data, "feed_events", sql)
        return int(count)

    def find_sessions(self, exchange: str) -> list[str]:
        """Return exchange and line of each session that the tape has."""
        sql = f"SELECT DISTINCT session FROM tape WHERE exchange = '{exchange}' ORDER BY session"
        return [session.partition("Z-")[2] for (session,) in query(self.data, "book", sql)]

    def verify(self) -> int:
        """Return what the proof of the tape says."""
        booktape = self.root / "current" / ".venv" / "bin" / "booktape"
        return self._run([booktape], "verify", **self.own_settings()).returncode
