"""Keeps a connection following the wanted symbols: subscribes to new ones, leaves others."""

from typing import Final

from shared.event import feed_event
from shared.exchange import BOOK
from shared.feed.parts import Parts
from shared.feed.questions import Questions
from shared.feed.subscriptions import Subscriptions
from shared.feed.tickers import Tickers
from shared.feed.trades import Trades

_LEFT: Final = feed_event("gap", channel=BOOK, reason="no longer listed")


class Following:
    """Subscribes to the symbols that the board wants, and leaves others; the recorder's thread.

    `symbols` maps raw symbols to ours.
    """

    def __init__(
        self,
        parts: Parts,
        trades: Trades,
        tickers: Tickers,
        questions: Questions,
        subscriptions: Subscriptions,
    ) -> None:
        """Start with nothing."""
        self.symbols: dict[str, str] = {}
        self._board = parts.board
        self._rows = parts.rows
        self._books = parts.books
        self._trades = trades
        self._tickers = tickers
        self._questions = questions
        self._subscriptions = subscriptions
        self._followed: tuple[object, ...] = ()  # the wanted symbols and their names

    def follow(self, ts: int) -> list[str]:
        """Return the messages that leave unwanted symbols; queue requests for the new ones."""
        wanted, names = self._board.wanted, self._board.names
        # While an answer is due, a second question would leave open which one it answers.
        if self._followed == (wanted, names.listed) or self._subscriptions.is_asking:
            return []
        self._followed = wanted, names.listed
        symbols = names.raw_symbols(wanted)
        messages: list[str] = []
        for raw_symbol in self.symbols.keys() - symbols.keys():
            messages += self._leave(ts, raw_symbol)
        added = [raw_symbol for raw_symbol in symbols if raw_symbol not in self.symbols]
        if BOOK in self._board.channels:
            for raw_symbol in added:
                self._books.add(raw_symbol, symbols[raw_symbol])
        self.symbols = symbols
        self._trades.follow(symbols)
        self._subscriptions.follow(added)
        return messages

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self.symbols, self._followed = {}, ()

    def _leave(self, ts: int, raw_symbol: str) -> list[str]:
        messages = self._questions.drop(raw_symbol)
        if self._books.remove(raw_symbol):
            self._rows.append((ts, self.symbols[raw_symbol], _LEFT))
        self._trades.lose(raw_symbol, ts)
        self._tickers.remove(raw_symbol)
        self._board.idle.discard(raw_symbol)
        return messages
