"""Routes quotes to the feed that keeps their book, whatever connection they come on."""

from collections.abc import Callable, Iterable

from shared.event import Ticker

Judge = Callable[[int, Ticker], None]


class Quotes:
    """Routes each symbol's tickers to their judge; the recorder's thread owns it."""

    def __init__(self) -> None:
        """Start without a judge."""
        self._judges: dict[str, Judge] = {}

    def follow(self, raw_symbols: Iterable[str], judge: Judge) -> None:
        """Have the tickers of these judged by `judge`, and those of no other any more."""
        self._judges = {raw: one for raw, one in self._judges.items() if one != judge}
        self._judges.update(dict.fromkeys(raw_symbols, judge))

    def carry(self, ts: int, ticker: Ticker) -> None:
        """Have one judged: the state after a message."""
        judge = self._judges.get(ticker.raw_symbol)
        if judge is not None:
            judge(ts, ticker)
