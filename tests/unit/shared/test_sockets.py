"""Which socket reads what."""

from collections.abc import Sequence
from threading import Event

from shared.connection import Connection
from shared.feed import Feed
from shared.reader import Reader
from shared.retry import Backoff
from shared.sockets import Sockets
from tests.readers import make_reader
from tests.toys import make_exchange


class World:
    """The sockets of an exchange; nobody starts their readers."""

    def __init__(self, *whole_channels: str, channels: Sequence[str] = ("book", "ticker")) -> None:
        self.channels: list[tuple[str, ...]] = []
        self.sockets = Sockets(
            channels, whole_channels=whole_channels, symbols_per_socket=2, add=self._add
        )

    def _add(self, symbols: Sequence[str], channels: Sequence[str]) -> Reader:
        self.channels.append(tuple(channels))
        return make_reader(make_exchange(), symbols, channels)

    def follow(self, symbols: str) -> list[str]:
        """Follow these; return what each socket has."""
        self.sockets.follow(symbols.split())
        return [" ".join(reader.feed.wanted) for reader in self.sockets.readers]
