"""Runs the process of a sink."""

import os
import signal
import time
from random import SystemRandom
from threading import Event, Thread
from typing import Final

from booktape.errors import ConfigError
from booktape.opening import open_tape
from booktape.store.opening import open_store
from booktape.tape import Tape
from services.sink.cursor import SinkCursor
from services.sink.feeder import Feeder
from services.sink.line_store import LineStore
from services.sink.looks import Looks
from services.sink.tape_rows import MEMORY_BYTES, SinkRows
from shared.process import log
from shared.process.alarm import Alarm
from shared.process.files import Lock
from shared.process.settings import Settings
from shared.process.signals import STOP_SIGNALS
from shared.process.state import sink_name
from shared.process.status import SinkReport, StatusFile

NICE: Final = 10  # recording comes first
STATUS_S: Final = 1.0
# At the end; the next start sends a longer request again.
END_S: Final = 5.0
EXIT_FAULT: Final = 1
_log = log.get(__name__)


def run(settings: Settings, name: str, *, is_once: bool) -> int:
    """Feed one sink until told to stop, or once (`is_once`); return the exit status.

    1: the store lacks some rows (`is_once`), or a fault of our own, which the log describes.
    """
    if name not in settings.sinks:
        there_are = ", ".join(settings.sinks) or "none"
        raise ConfigError([f"sinks.{name}: no such sink is configured; there are: {there_are}"])
    os.nice(NICE)
    with Lock(settings.state.folder.sink_lock(name)):
        process = SinkProcess(settings, name)
        return process.run_once() if is_once else process.run()


class SinkProcess:
    """The parts of a sink and its two threads: this one reports, the other feeds."""

    def __init__(self, settings: Settings, name: str) -> None:
        """Build the parts; ask neither store yet."""
        self._name = name
        own, folder, storage = settings.sinks[name], settings.state.folder, settings.storage
        self._status = StatusFile(
            folder.report(sink_name(name)), sink_name(name), clock_ns=time.time_ns
        )
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time_ns() // 10**9))
        self._cursor = SinkCursor(folder.sink(name), own, today=today)
        self._cursor.save()
        store = open_store(storage)
        looks = Looks(
            store,
            exchanges=own.exchanges,
            begin=self._cursor.begin,
            clock_ns=time.time_ns,
            steady_s=time.monotonic,
        )

        def open_whole() -> Tape:
            return open_tape(
                storage.url,
                region=storage.region,
                endpoint_url=storage.endpoint_url,
                memory_bytes=MEMORY_BYTES,
            )

        self._sink = LineStore(own)
        self._feeder = Feeder(
            lambda: looks.find_due(self._cursor),
            SinkRows(store, own.tables, open_tape=open_whole),
            self._sink,
            self._cursor,
            poll_interval_s=own.poll_interval_s,
            random=SystemRandom(),
            steady_s=time.monotonic,
            clock_ns=time.time_ns,
        )

    def run(self) -> int:
        """Feed until told to stop."""
        told, stop = Alarm(), Event()
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: told.ring())
        _log.info("the sink feeds", extra={"sink": self._name, "begin": self._cursor.begin})
        feeding = Thread(target=self._feeder.run, args=(stop,), name="feed", daemon=True)
        feeding.start()
        is_told = False
        # A thread that died has logged why; only a new process can go on.
        while feeding.is_alive() and not is_told:
            self._report()
            is_told = told.wait(STATUS_S)
        stop.set()
        feeding.join(END_S)
        self._report()
        _log.info("the sink ends", extra={"flushes_due": len(self._feeder.due)})
        return 0 if is_told else EXIT_FAULT

    def run_once(self) -> int:
        """Feed the present flushes, each tried once."""
        self._feeder.step()
        self._sink.close()
        self._report()
        return EXIT_FAULT if self._feeder.error else 0

    def _report(self) -> None:
        try:
            self._status.write(self._make_report())
        except OSError as error:  # a full disk, which others report
            _log.warning("cannot write the status", extra={"reason": str(error)})

    def _make_report(self) -> SinkReport:
        feeder = self._feeder
        return SinkReport(
            **self._status.head(),
            sink=self._name,
            state="failing" if feeder.error else "feeding" if feeder.due else "waiting",
            begin=self._cursor.begin,
            rows=feeder.rows,
            flushes=feeder.flushes,
            flushes_due=len(feeder.due),
            requests=self._sink.requests,
            failures=feeder.failures,
            rows_met=feeder.rows_met,
            error=feeder.error,
            is_refused=feeder.is_refused,
            last_row_ts=feeder.last_row_ts,
            last_fed_ts=feeder.last_fed_ts,
        )
