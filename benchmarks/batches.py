"""Measures the saving of reading in batches: one recording with batches and without, by turns.

It records every market of both exchanges, books and trades, as `sustained` does, with
`read_interval_ms` of 0, as each exchange declares, and 5.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.results import Figure
from benchmarks.sustained import BOOKS_AND_TRADES, record

SECONDS: Final = 60.0
WAYS: Final[Mapping[str, dict[str, float]]] = {
    "each message": {"read_interval_ms": 0.0},
    "as declared": {},
    "5 ms": {"read_interval_ms": 5.0},
}


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Record by turns, so many times each."""
    shares: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(rounds):
        for way, options in WAYS.items():
            place = folder / f"{turn} {way}"
            samples = record(place, BOOKS_AND_TRADES, SECONDS, options=options)
            shutil.rmtree(place)
            shares[way].append(sum(samples.cpu_s.values()) / samples.seconds * 100)
    base = shares["each message"]
    figures = [Figure(f"CPU, {way}", median(of), "% of a core") for way, of in shares.items()]
    for way, of in shares.items():
        if of is not base:
            ratio = median(one / whole for one, whole in zip(of, base, strict=True))
            goal = 0.80 if way == "as declared" else None
            figures.append(Figure(f"CPU, {way}, of that of each message", ratio, "", goal))
    return figures
