"""Events as a feed records them: books that continue, trades, tickers, and what goes wrong."""

from collections.abc import Iterator
from random import Random
from typing import Final

from booktape.ladder import Level
from shared.event import Checkpoint, Delta, FeedEvent, Instrument, Recorded, Snapshot, Ticker, Trade

SYMBOLS: Final = ("BTC-EUR", "ETH-EUR", "XRP-EUR")


class Feed:
    """The books of one session, and what comes next; `numbers` makes every event another one."""

    def __init__(self, random: Random, numbers: Iterator[int]) -> None:
        self._random = random
        self._numbers = numbers
        self._has_all_tables = random.random() < 0.2
        self._sequences: dict[str, int] = {}  # of each live book

    def next(self) -> tuple[str | None, Recorded]:
        """Return an event and the symbol that it concerns."""
        symbol = self._random.choice(SYMBOLS)
        if self._random.random() < 0.03:
            self._sequences.clear()
            return None, FeedEvent("disconnected")
        if self._has_all_tables and self._random.random() < 0.2:
            return symbol, self._quote(symbol)
        return symbol, self._continue(symbol)

    def _quote(self, symbol: str) -> Recorded:
        number = str(next(self._numbers))
        is_trade = self._random.random() < 0.7
        if number.endswith("7"):
            return self._list(symbol, number)
        if is_trade:
            return Trade(symbol, number, "buy", 100.5, 0.25, None)
        return Ticker(symbol, 99.5, float(number), 100.5, None, None)

    def _list(self, symbol: str, number: str) -> Recorded:
        base, quote = symbol.split("-")
        return Instrument(
            raw_symbol=symbol,
            base=base,
            quote=quote,
            status="trading",
            price_increment=0.5,
            reason="changed",
            info=number,
        )

    def _continue(self, symbol: str) -> Recorded:
        """Return the next event of a book; its sequences continue."""
        fate = self._random.random()
        sequence = self._sequences.get(symbol)
        if sequence is None or fate < 0.05:
            self._sequences[symbol] = sequence = self._random.randrange(1000)
            return Snapshot(symbol, *self._levels(4), sequence)
        if fate < 0.1:
            del self._sequences[symbol]
            return FeedEvent("gap", sequence + 1, sequence + 3)
        if fate < 0.15:
            return Checkpoint(symbol, [(99.5, 1.0)], [(100.5, 2.0)], sequence)
        # Some exchanges leave numbers out, and name the one before.
        step = 3 if sequence % 5 == 0 else 1
        self._sequences[symbol] = sequence + step
        levels = self._levels(self._random.randrange(3))
        named = None if step == 1 else sequence
        return Delta(symbol, *levels, sequence + step, previous=named)

    def _levels(self, count: int) -> tuple[list[Level], list[Level]]:
        levels = [(100.5 + place, float(next(self._numbers))) for place in range(count)]
        return levels[: count // 2], levels[count // 2 :]
