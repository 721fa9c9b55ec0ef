"""Measures the writer's memory over flushes of five minutes, beside the other exchange's frames.

`python -m benchmarks.memory_writer FOLDER` prints it as JSON. The frames are a minute of the
generated market, five times over; each is a separate copy, as from the pipe.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Final

import msgspec

from benchmarks.frames import hold, make_frames
from benchmarks.market import SYMBOLS, make_traffic
from benchmarks.usage import pss_bytes
from booktape.memory import bound_memory, give_back
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.segment import prepare_arrow, write_segments
from shared.delivery.frame import Frame, decode, encode

MINUTE_S: Final = 60.0
RATE: Final = 1100.0  # 1.6 million rows in five minutes
MINUTES: Final = 5
OTHER_MINUTES: Final = 2  # the rows that the other exchange has meanwhile
FLUSHES: Final = 8
LOOK_S: Final = 0.005


class Flushed(msgspec.Struct):
    """Bytes of memory: with nothing, with the frames, the most in a flush; in some flushes."""

    rows: int
    empty: int
    held: int
    most: int
    second: int
    last: int


def main(folder: Path) -> None:
    """Write the flushes, print their memory."""
    folder.mkdir(parents=True)
    frames = folder / "frames"
    _in_child(lambda: _save(frames))  # the traffic is not this process's to hold
    bound_memory()
    prepare_arrow()
    gc.freeze()
    empty = pss_bytes(os.getpid())
    other = _hold(frames, OTHER_MINUTES, 0)
    most: list[int] = []
    held = rows = first = 0
    for number in range(FLUSHES):
        run = _hold(frames, MINUTES, first)
        held, rows, first = pss_bytes(os.getpid()), run.rows, run.last + 1
        with _watch(most):
            _flush(run, folder / str(number))
        del run
        give_back()
    assert not other.is_empty
    found = Flushed(rows, empty, held, max(most), most[1], most[-1])
    print(msgspec.json.encode(found).decode())


def _flush(run: FrameRun, folder: Path) -> None:
    folder.mkdir()
    write_segments(run, lambda table: folder / table)


def _in_child(work: Callable[[], None]) -> None:
    """Do the work in a child, whose memory goes with it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _save(path: Path) -> None:
    with path.open("wb") as file:
        for frame in make_frames(make_traffic(MINUTE_S, rate=RATE)):
            if frame.first >= SYMBOLS:  # before are snapshots, which no other flush has
                data = encode(frame)
                file.write(len(data).to_bytes(4, "little") + data)


def _hold(path: Path, minutes: int, first: int) -> FrameRun:
    return hold(_repeat(path, minutes, first))


def _repeat(path: Path, minutes: int, first: int) -> Iterator[Frame]:
    """Yield the frames of these minutes, numbered from `first` on."""
    for _ in range(minutes):
        for frame in _load(path):
            last = first + frame.last - frame.first
            yield msgspec.structs.replace(frame, first=first, last=last)
            first = last + 1


def _load(path: Path) -> Iterator[Frame]:
    with path.open("rb") as file:
        while head := file.read(4):
            yield decode(file.read(int.from_bytes(head, "little")))


@contextmanager
def _watch(most: list[int]) -> Iterator[None]:
    """Append the peak of memory meanwhile."""
    seen: list[int] = []
    over = Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            seen.append(pss_bytes(os.getpid()))

    thread = Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        most.append(max(seen, default=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
