"""Merges tickers: the best prices of each symbol, from messages that name only changes."""

from msgspec.structs import replace

from shared.event import Ticker
from shared.feed.rows import FeedRows

_FIELDS = ("bid_price", "bid_size", "ask_price", "ask_size", "last_price")


class Tickers:
    """Keeps the state of every ticker of one connection."""

    def __init__(self, rows: FeedRows) -> None:
        """Start knowing nothing."""
        self._rows = rows
        self._tickers: dict[str, Ticker] = {}

    def ticker(self, ts_recv: int, symbol: str, ticker: Ticker) -> Ticker | None:
        """Record and return the whole state after the message, unless the message changed nothing.

        Two thirds of BtcTurk's tickers change nothing.
        """
        before = self._tickers.get(ticker.raw_symbol)
        if before is not None:
            said = {name: getattr(ticker, name) for name in _FIELDS}
            changed = {
                name: number
                for name, number in said.items()
                if (number is not None or name in ticker.gone) and number != getattr(before, name)
            }
            if not changed:
                return None
            ticker = replace(before, ts_event=ticker.ts_event, **changed)
        elif ticker.gone or ticker.is_whole:
            ticker = replace(ticker, gone=(), is_whole=False)
        self._tickers[ticker.raw_symbol] = ticker
        self._rows.append((ts_recv, symbol, ticker))
        return ticker

    def remove(self, raw_symbol: str) -> None:
        """Forget one symbol: the feed left it."""
        self._tickers.pop(raw_symbol, None)

    def clear(self) -> None:
        """Forget everything: after a reconnect, old values must not merge with new ones."""
        self._tickers.clear()
