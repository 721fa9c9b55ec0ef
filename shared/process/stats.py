"""The counters and gauges of one process, for `booktape status` to read."""

import os
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import msgspec

from booktape.errors import UNDECODABLE
from shared.process.files import write_atomic

RATE_WINDOW_S = 10.0
# Samples closer than this are not kept, so that the window is a bounded number of them.
SAMPLE_INTERVAL_S = 1.0


class Report(msgspec.Struct, frozen=True):
    """What one process last wrote of itself; rates are per second."""

    process: str
    pid: int
    ts_start: int
    ts_written: int
    counters: dict[str, int]
    rates: dict[str, float]
    gauges: dict[str, int | float | str | None]


class Stats:
    """Count what happens, from any thread; a counter's rate follows by itself."""

    def __init__(
        self, process: str, *, clock_ns: Callable[[], int], monotonic_s: Callable[[], float]
    ) -> None:
        self._process = process
        self._clock_ns = clock_ns
        self._monotonic_s = monotonic_s
        self._ts_start = clock_ns()
        self._lock = Lock()
        self._counters: Counter[str] = Counter()
        self._gauges: dict[str, int | float | str | None] = {}
        self._samples: deque[tuple[float, Counter[str]]] = deque([(monotonic_s(), Counter())])

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter, which starts at 0 with the process."""
        with self._lock:
            self._counters[name] += amount

    def gauge(self, name: str, value: float | str | None) -> None:
        """Set what is true now, in place of what was."""
        with self._lock:
            self._gauges[name] = value

    def report(self) -> Report:
        """Return all of it as it stands."""
        with self._lock:
            counters = self._counters.copy()
            gauges = self._gauges.copy()
            rates = self._rates(counters)
        return Report(
            process=self._process,
            pid=os.getpid(),
            ts_start=self._ts_start,
            ts_written=self._clock_ns(),
            counters=dict(counters),
            rates=rates,
            gauges=gauges,
        )

    def write(self, path: Path) -> None:
        """Replace the file at `path`; not synced, for nobody needs it after a power cut."""
        write_atomic(path, msgspec.json.encode(self.report()), fsync=False)

    def _rates(self, counters: Counter[str]) -> dict[str, float]:
        """Compare with the oldest sample of the window; keep this one for later."""
        now_s = self._monotonic_s()
        samples = self._samples
        # The second oldest takes over once it spans the window by itself.
        while len(samples) > 1 and now_s - samples[1][0] >= RATE_WINDOW_S:
            samples.popleft()
        before_s, before = samples[0]
        elapsed_s = now_s - before_s
        if now_s - samples[-1][0] >= SAMPLE_INTERVAL_S:
            samples.append((now_s, counters))
        if elapsed_s <= 0:
            return {}
        return {name: (value - before[name]) / elapsed_s for name, value in counters.items()}


def read(path: Path) -> Report | None:
    """Return what a process last wrote, or None where there is nothing that we can read."""
    try:
        return _decoder.decode(path.read_bytes())
    except (FileNotFoundError, *UNDECODABLE):
        return None


_decoder = msgspec.json.Decoder(Report)
