"""Subscribes alone to each symbol that the subscription of all symbols does not bring."""

from math import inf
from typing import Final

from shared.exchange import Exchange

WHOLE_RETRY_S: Final = 600.0  # between two attempts at the subscription of all symbols


class Alone:
    """The symbols that one connection subscribes to one by one, of channels that come whole.

    It tries the subscription of all symbols again every `WHOLE_RETRY_S`; then it leaves each
    symbol that this subscription brings.
    """

    def __init__(self, exchange: Exchange) -> None:
        """Start with nothing."""
        self._exchange = exchange
        self._keys: dict[tuple[str, str], None] = {}  # channel and raw symbol, in their order
        self._leaving: list[str] = []
        self._retry_s = inf

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._keys.clear()
        self._leaving.clear()
        self._retry_s = inf

    def is_possible(self, channel: str) -> bool:
        """Return whether a channel comes whole, and allows subscriptions of single symbols."""
        return self._exchange.alone is not None and channel in self._exchange.whole_channels

    def join(self, channel: str, raw_symbol: str, now_s: float) -> list[str]:
        """Return the messages that join one symbol, leaving it first if it was joined before."""
        assert self._exchange.alone is not None
        messages = self.leave(channel, raw_symbol)
        if not self._keys:
            self._retry_s = now_s + WHOLE_RETRY_S
        self._keys[channel, raw_symbol] = None
        return messages + self._exchange.alone.subscribe(channel, raw_symbol)

    def leave(self, channel: str, raw_symbol: str) -> list[str]:
        """Return the messages that leave one symbol, if it was joined alone."""
        if (channel, raw_symbol) not in self._keys:
            return []
        assert self._exchange.alone is not None
        del self._keys[channel, raw_symbol]
        return self._exchange.alone.unsubscribe(channel, raw_symbol)

    def note_whole(self, channel: str, raw_symbol: str) -> None:
        """Take note that the subscription of all symbols brings this one."""
        if self._keys:  # nearly never
            self._leaving += self.leave(channel, raw_symbol)

    def due(self, now_s: float) -> list[str]:
        """Return the messages due now: leave what comes whole, request all symbols again."""
        messages, self._leaving = self._leaving, []
        if self._keys and now_s >= self._retry_s:
            assert self._exchange.alone is not None
            self._retry_s = now_s + WHOLE_RETRY_S
            for channel in dict.fromkeys(channel for channel, _ in self._keys):
                messages += self._exchange.alone.renew(channel)
        return messages
