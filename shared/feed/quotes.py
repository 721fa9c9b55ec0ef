"""Routes quotes to the feed that keeps their book, whichever connection brings them."""

from collections.abc import Callable, Iterable

from shared.event import Ticker

Judge = Callable[[int, Ticker], None]


class Quotes:
    """Routes each symbol's tickers to their judge; the recorder's thread owns it."""

    def __init__(self) -> None:
        """Start without a judge."""
        self._judges: dict[str, Judge] = {}

    def follow(self, raw_symbols: Iterable[str], judge: Judge) -> None:
        """Send the tickers of these symbols, and of no others any more, to `judge`."""
        self._judges = {raw: one for raw, one in self._judges.items() if one != judge}
        self._judges.update(dict.fromkeys(raw_symbols, judge))

    def carry(self, ts: int, ticker: Ticker) -> None:
        """Give a ticker, the merged state after a message, to its judge if it has one."""
        judge = self._judges.get(ticker.raw_symbol)
        if judge is not None:
            judge(ts, ticker)
