"""Pipes that lose and never reorder, and watermarks that come late or not at all."""

from collections import deque
from collections.abc import Callable
from random import Random

from shared.delivery.frame import decode, encode
from shared.delivery.pipe import WATERMARKS_MAX, Watermark
from tests.simulation.fate import Fate, Process
from tests.simulation.recut import split


class Pipe:
    """The way of one session; what is in it lies on both sides of the socket."""

    def __init__(self, network: "Network", owner: Process) -> None:
        self.owner = owner
        self.frames: deque[bytes] = deque()
        self._network = network
        self._is_closed = False

    def publish(self, data: bytes) -> bool:
        assert not self._is_closed
        network = self._network
        network.fate.boundary()
        if len(self.frames) >= network.frames_max:
            return False
        network.on_send(data)
        self.frames += network.cut(data)
        network.fate.boundary()
        return True

    def close(self) -> None:
        """Take nothing more; what it has may still come."""
        self._is_closed = True


class Subscriber:
    """Watermarks on their way to one process."""

    def __init__(self, random: Random) -> None:
        self.waiting: deque[Watermark] = deque(maxlen=WATERMARKS_MAX)
        self._random = random

    def receive(self) -> Watermark | None:
        """Return the newest that has come; some are still on their way."""
        newest = None
        for _ in range(len(self.waiting) - (self._random.random() < 0.2)):
            newest = self.waiting.popleft()
        return newest


class Network:
    """Every pipe and every subscriber of one machine."""

    def __init__(
        self,
        fate: Fate,
        random: Random,
        *,
        frames_max: int,
        recuts: bool,
        on_send: Callable[[bytes], None],
        on_publish: Callable[[Watermark], None],
    ) -> None:
        self.fate = fate
        self.frames_max = frames_max
        self.on_send = on_send
        self._recuts = recuts
        self._on_publish = on_publish
        self._random = random
        self._pipes: list[Pipe] = []
        self._subscribers: dict[Process, Subscriber] = {}

    def make_pipe(self, owner: Process) -> Pipe:
        self._pipes.append(Pipe(self, owner))
        return self._pipes[-1]

    def subscribe(self, process: Process) -> Subscriber:
        self._subscribers[process] = Subscriber(self._random)
        return self._subscribers[process]

    def publish(self, watermark: Watermark) -> None:
        self.fate.boundary()
        self._on_publish(watermark)
        for subscriber in self._subscribers.values():
            subscriber.waiting.append(watermark)
        self.fate.boundary()

    def receive(self) -> bytes | None:
        """Return the next frame of any pipe."""
        self.fate.boundary()
        full = [pipe for pipe in self._pipes if pipe.frames]
        if not full:
            return None
        data = self._random.choice(full).frames.popleft()
        self.fate.boundary()
        return data

    def cut(self, data: bytes) -> list[bytes]:
        """Return a frame as it is sent: in two, now and then."""
        frame = decode(data)
        if not self._recuts or frame.first == frame.last or self._random.random() < 0.5:
            return [data]
        parts = split(frame, self._random.randint(1, frame.last - frame.first))
        return [encode(part) for part in parts]

    def lose_some(self) -> None:
        """Lose a run of frames of one pipe, and the watermarks of one process."""
        full = [pipe for pipe in self._pipes if pipe.frames]
        if full:
            frames = self._random.choice(full).frames
            first, last = sorted(self._random.randrange(len(frames) + 1) for _ in range(2))
            for _ in range(last - first):
                del frames[first]
        if self._subscribers:
            self._random.choice(list(self._subscribers.values())).waiting.clear()

    def forget(self, process: Process) -> None:
        """Let a process vanish with what it had not sent."""
        for pipe in self._pipes:
            if pipe.owner is process:
                self._cut(pipe, at_end=True)
        self._subscribers.pop(process, None)
        self._pipes = [pipe for pipe in self._pipes if pipe.frames or not pipe.owner.is_dead]

    def lose_received(self) -> None:
        """Let the writer vanish with what it had not looked at."""
        for pipe in self._pipes:
            self._cut(pipe, at_end=False)

    def clear(self) -> None:
        """Cut the power."""
        self._pipes.clear()
        self._subscribers.clear()

    def _cut(self, pipe: Pipe, *, at_end: bool) -> None:
        for _ in range(self._random.randrange(len(pipe.frames) + 1)):
            if at_end:
                pipe.frames.pop()
            else:
                pipe.frames.popleft()
