"""Runs the dashboard's process."""

import asyncio
import gc
import socket
import time
from collections.abc import Callable
from random import SystemRandom
from threading import Event
from typing import Final, Protocol

from services.dashboard.caller import Caller, Heartbeat
from services.dashboard.calls import Calls
from services.dashboard.leases import Leases
from services.dashboard.looker import Looker, Outlook
from services.dashboard.server import HOST, PageServer
from services.dashboard.static_files import read_pages
from services.dashboard.web import Web
from shared.errors import LockHeld
from shared.process import log
from shared.process.files import Lock
from shared.process.settings import Settings
from shared.process.signals import STOP_SIGNALS
from shared.process.state import DASHBOARD as NAME
from shared.process.status import ServiceReport, StatusFile
from shared.process.threads import Threads

EXIT_LOCKED: Final = 75  # EX_TEMPFAIL of sysexits.h: supervisord tries again
END_S: Final = 2.0  # wait so long for a thread that a disk or a server delays

_log = log.get(__name__)


class Watch(Protocol):
    """Gives the process the status, in each form that the page serves."""

    def look(self) -> bytes:
        """Return the present `booktape status --json`."""
        ...

    def metrics(self, is_open: bool) -> tuple[str, str]:  # noqa: FBT001 (one question)
        """Return the metrics of the last look, in one of two formats, with its type."""
        ...

    def tell_late(self, age_s: float) -> bytes:
        """Return the trouble of a last look that is too old."""
        ...

    def listen(self, stop: Event) -> None:
        """Ask supervisord until told to stop, on a thread of its own: supervisord may hang."""
        ...


def run(
    settings: Settings,
    watch: Watch,
    *,
    announce: Callable[[str], None],
    may_be_second: bool,
) -> int:
    """Serve the page until told to stop; return the exit status.

    75: another dashboard runs. An operator may start a second one, which serves its page but leaves
    reports and calls to the first; if supervisord starts it, it waits until the first is gone.
    """
    log.setup(NAME)
    gc.freeze()  # imported objects stay
    lock = Lock(settings.state.folder.dashboard_lock)
    try:
        lock.acquire()
    except LockHeld as held:
        if not may_be_second:
            _log.error("another dashboard runs", extra={"reason": str(held)})
            return EXIT_LOCKED
        _log.warning("this one reports nothing, and calls nobody", extra={"reason": str(held)})
    except OSError as error:  # with a full disk people need the page most
        _log.warning("this one reports nothing, and calls nobody", extra={"reason": str(error)})
    try:
        return asyncio.run(Dashboard(settings, watch, is_first=lock.is_held).run(announce))
    finally:
        lock.release()


class Dashboard:
    """The parts of the process and their threads; the loop's thread owns it."""

    def __init__(self, settings: Settings, watch: Watch, *, is_first: bool) -> None:
        """Build the parts; look at nothing yet."""
        folder = settings.state.folder
        own = settings.dashboard
        self._alerts = settings.alerts
        self._port = own.port
        self._watch = watch
        self._is_first = is_first
        self._address: str | None = None
        self._status = StatusFile(folder.report(NAME), NAME, clock_ns=time.time_ns)
        self._looker = Looker(
            watch.look,
            Leases(folder, clock_ns=time.time_ns),
            shown=own.symbols,
            spread=own.spread,
            report=self._report,
            steady_s=time.monotonic,
        )
        self._outlook = Outlook(self._looker, watch.tell_late)
        self._server = PageServer(read_pages(), self._looker, self._outlook, watch.metrics)
        self._caller = self._make_caller()
        self._threads = Threads()

    def _make_caller(self) -> Caller | None:
        alerts = self._alerts
        if not alerts.webhook_url or not self._is_first:
            return None
        return Caller(
            Calls(after_s=alerts.after_s, repeat_s=alerts.repeat_s),
            self._outlook.find_complaints,
            Web(alerts.webhook_url).ask,
            host=socket.gethostname(),
            random=SystemRandom(),
            clock_ns=time.time_ns,
            steady_s=time.monotonic,
        )

    async def run(self, announce: Callable[[str], None]) -> int:
        """Serve until a signal; pass the address to `announce`."""
        ended = asyncio.Event()
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        stop = Event()
        self._threads.start("supervisor", self._watch.listen, stop)
        self._threads.start("look", self._looker.run, stop)
        if self._caller is not None:
            self._threads.start("webhook", self._caller.run, stop)
        if self._alerts.heartbeat_url and self._is_first:
            heartbeat = Heartbeat(
                self._outlook.find_complaints, Web(self._alerts.heartbeat_url).ask
            )
            self._threads.start("heartbeat", heartbeat.run, stop)

        def on_listening(port: int) -> None:
            self._address = f"http://{HOST}:{port}/"
            _log.info("the page is served", extra={"address": self._address})
            announce(self._address)
            self._looker.wake()

        await self._server.run(self._port, ended, on_listening)
        stop.set()
        self._looker.wake()
        self._threads.end(stop, within_s=END_S)
        return 0

    def _report(self) -> None:
        """After each look, inform the page, and `booktape status` of this process."""
        self._server.announce()
        if not self._is_first:
            return
        caller = self._caller
        report = ServiceReport(
            **self._status.head(),
            address=self._address,
            calls=caller is not None,
            call_error=caller.error if caller else None,
            call_error_since=caller.error_since if caller else None,
        )
        try:
            self._status.write(report)
        except OSError as error:  # a full disk, which the page shows
            _log.warning("cannot write the status", extra={"reason": str(error)})
