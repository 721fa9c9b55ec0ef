"""Watches one state folder for the dashboard, which shows it to others."""

import time
from pathlib import Path
from threading import Event

import msgspec

from services.operator.commands.status import encode_compact
from services.operator.health.health import Health, gather
from services.operator.health.troubles import make_late
from services.operator.metrics.exposition import (
    OPEN_TYPE,
    TEXT_TYPE,
    format_open,
    format_text,
)
from services.operator.metrics.metrics import collect
from services.operator.supervision.listener import Listener
from services.operator.supervision.programs import socket_path


class StateWatch:
    """Watches one state folder in one thread; another thread asks supervisord."""

    def __init__(self, state: Path) -> None:
        """Prepare; ask nothing yet."""
        self._state = state
        self._supervisor = Listener(socket_path(state), steady_s=time.monotonic)
        self._last: Health | None = None

    def listen(self, stop: Event) -> None:
        """Ask supervisord again and again until told to stop."""
        self._supervisor.run(stop)

    def look(self) -> bytes:
        """Return the present `booktape status --json`."""
        health = gather(self._state, self._supervisor, now_ns=time.time_ns())
        self._last = health
        return encode_compact(health)

    def metrics(self, is_open: bool) -> tuple[str, str]:  # noqa: FBT001 (one question)
        """Return the metrics of the last look in one of two formats, with its type."""
        assert self._last is not None
        families = collect(self._last)
        return (format_open(families), OPEN_TYPE) if is_open else (format_text(families), TEXT_TYPE)

    def tell_late(self, age_s: float) -> bytes:
        """Return the trouble of a last look that is too old."""
        return msgspec.json.encode(make_late(age_s))
