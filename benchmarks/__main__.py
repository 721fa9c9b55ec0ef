"""The command: runs the named benchmarks, or all, and prints one table."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    batches,
    certify,
    everything,
    growth,
    idle,
    latency,
    memory,
    profile,
    reading,
    recovery,
    replay,
    results,
    saturated,
    start,
    sustained,
    symbol_days,
    tape_bytes,
    upload,
    writer,
)
from benchmarks.exports import run as run_exports
from benchmarks.results import Figure
from benchmarks.speed import measure


def main() -> int:
    """Run the chosen benchmarks and keep the figures; missing a goal is no error."""
    options = _parse()
    seconds, rounds = options.seconds, options.rounds
    benchmarks: dict[str, Callable[[Path], list[Figure]]] = {
        "saturated": lambda folder: saturated.run(folder, rounds=rounds),
        "writer": lambda folder: writer.run(folder, rounds=rounds),
        "bytes": tape_bytes.run,
        "latency": latency.run,
        "recovery": recovery.run,
        "replay": lambda folder: replay.run(folder, rounds=rounds),
        "reading": lambda folder: reading.run(folder, rounds=rounds),
        "certify": lambda folder: certify.run(folder, rounds=rounds),
        "encodings": lambda _folder: symbol_days.run(),
        "exports": lambda folder: run_exports(folder, rounds=rounds),
        "profile": lambda folder: profile.run(folder, rounds=rounds),
        "batches": lambda folder: batches.run(folder, rounds=rounds),
        "growth": lambda folder: growth.run(folder, rounds=rounds),
        "idle": idle.run,
        "upload": lambda folder: upload.run(folder, rounds=rounds),
        "start": lambda folder: start.run(folder, rounds=rounds),
        "memory": lambda folder: memory.run(folder, hours=options.hours),
        "everything": lambda folder: everything.run(folder, rounds=rounds),
        "sustained": lambda folder: sustained.run(folder, seconds=seconds),
    }
    unknown = [name for name in options.names if name not in benchmarks]
    if unknown:
        print(
            f"no such benchmark: {unknown[0]}; there are {', '.join(benchmarks)}", file=sys.stderr
        )
        return 2
    figures = {}
    for name in options.names or benchmarks:
        print(f"{name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="booktape-") as folder:
            speed = measure()
            figures[name] = benchmarks[name](Path(folder))
            speed = (speed + measure()) / 2
        figures[name].append(Figure("steps of a simple loop", speed, "/CPU-s"))
    path = results.save(figures)
    here = results.machine()
    print(f"{here.cores} cores of {here.cpu}, Python {here.python}, Linux {here.system}\n")
    print(results.format_table(figures))
    print(f"\nkept in {path.relative_to(results.FOLDER.parent)}")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog="python -m benchmarks writer bytes"
    )
    parser.add_argument("names", nargs="*", metavar="name", help="which to run; all without one")
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="of `sustained`, twice; 600 (60: a quick look)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of the short ones; 3")
    parser.add_argument("--hours", type=int, default=24, help="of `memory`'s clock; 24")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
