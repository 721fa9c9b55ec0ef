"""Measures the saving of reading in batches: one recording with batches and without, by turns.

It records every market of both exchanges, books and trades, as `sustained` does, with
`read_interval_ms` of 0, as each exchange declares, 5 and 20. Beside the CPU stands the price: how
much later than with 0 an event is received.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Final

from msgspec import Struct

from benchmarks.latency import find_lateness, find_quantile
from benchmarks.results import Figure
from benchmarks.sustained import BOOKS_AND_TRADES, Samples, record

SECONDS: Final = 60.0
WAYS: Final[Mapping[str, dict[str, float]]] = {
    "each message": {"read_interval_ms": 0.0},
    "as declared": {},
    "5 ms": {"read_interval_ms": 5.0},
    "20 ms": {"read_interval_ms": 20.0},
}
BASE: Final = "each message"


class Turn(Struct):
    """One recording: CPU as shares of a core, and how late events were received, in ms."""

    cpu: float
    cpu_ingests: float
    late_p50: float
    late_p99: float


def run(folder: Path, *, rounds: int) -> list[Figure]:
    """Record by turns, so many times each."""
    turns: dict[str, list[Turn]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way, options in WAYS.items():
            place = folder / f"{number} {way}"
            samples = record(place, BOOKS_AND_TRADES, SECONDS, options=options)
            turns[way].append(_judge(samples, find_lateness(place / "data" / "tape" / "book")))
            shutil.rmtree(place)
    return [figure for way in WAYS for figure in _figures(way, turns[way], turns[BASE])]


def _judge(samples: Samples, late_ns: list[int]) -> Turn:
    shares = {name: used / samples.seconds * 100 for name, used in samples.cpu_s.items()}
    ingests = sum(share for name, share in shares.items() if name.startswith("ingest"))
    p50, p99 = (find_quantile(late_ns, share) for share in (0.5, 0.99))
    return Turn(sum(shares.values()), ingests, p50, p99)


def _figures(way: str, of: list[Turn], base: list[Turn]) -> Iterator[Figure]:
    yield Figure(f"{way}: CPU", median(turn.cpu for turn in of), "% of a core")
    yield Figure(f"{way}: CPU of the ingests", median(turn.cpu_ingests for turn in of), "%")
    if way == BASE:
        yield Figure(f"{way}: received late, p50", median(turn.late_p50 for turn in of), "ms")
        yield Figure(f"{way}: received late, p99", median(turn.late_p99 for turn in of), "ms")
        return
    pairs = list(zip(of, base, strict=True))
    goal = 0.80 if way == "as declared" else None
    yield Figure(
        f"{way}: CPU / {BASE}'s", median(one.cpu / other.cpu for one, other in pairs), "", goal
    )
    for name in ("late_p50", "late_p99"):
        later = median(getattr(one, name) - getattr(other, name) for one, other in pairs)
        yield Figure(f"{way}: received later than {BASE}, {name[-3:]}", later, "ms")
