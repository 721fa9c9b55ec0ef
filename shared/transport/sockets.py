"""Assigns symbols to sockets, and reassigns them as listings change."""

from collections.abc import Callable, Sequence
from itertools import chain

from shared.feed.board import Board

Add = Callable[[Sequence[str], Sequence[str]], Board]


class Sockets:
    """The sockets of one exchange by their boards, each with at most `symbols_per_socket` symbols.

    The thread that follows the listings owns them.

    Some channels bring every symbol with one subscription. They have a socket of their own: on
    several sockets every symbol would come several times.
    """

    def __init__(
        self,
        channels: Sequence[str],
        *,
        whole_channels: Sequence[str],
        symbols_per_socket: int,
        add: Add,
    ) -> None:
        """Start without a socket; `add` opens one for some symbols and channels."""
        assert symbols_per_socket > 0
        self._channels = [channel for channel in channels if channel not in whole_channels]
        self._whole_channels = [channel for channel in channels if channel in whole_channels]
        self._symbols_per_socket = symbols_per_socket
        self._add = add
        self._boards: list[Board] = []
        self._whole: Board | None = None

    def follow(self, symbols: Sequence[str]) -> None:
        """Read these symbols from now on: leave the others, put new ones on sockets with room.

        A symbol stays on its socket, so that a new listing disturbs no other symbol.
        """
        if self._whole_channels:
            self._follow_whole(tuple(symbols))
        if self._channels:
            self._follow_each(symbols)

    def _follow_whole(self, symbols: tuple[str, ...]) -> None:
        if self._whole is None:
            self._whole = self._add(symbols, self._whole_channels)
        elif self._whole.wanted != symbols:
            self._whole.wanted = symbols

    def _follow_each(self, symbols: Sequence[str]) -> None:
        new = dict.fromkeys(symbols)
        kept = [tuple(s for s in board.wanted if s in new) for board in self._boards]
        for symbol in chain.from_iterable(kept):
            del new[symbol]
        rest = tuple(new)
        for board, stay in zip(self._boards, kept, strict=True):
            room = self._symbols_per_socket - len(stay)
            share, rest = rest[:room], rest[room:]
            if stay + share != board.wanted:
                board.wanted = stay + share
        while rest:
            share, rest = rest[: self._symbols_per_socket], rest[self._symbols_per_socket :]
            self._boards.append(self._add(share, self._channels))
