"""The certifier's process waits while its children certify and report; their end frees memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from services.certifier.passes import Pass, find_reason, read_pass
from shared.process import log
from shared.process.alarm import Alarm
from shared.process.files import Lock
from shared.process.settings import Settings
from shared.process.signals import STOP_SIGNALS
from shared.process.state import CERTIFIER as NAME
from shared.process.status import CertifierReport, StatusFile

NICE: Final = 19
STATUS_S: Final = 1.0
END_S: Final = 10.0  # then kill a child: the next one takes up its work
_CODE: Final = "import sys; from booktape.commands.main import main; sys.exit(main(sys.argv[1:]))"
_log = log.get(__name__)


def run(settings: Settings) -> int:
    """Certify past days each day until a stop signal; return the exit status."""
    os.nice(NICE)
    with Lock(settings.state.folder.certifier_lock):
        return Certifier(settings).run()


class Certifier:
    """Runs one pass after the other, each in a child; this process only waits and reports."""

    def __init__(self, settings: Settings) -> None:
        """Build it; the first pass begins when it runs."""
        folder = settings.state.folder
        self._status = StatusFile(folder.report(NAME), NAME, clock_ns=time.time_ns)
        tape = ("--tape", settings.storage.url, "--temp", str(folder.certify))
        child = (sys.executable, "-P", "-c", _CODE)
        self._certify = [*child, "certify", "--json", *tape]
        self._report_due = [*child, "report", "--put", *tape]
        self._output = folder.certify / "pass"
        self._child: subprocess.Popen[bytes] | None = None
        self._found: Pass | None = None  # of the pass whose reports are being made
        self._last = Pass([])
        self._last_ts: int | None = None
        self._next_ts = 0
        self._passes = self._certified = 0

    def run(self) -> int:
        """Work until told to stop."""
        told = Alarm()
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: told.ring())
        _log.info("the certifier waits for days that are over")
        is_told = False
        while not is_told:
            self.step(time.time_ns())
            is_told = told.wait(STATUS_S)
        self._end()
        return 0

    def step(self, now_ns: int) -> None:
        """Begin a pass that is due, read the result of one that has ended, report."""
        if self._child is None and now_ns >= self._next_ts:
            self._begin(self._certify)
        elif self._child is not None and self._child.poll() is not None:
            self._take(self._child.returncode, now_ns)
        self._report()

    def _begin(self, command: Sequence[str]) -> None:
        try:
            self._output.parent.mkdir(parents=True, exist_ok=True)
            with self._output.open("wb") as out, _complaint(self._output).open("wb") as complaint:
                self._child = subprocess.Popen(command, stdout=out, stderr=complaint)  # noqa: S603 (our own)
        except OSError as error:  # a full disk, most likely
            self._found = None
            self._keep(Pass([], f"a pass could not be begun: {error}"), time.time_ns())

    def _take(self, status: int, now_ns: int) -> None:
        self._child = None
        try:
            said = self._output.read_bytes()
            complaint = _complaint(self._output).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            said, complaint = b"", str(error)
        if self._found is not None:
            reason = None if status == 0 else find_reason(status, complaint)
            found, self._found = replace(self._found, report_fault=reason), None
            self._keep(found, now_ns)
            return
        found = read_pass(status, said, complaint)
        if found.fault is not None:
            self._keep(found, now_ns)
            return
        self._found = found
        self._begin(self._report_due)

    def _keep(self, found: Pass, now_ns: int) -> None:
        self._last, self._last_ts = found, now_ns
        self._next_ts = found.find_next(now_ns)
        self._passes += 1
        self._certified += found.count_certified()
        for fault in found.find_faults():
            _log.warning("a day could not be certified", extra={"reason": fault})
        if found.report_fault:
            _log.warning("a report could not be written", extra={"reason": found.report_fault})
        for day in found.days:
            if day.condition is not None:
                fields = {"exchange": day.exchange, "date": day.date, "condition": day.condition}
                _log.info("a day is certified", extra=fields)

    def _end(self) -> None:
        """End a child; the next one takes up its work."""
        if self._child is not None:
            self._child.terminate()
            try:
                self._child.wait(END_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def _report(self) -> None:
        try:
            self._status.write(
                CertifierReport(
                    **self._status.head(),
                    state="waiting" if self._child is None else "certifying",
                    passes=self._passes,
                    certified=self._certified,
                    last_pass_ts=self._last_ts,
                    next_pass_ts=self._next_ts or None,
                    faults=self._last.find_faults(),
                    report_fault=self._last.report_fault,
                    days_late=self._last.find_late(time.time_ns()),
                )
            )
        except OSError as error:  # a full disk, which other processes report
            _log.warning("cannot write the status", extra={"reason": str(error)})


def _complaint(output: Path) -> Path:
    return output.with_name(f"{output.name}.complaint")
