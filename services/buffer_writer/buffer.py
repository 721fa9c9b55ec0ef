"""The buffer holds the frames of one exchange until a flush commits them.

A *run* fits one manifest: frames of one session and one UTC date whose numbers continue. Runs keep
the order in which they began, and so do the runs of one session.

The events stay encoded (some 26 bytes a level) until the flush. The buffer's owner bounds it: it
checks `rows` and `bytes`, and appends no frame while either is too large.
"""

from typing import Final

from msgspec import Struct

from shared.delivery.frame import Frame

FRAME_OBJECT_BYTES: Final = 512  # memory of a frame's Python objects, without its events


class FrameRun(Struct):
    """Frames that will become one manifest; `resumes_at` is the number that follows it."""

    session: str
    day: int
    frames: list[Frame]
    resumes_at: int
    ends_session: bool

    @property
    def first(self) -> int:
        """Return its first event number."""
        return self.frames[0].first

    @property
    def last(self) -> int:
        """Return its last event number."""
        return self.frames[-1].last


class Buffer:
    """Holds the runs of one exchange, oldest first."""

    def __init__(self) -> None:
        self.rows = 0
        self.bytes = 0
        self._runs: list[FrameRun] = []

    @property
    def is_empty(self) -> bool:
        """Return whether the buffer is empty."""
        return not self._runs

    def append(
        self, frame: Frame, *, resumes_at: int | None = None, ends_session: bool = False
    ) -> None:
        """Add the next frame of its session.

        `resumes_at` is the next number expected, if a hole follows the frame.
        """
        run = self._run_for(frame)
        assert not run.ends_session
        run.frames.append(frame)
        run.resumes_at = frame.last + 1 if resumes_at is None else resumes_at
        run.ends_session = ends_session
        self._count(frame, 1)

    def oldest(self) -> FrameRun | None:
        """Return the run to flush first; it stays until `take`."""
        return self._runs[0] if self._runs else None

    def take(self) -> FrameRun:
        """Remove the oldest run, now committed, and return it."""
        run = self._runs.pop(0)
        for frame in run.frames:
            self._count(frame, -1)
        return run

    def cut_session(self, session: str, first: int) -> None:
        """Remove the session's frames that begin at `first` or later."""
        for run in self._runs:
            if run.session == session and run.last >= first:
                for frame in run.frames:
                    if frame.first >= first:
                        self._count(frame, -1)
                run.frames = [frame for frame in run.frames if frame.first < first]
                run.resumes_at = first
                run.ends_session = False
        self._runs = [run for run in self._runs if run.frames]

    def _run_for(self, frame: Frame) -> FrameRun:
        runs = (run for run in reversed(self._runs) if run.session == frame.session)
        run = next(runs, None)
        if run is None or run.day != frame.day or run.last + 1 != frame.first:
            run = FrameRun(frame.session, frame.day, [], frame.first, ends_session=False)
            self._runs.append(run)
        return run

    def _count(self, frame: Frame, sign: int) -> None:
        self.rows += sign * frame.rows
        self.bytes += sign * (len(frame.events) + FRAME_OBJECT_BYTES)
