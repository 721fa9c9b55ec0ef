"""The buffer holds the frames of one exchange until a flush commits them.

A *run* fits one manifest: frames of one session and one UTC date whose numbers continue. Runs keep
the order in which they began, and so do the runs of one session.

Live frames wait for minutes, so the buffer packs `PACK_ROWS` rows at a time, to less than half.
Full frames come from a backlog at full speed, and stay unpacked. The buffer's owner bounds it: it
checks `rows` and `bytes`, and appends no frame while either is too large.
"""

from typing import Final

from msgspec import Struct, field

from services.buffer_writer.events import cut_chunks
from services.buffer_writer.packed import PackedEvents
from shared.delivery.frame import Frame

FRAME_OBJECT_BYTES: Final = 512  # memory of a frame's Python objects, without its events
LIVE_FRAME_ROWS: Final = 1000  # in 20 ms, at most; a live frame has about a tenth
PACK_ROWS: Final = 64 * 1024


class FrameRun(Struct):
    """Frames that will become one manifest; `resumes_at` is the next number after it.

    The oldest may be packed already; `frames` has the frames after these.
    """

    session: str
    day: int
    frames: list[Frame]
    resumes_at: int
    ends_session: bool
    packed: PackedEvents = field(default_factory=PackedEvents)

    @property
    def first(self) -> int:
        """Return its first event number."""
        return self.frames[0].first if self.packed.is_empty else self.packed.first

    @property
    def last(self) -> int:
        """Return its last event number."""
        return self.frames[-1].last if self.frames else self.packed.last

    @property
    def rows(self) -> int:
        """Return the count of its rows on the tape."""
        return self.packed.rows + sum(frame.rows for frame in self.frames)

    @property
    def bytes(self) -> int:
        """Return the memory of its frames, before packing."""
        packed = self.packed.event_bytes + self.packed.frames * FRAME_OBJECT_BYTES
        return packed + sum(map(_bytes_of, self.frames))

    @property
    def is_live(self) -> bool:
        """Return whether its frames have no more rows than live ones."""
        return self.rows <= LIVE_FRAME_ROWS * (self.packed.frames + len(self.frames))

    @property
    def is_empty(self) -> bool:
        """Return whether it has no frames."""
        return self.packed.is_empty and not self.frames

    def pack(self) -> None:
        """Pack the frames; raise `BadFrame` for one that contradicts itself, and keep that one."""
        for chunk in list(cut_chunks(self.frames, PACK_ROWS)):
            self.packed.add(chunk)
            del self.frames[: len(chunk)]

    def cut_events(self, first: int) -> None:
        """Remove the events from `first` on, at which the run or an unpacked frame begins."""
        if first <= self.first:
            self.packed = PackedEvents()
        assert self.packed.is_empty or self.packed.last < first
        self.frames = [frame for frame in self.frames if frame.first < first]
        self.resumes_at = first
        self.ends_session = False


class Buffer:
    """Holds the runs of one exchange, oldest first."""

    def __init__(self) -> None:
        self.rows = 0
        self.bytes = 0
        self._runs: list[FrameRun] = []
        self._loose_rows = 0  # rows since the last packing

    @property
    def is_empty(self) -> bool:
        """Return whether the buffer is empty."""
        return not self._runs

    @property
    def is_loose(self) -> bool:
        """Return whether enough rows have come since the last packing."""
        return self._loose_rows >= PACK_ROWS

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
        self.rows += frame.rows
        self.bytes += _bytes_of(frame)
        self._loose_rows += frame.rows

    def pack(self) -> None:
        """Pack the live frames; raise `BadFrame` for one that contradicts itself."""
        self._loose_rows = 0
        for run in self._runs:
            if run.is_live:
                run.pack()

    def oldest(self) -> FrameRun | None:
        """Return the run to flush first; it stays until `take`."""
        return self._runs[0] if self._runs else None

    def take(self) -> FrameRun:
        """Remove the oldest run, now committed, and return it."""
        run = self._runs.pop(0)
        self.rows -= run.rows
        self.bytes -= run.bytes
        return run

    def cut_session(self, session: str, first: int) -> None:
        """Remove the session's frames that begin at `first` or later."""
        for run in self._runs:
            if run.session == session and run.last >= first:
                rows, size = run.rows, run.bytes
                run.cut_events(first)
                self.rows -= rows - run.rows
                self.bytes -= size - run.bytes
        self._runs = [run for run in self._runs if not run.is_empty]

    def _run_for(self, frame: Frame) -> FrameRun:
        runs = (run for run in reversed(self._runs) if run.session == frame.session)
        run = next(runs, None)
        if run is None or run.day != frame.day or run.last + 1 != frame.first:
            run = FrameRun(frame.session, frame.day, [], frame.first, ends_session=False)
            self._runs.append(run)
        return run


def _bytes_of(frame: Frame) -> int:
    return len(frame.events) + FRAME_OBJECT_BYTES
