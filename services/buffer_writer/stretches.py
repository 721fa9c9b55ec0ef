"""Cuts the symbols of a large flush into stretches of the alphabet.

The levels of one stretch become columns after those of another, so that a flush of five minutes
takes little more memory than one of a minute.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

from shared.delivery.frame import BOOK_CODES, Frame, decode_columns
from shared.errors import FrameError

STRETCH_ROWS: Final = 112 * 1024  # nearly always one row group
SAMPLE_FRAMES: Final = 1000  # a sample, from which we estimate the rows of each symbol


class Stretch(NamedTuple):
    """The symbols from `begin` up to, not including, `end`."""

    begin: str = ""
    end: str | None = None

    def has(self, symbol: str) -> bool:
        """Return whether the symbol is in it."""
        return self.begin <= symbol and (self.end is None or symbol < self.end)


WHOLE: Final = Stretch()


def find_stretches(frames: Sequence[Frame]) -> list[Stretch]:
    """Return stretches that cover all symbols, each with about `STRETCH_ROWS` rows of books."""
    wanted = -(-sum(frame.rows for frame in frames) // STRETCH_ROWS)
    if wanted <= 1:
        return [WHOLE]
    weights: Counter[str] = Counter()
    for frame in islice(frames, 0, None, max(1, len(frames) // SAMPLE_FRAMES)):
        _weigh(frame, weights)
    begins, share, weight = [""], weights.total() / wanted, 0
    for symbol in sorted(weights):
        if weight >= share * len(begins):
            begins.append(symbol)
        weight += weights[symbol]
    return [Stretch(*ends) for ends in zip(begins, [*begins[1:], None], strict=True)]


def _weigh(frame: Frame, weights: Counter[str]) -> None:
    """Add up the levels of each symbol; a damaged frame, which others report, may count in part."""
    try:
        columns = decode_columns(frame)
        if columns.book:
            codes, bids, asks = (
                array(BOOK_CODES[name], getattr(columns.book, name))
                for name in ("symbol", "bids", "asks")
            )
            for code, bid, ask in zip(codes, bids, asks, strict=False):
                weights[columns.symbols[code]] += max(bid + ask, 1)
    except (FrameError, IndexError, ValueError):
        pass
