"""Prints progress while booktape records: a line now and then, each trouble once."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from services.operator.health.health import Health, Process
from services.operator.health.text import format_bytes, format_number, since
from services.operator.health.troubles import find_troubles, find_unreachable
from shared.process.state import WRITER
from shared.process.status import ServiceReport

# Often at first, for a person who waits to see it work; then rarely, to spare the terminal.
FIRST_S, FIRST_INTERVAL_S, INTERVAL_S = 60.0, 5.0, 30.0
# A feed needs some seconds for its first book.
LINE_S, TROUBLE_S = 2.0, 10.0

_NUMBER = re.compile(r"\d[\d.,]*")


class Progress:
    """Prints news of the processes, as far as they are worth a line."""

    def __init__(self, say: Callable[[str], None], *, hint: str) -> None:
        """Print lines by `say`; `hint` helps when an exchange cannot be reached."""
        self._say = say
        self._hint = hint
        self._next_s = LINE_S
        self._unreachable: set[str] = set()
        self._seen: set[str] = set()
        self._told: set[str] = set()
        self._page: str | None = None

    def look(self, health: Health, age_s: float) -> None:
        """Print the news, `age_s` after the start."""
        self._look_for_unreachable(health)
        self._tell_page(health)
        if age_s < self._next_s:
            return
        self._next_s = age_s + (FIRST_INTERVAL_S if age_s < FIRST_S else INTERVAL_S)
        self._say(format_line(health))
        if age_s >= TROUBLE_S:
            self._tell_troubles(health)

    def _look_for_unreachable(self, health: Health) -> None:
        for process in health.processes:
            name = process.exchange
            if name is None or not process.is_reporting:
                continue
            trouble = find_unreachable(process, now_ns=health.ts)
            if trouble and name not in self._unreachable:
                self._unreachable.add(name)
                self._say(f"{trouble.text}\n  the feed keeps trying. {self._hint}")
            elif name in self._unreachable and _is_reached(process):
                self._unreachable.remove(name)
                self._say(f"{name} is reachable again")

    def _tell_page(self, health: Health) -> None:
        """Print the page's address once, and again after a move."""
        for program in health.programs:
            report = program.report
            if not isinstance(report, ServiceReport) or report.pid != program.pid:
                continue  # the report of an earlier process
            if report.address and report.address != self._page:
                self._page = report.address
                self._say(f"  the page:     {self._page}")

    def _tell_troubles(self, health: Health) -> None:
        """Print each trouble once, if it lasts from one line to the next."""
        troubles = {_NUMBER.sub("", trouble.text): trouble for trouble in find_troubles(health)}
        for kind, trouble in troubles.items():
            if kind in self._seen - self._told and trouble.code != "exchange-unreachable":
                self._told.add(kind)
                self._say(f"! {trouble.sentence}")
        self._seen = set(troubles)
        self._told &= self._seen


def format_line(health: Health) -> str:
    """Return the health of all processes in one line."""
    moment = datetime.fromtimestamp(health.ts // 10**9).astimezone()
    return f"{moment:%H:%M:%S}  " + " | ".join(_parts(health))


def _parts(health: Health) -> Iterator[str]:
    for process in health.processes:
        if process.exchange is not None:
            yield _feed(process)
    writer = next(process for process in health.processes if process.name == WRITER)
    report = writer.writer
    if not writer.is_reporting or report is None:
        yield f"writer {writer.state}"
        return
    flushed = report.last_flush_ts
    yield (
        f"writer {format_number(report.rows_buffered)} rows held, "
        + (f"flush {since(flushed, health.ts)} ago" if flushed else "no flush yet")
        + f", spool {format_bytes(health.spool_bytes)}"
    )


def _feed(process: Process) -> str:
    name = process.name.removeprefix("ingest_").removesuffix("-a")
    report = process.ingest
    if not process.is_reporting or report is None:
        return f"{name} {process.state}"
    return (
        f"{name} {process.state} {report.live}/{report.symbols}, "
        f"{format_number(report.messages_per_s)}/s"
    )


def _is_reached(process: Process) -> bool:
    return process.ingest is not None and process.ingest.unreachable_since is None
