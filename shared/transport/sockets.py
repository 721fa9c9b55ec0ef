"""Which socket reads what, as listings come and go."""

from collections.abc import Callable, Sequence
from itertools import chain

from shared.transport.reader import Reader

Add = Callable[[Sequence[str], Sequence[str]], Reader]


class Sockets:
    """The readers of one exchange, each with at most so many symbols.

    Channels that come whole, every symbol at once, have a socket of their own: on each of the
    others they would come whole once more.
    """

    def __init__(
        self,
        channels: Sequence[str],
        *,
        whole_channels: Sequence[str],
        symbols_per_socket: int,
        add: Add,
    ) -> None:
        """Start without any; `add` makes and starts a reader of some symbols and channels."""
        assert symbols_per_socket > 0
        self._channels = [channel for channel in channels if channel not in whole_channels]
        self._whole_channels = [channel for channel in channels if channel in whole_channels]
        self._symbols_per_socket = symbols_per_socket
        self._add = add
        self._readers: list[Reader] = []
        self._whole: Reader | None = None

    @property
    def readers(self) -> list[Reader]:
        """Return all of them; any thread may ask."""
        return [*self._readers, *([self._whole] if self._whole else [])]

    def follow(self, symbols: Sequence[str]) -> None:
        """Read these symbols from now on: leave the others, put new ones where there is room.

        A symbol stays on its socket, so that a listing disturbs nobody.
        """
        if self._whole_channels:
            self._follow_whole(tuple(symbols))
        if self._channels:
            self._follow_each(symbols)

    def _follow_whole(self, symbols: tuple[str, ...]) -> None:
        if self._whole is None:
            self._whole = self._add(symbols, self._whole_channels)
        elif self._whole.feed.wanted != symbols:
            self._whole.feed.wanted = symbols

    def _follow_each(self, symbols: Sequence[str]) -> None:
        new = dict.fromkeys(symbols)
        kept = [tuple(s for s in reader.feed.wanted if s in new) for reader in self._readers]
        for symbol in chain.from_iterable(kept):
            del new[symbol]
        rest = tuple(new)
        for reader, stay in zip(self._readers, kept, strict=True):
            room = self._symbols_per_socket - len(stay)
            share, rest = rest[:room], rest[room:]
            if stay + share != reader.feed.wanted:
                reader.feed.wanted = stay + share
        while rest:
            share, rest = rest[: self._symbols_per_socket], rest[self._symbols_per_socket :]
            self._readers.append(self._add(share, self._channels))
