"""Follows an exchange's listings: finds the symbols to record in each list of markets."""

import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from shared.event import Row
from shared.exchange import SYMBOL, ListedMarket
from shared.feed.board import Board
from shared.feed.names import Names
from shared.ingest.instruments import Instruments
from shared.process import log

# A market's name becomes part of messages and REST paths, where ".." would lead elsewhere.
_SYMBOL: Final = re.compile(SYMBOL)

RAW_SYMBOL_CHARACTERS_MAX: Final = 64

_log = log.get(__name__)


class OpenDoors(Protocol):
    """The open doors of an exchange."""

    @property
    def names(self) -> Names:
        """Return the exchange's own names of our symbols."""
        ...

    @property
    def boards(self) -> list[Board]:
        """Return the boards of its feeds; the list grows."""
        ...


class Listings:
    """Takes the lists of markets; the thread that requests them owns it.

    Any thread may read `not_trading`: our symbols whose listed markets do not trade.
    """

    def __init__(
        self,
        doors: OpenDoors,
        instruments: Instruments,
        record: Callable[[Iterable[Row]], None],
        follow: Callable[[tuple[str, ...]], None] | None,
        *,
        has_room: Callable[[], bool],
    ) -> None:
        """Prepare; `follow` takes the symbols of all markets; `None` if symbols are configured."""
        self.not_trading: frozenset[str] = frozenset()
        self._names = doors.names
        self._boards = doors.boards
        self._instruments = instruments
        self._record = record
        self._follow = follow
        self._has_room = has_room
        self._odd: list[str] = []  # of the last list
        self._known: dict[str, ListedMarket] | None = None  # by our symbols

    def take_list(self, markets: Iterable[ListedMarket], ts: int) -> None:
        """Take a list received at `ts`; skip an empty one, which is the exchange's fault."""
        listed = {market.symbol: market for market in markets}
        odd = sorted(symbol for symbol, market in listed.items() if not _is_named(market))
        self._note_odd(odd)
        for symbol in odd:
            del listed[symbol]
        if not listed:
            return
        self._names.learn(listed.values())
        if self._has_room():  # else the next list shows the changes again
            self._record(list(self._instruments.update(listed.values(), ts)))
        standing = {symbol for symbol, market in listed.items() if market.status != "trading"}
        self.not_trading = frozenset(standing)
        if self._follow is not None:
            self._follow(tuple(sorted(listed)))
        self._tell(listed)
        self._known = listed

    def _tell(self, listed: dict[str, ListedMarket]) -> None:
        """Inform the feeds of markets that stopped trading or trade again.

        Also inform a feed that began during the stop: the tickers of that market prove nothing.
        """
        for symbol, market in listed.items():
            has_changed = self._has_changed(symbol, market)
            if not has_changed and market.status == "trading":
                continue
            raw_symbol = self._names.raw_symbol(symbol)
            for board in self._boards:
                if symbol in board.wanted and (has_changed or raw_symbol not in board.idle):
                    board.statuses[symbol] = market.status

    def _has_changed(self, symbol: str, market: ListedMarket) -> bool:
        """Return whether a market had another status in the last list, or was not in it."""
        if self._known is None:
            return False
        before = self._known.get(symbol)
        return before is None or before.status != market.status

    def _note_odd(self, symbols: list[str]) -> None:
        if symbols and symbols != self._odd:
            _log.error(
                "cannot record markets with unusable names; look at the exchange's list",
                extra={"count": len(symbols), "first": [name[:64] for name in symbols[:10]]},
            )
        self._odd = symbols


def _is_named(market: ListedMarket) -> bool:
    """Return whether a market's names are safe in paths, messages and rows."""
    is_short = len(market.raw_symbol) <= RAW_SYMBOL_CHARACTERS_MAX
    return is_short and _SYMBOL.fullmatch(market.symbol) is not None
