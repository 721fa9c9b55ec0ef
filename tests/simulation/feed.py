"""Events as a feed records them: books that continue, trades, tickers, and what goes wrong."""

from collections.abc import Iterator
from random import Random
from typing import Final

from shared.book import Checkpoint, Delta, Level, Snapshot
from shared.event import FeedEvent, Ticker, Trade
from shared.frame_builder import Recorded

SYMBOLS: Final = ("BTC-EUR", "ETH-EUR", "XRP-EUR")


class Feed:
    """The books of one session, and what comes next; `numbers` makes every event another one."""

    def __init__(self, random: Random, numbers: Iterator[int]) -> None:
        self._random = random
        self._numbers = numbers
        self._has_all_tables = random.random() < 0.2
        self._sequences: dict[str, int] = {}  # of each live book

    def next(self) -> tuple[str | None, Recorded]:  # noqa: PLR0911 (one for each kind)
        """Return an event and the symbol that it concerns."""
        random = self._random
        symbol = random.choice(SYMBOLS)
        sequence = self._sequences.get(symbol)
        fate = random.random()
        if fate < 0.2 and not self._has_all_tables:
            fate = 1.0
        if fate < 0.15:
            return symbol, Trade(symbol, str(next(self._numbers)), "buy", 100.5, 0.25, None)
        if fate < 0.2:
            return symbol, Ticker(symbol, 99.5, 1.0, 100.5, None, None)
        if fate < 0.22:
            self._sequences.clear()
            return None, FeedEvent("disconnected")
        if sequence is None or fate < 0.25:
            self._sequences[symbol] = sequence = random.randrange(1000)
            return symbol, Snapshot(symbol, *self._levels(4), sequence)
        if fate < 0.28:
            del self._sequences[symbol]
            return symbol, FeedEvent("gap", sequence + 1, sequence + 3)
        if fate < 0.32:
            return symbol, Checkpoint(symbol, [(99.5, 1.0)], [(100.5, 2.0)], sequence)
        self._sequences[symbol] = sequence + 1
        return symbol, Delta(symbol, *self._levels(random.randrange(3)), sequence + 1)

    def _levels(self, count: int) -> tuple[list[Level], list[Level]]:
        levels = [(100.5 + place, float(next(self._numbers))) for place in range(count)]
        return levels[: count // 2], levels[count // 2 :]
