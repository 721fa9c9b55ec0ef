"""A fake writer in memory keeps the rules of the pipe, and loses frames on request."""

from collections import deque

from shared.delivery.frame import Frame, decode
from shared.delivery.pipe import Watermark


class FakePipe:
    """The way of one session to the fake writer."""

    def __init__(self, frames_max: int) -> None:
        self.frames: deque[bytes] = deque()
        self.frames_max = frames_max
        self.is_closed = False

    def publish(self, data: bytes) -> bool:
        assert not self.is_closed
        if len(self.frames) >= self.frames_max:
            return False
        self.frames.append(data)
        return True

    def close(self) -> None:
        self.is_closed = True


class FakeWriter:
    """Takes expected frames, drops the rest, notes holes; its death loses uncommitted frames."""

    def __init__(self, *, pipe_frames_max: int = 1000) -> None:
        self.run = 0
        self.pipes: list[FakePipe] = []
        self.is_alive = True
        self.stored: dict[str, list[int]] = {}
        self.holes: dict[str, list[tuple[int, int]]] = {}
        self.expected: dict[str, int] = {}
        self.committed: dict[str, int] = {}
        self._pipe_frames_max = pipe_frames_max

    def make_pipe(self) -> FakePipe:
        pipe = FakePipe(self._pipe_frames_max)
        self.pipes.append(pipe)
        return pipe

    def watermark(self) -> Watermark:
        return Watermark(
            f"run {self.run}",
            {
                session: (self.committed.get(session, 0), expected)
                for session, expected in self.expected.items()
            },
        )

    def receive(self) -> Watermark | None:
        return self.watermark() if self.is_alive else None

    def work(self) -> list[tuple[int, int]]:
        """Take every frame from the pipes; return the first and last number of each."""
        came = []
        for pipe in self.pipes:
            while pipe.frames:
                frame = decode(pipe.frames.popleft())
                came.append((frame.first, frame.last))
                self.take(frame)
        return came

    def take(self, frame: Frame) -> None:
        session = frame.session
        expected = self.expected.get(session, 0)
        if frame.base > expected:
            self.holes.setdefault(session, []).append((expected, frame.base))
            expected = frame.base
        if frame.first <= expected <= frame.last:
            self.stored.setdefault(session, []).extend(range(expected, frame.last + 1))
            expected = frame.last + 1
        self.expected[session] = expected

    def commit(self) -> None:
        self.committed.update(self.expected)

    def kill(self) -> None:
        """Forget uncommitted frames, and come back as another run."""
        self.run += 1
        self.expected = dict(self.committed)
        for session, numbers in self.stored.items():
            committed = self.committed.get(session, 0)
            self.stored[session] = [number for number in numbers if number < committed]
            self.holes[session] = [
                hole for hole in self.holes.get(session, []) if hole[1] <= committed
            ]

    def forget(self, session: str) -> None:
        self.expected.pop(session, None)
        self.committed.pop(session, None)
