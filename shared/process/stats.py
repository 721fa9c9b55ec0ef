"""Keeps stats of a process: counters, with the rates at which they grow."""

from collections import deque
from typing import Final

from msgspec import Struct

RATE_WINDOW_S: Final = 10.0
# Drop samples closer together than this, so that the window holds a bounded number.
SAMPLE_INTERVAL_S: Final = 1.0


class WriterCounters(Struct):
    """Counts the writer's work since its start, in its one thread."""

    frames: int = 0
    frames_refused: int = 0
    frames_doubled: int = 0
    frames_ahead: int = 0
    rows: int = 0
    flushes: int = 0
    last_flush_ts: int | None = None
    last_flush_rows: int | None = None
    last_flush_bytes: int | None = None
    flush_s: float = 0.0  # spent on flushes


class Rate:
    """Measures how fast a counter grows, over the last seconds."""

    def __init__(self, *, now_s: float) -> None:
        """Begin with a counter at 0."""
        self._samples: deque[tuple[float, int]] = deque([(now_s, 0)])

    def measure(self, total: int, *, now_s: float) -> float | None:
        """Return its growth per second; None if no time has passed yet."""
        samples = self._samples
        # The second oldest takes over once it spans the window by itself.
        while len(samples) > 1 and now_s - samples[1][0] >= RATE_WINDOW_S:
            samples.popleft()
        before_s, before = samples[0]
        if now_s - samples[-1][0] >= SAMPLE_INTERVAL_S:
            samples.append((now_s, total))
        elapsed_s = now_s - before_s
        return (total - before) / elapsed_s if elapsed_s > 0 else None
