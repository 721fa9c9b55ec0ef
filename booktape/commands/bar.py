"""Draws a progress bar on a terminal, for long work."""

import time
from types import TracebackType
from typing import Self, TextIO

WIDTH = 40
# Shorter work needs no bar.
AFTER_S = 1.0
INTERVAL_S = 0.1


class Bar:
    """Draws over one line of a terminal; draws nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_seen = stream.isatty()
        self._next_s = time.monotonic() + AFTER_S
        self._is_drawn = False

    def show(self, done: float, total: int) -> None:
        """Show the share of the work done; this is cheap enough to call for each piece."""
        now_s = time.monotonic()
        if not self._is_seen or now_s < self._next_s:
            return
        self._next_s = now_s + INTERVAL_S
        self._is_drawn = True
        self._stream.write(f"\r{format_bar(done, total)}")
        self._stream.flush()

    def wipe(self) -> None:
        """Clear the bar, so that a line may be printed."""
        if self._is_drawn:
            self._stream.write("\r\x1b[K")  # ECMA-48: erase in line
            self._stream.flush()
            self._is_drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.wipe()


def format_bar(done: float, total: int) -> str:
    """Return the bar with its figures; only the bar shows pieces done in part."""
    share = min(1.0, done / total) if total else 1.0
    filled = int(share * WIDTH)
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {share:4.0%}  {int(done)}/{total}"
