"""Measures the writer alone: levels per CPU-second from frames in memory to synced Parquet.

One flush of `FLUSH_ROWS` rows in a process of its own, prepared as the writer's, several times.
Frames are as they come live (20 ms each) and as they come under load (64 KiB each). Peak memory is
of the whole process, with the frames that it holds.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.frames import hold, make_frames, split_by_flush
from benchmarks.market import make_traffic
from benchmarks.results import Figure
from benchmarks.usage import peak_bytes, pss_bytes
from benchmarks.walk import ROOT
from booktape.memory import bound_memory
from services.buffer_writer.segment import prepare_arrow, write_segments
from shared.delivery.frame import Frame, decode, encode
from shared.ingest.recorder import FRAME_INTERVAL_S

FLUSH_ROWS = 500_000
KINDS = {"live frames": FRAME_INTERVAL_S, "full frames": 3600.0}
REPEATS = 5
_MIB = 1 << 20


class Result(msgspec.Struct):
    """The measurements of one process."""

    rows: int
    cpu_s: list[float]
    base_bytes: int
    peak_bytes: int


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Measure both kinds by turns."""
    results: dict[str, list[Result]] = {kind: [] for kind in KINDS}
    paths = {kind: _save_frames(folder / kind, seconds) for kind, seconds in KINDS.items()}
    for _ in range(rounds):
        for kind, path in paths.items():
            command = [sys.executable, "-m", "benchmarks.writer", str(path)]
            output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
            results[kind].append(msgspec.json.decode(output, type=Result))
    return [figure for kind, found in results.items() for figure in _figures(kind, found)]


def _figures(kind: str, results: list[Result]) -> Iterator[Figure]:
    per_s = median(result.rows / cpu_s for result in results for cpu_s in result.cpu_s)
    yield Figure(f"levels per CPU-second, {kind}", per_s, "/s", goal=2_000_000, better="more")
    peak = median(result.peak_bytes for result in results) / _MIB
    base = median(result.base_bytes for result in results) / _MIB
    yield Figure(f"memory before, {kind}", base, "MiB")
    yield Figure(f"peak memory, {kind}", peak, "MiB")


def _save_frames(path: Path, interval_s: float) -> Path:
    """Write the frames of one flush to a file, each with its length before it."""
    frames = make_frames(make_traffic(), interval_s=interval_s)
    with path.open("wb") as file:
        # The second flush: the first one has all the snapshots, as no other ever has.
        for frame in next(islice(split_by_flush(frames, FLUSH_ROWS), 1, None)):
            data = encode(frame)
            file.write(len(data).to_bytes(4, "little") + data)
    return path


def _load_frames(path: Path) -> Iterator[Frame]:
    with path.open("rb") as file:
        while head := file.read(4):
            yield decode(file.read(int.from_bytes(head, "little")))


def main(path: Path) -> None:
    """Write the flush again and again; print what it took."""
    bound_memory()
    prepare_arrow()
    frames = list(_load_frames(path))
    base = pss_bytes(os.getpid())
    cpu_s = [_measure(frames, path) for _ in range(REPEATS)]
    rows = sum(frame.rows for frame in frames)
    result = Result(rows, cpu_s, base, peak_bytes(os.getpid()))
    print(json.dumps(msgspec.to_builtins(result)))


def _measure(frames: list[Frame], path: Path) -> float:
    """Return the CPU seconds of one flush."""
    before_s = time.process_time()
    segments = write_segments(hold(frames), lambda table: path.with_suffix(f".{table}"))
    used_s = time.process_time() - before_s
    assert segments["book"].rows == sum(frame.rows for frame in frames)
    return used_s


if __name__ == "__main__":
    main(Path(sys.argv[1]))
