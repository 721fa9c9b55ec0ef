"""Steps through a tape beside books that others rebuilt, and compares; some steps are in gaps."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from booktape import Book
from booktape.opening import open_tape
from tests.support.tardis_reader import Sides

STEP_US, STEPS_MAX = 100_000, 10_000


@dataclass
class Steps:
    """Moments that were compared; how many of them lie in gaps, and how many were wrong."""

    steps: int = 0
    unknown: int = 0
    wrong: int = 0

    def add(self, *, is_known: bool, is_right: bool) -> None:
        """Count one moment."""
        self.steps += 1
        self.unknown += not is_known
        self.wrong += not is_right


def choose_moments(known: list[tuple[int, int]]) -> list[int]:
    """Return moments from when a book is first known to when it last is: a grid, and each bound."""
    start, end = known[0][0], known[-1][1]
    step = max(STEP_US, (end - start) // STEPS_MAX)
    grid = range(-(-start // step) * step, end, step)
    bounds = {bound for span in known for bound in span}
    return sorted({*grid, *bounds, *(bound - 1 for bound in bounds if bound > start)})


def read_known(root: Path, market: str, moments: list[int]) -> Iterator[Sides | None]:
    """Yield the tape's book at each moment; None in a gap."""
    found = open_tape(root).replay(market, moments[0], moments[-1] + 1)
    held = _to_sides(next(found)[1])
    following = next(found, None)
    for moment in moments:
        while following is not None and round(following[0].timestamp() * 1e6) <= moment:
            held, following = _to_sides(following[1]), next(found, None)
        yield held


def compare_books(root: Path, market: str, moments: list[int], books: Iterable[Sides]) -> Steps:
    """Compare whole books; of one that is not known nothing may be left."""
    counted = Steps()
    for ours, theirs in zip(read_known(root, market, moments), books, strict=True):
        is_right = theirs == (ours or {"bid": {}, "ask": {}})
        counted.add(is_known=ours is not None, is_right=is_right)
    return counted


def _to_sides(item: object) -> Sides | None:
    if not isinstance(item, Book):
        return None
    sides = {"bid": item.bids, "ask": item.asks}
    return {
        side: dict(zip(*(levels[name].to_pylist() for name in ("price", "size")), strict=True))
        for side, levels in sides.items()
    }
