"""Keeps leases, which make feeds write the live books that viewers look at."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from services.dashboard.sight import Books, Markets
from shared.process.live_books import LEASE_NS, Lease, LiveBooks, read_file, write_file
from shared.process.state import StateFolder

OLD_NS: Final = 5 * 10**9  # an older book is no longer live


class Leases:
    """Keeps the leases of all exchanges; the look's thread owns it."""

    def __init__(self, folder: StateFolder, *, clock_ns: Callable[[], int]) -> None:
        """Start without a lease."""
        self._folder = folder
        self._clock_ns = clock_ns
        self._kept: set[str] = set()  # exchanges

    def renew(self, wanted: Markets) -> None:
        """Lease these symbols of each exchange for a while; end every other lease."""
        until = self._clock_ns() + LEASE_NS
        self.end(self._kept - wanted.keys())
        for exchange, symbols in wanted.items():
            with suppress(OSError):  # a full disk shows no live books
                write_file(self._folder.lease(exchange), Lease(symbols, until))
                self._kept.add(exchange)

    def end(self, exchanges: set[str] | None = None) -> None:
        """End these leases, or all without an argument; otherwise they would expire."""
        for exchange in self._kept if exchanges is None else exchanges:
            with suppress(OSError):
                self._folder.lease(exchange).unlink(missing_ok=True)
        self._kept -= self._kept if exchanges is None else exchanges

    def read(self) -> tuple[Books, Markets]:
        """Return the live books, and the symbols that have one."""
        books: Books = {}
        markets: Markets = {}
        for exchange in sorted(self._kept):
            files = [file for file in self._files(exchange) if self._is_fresh(file)]
            # If two lines run side by side, the newer file wins.
            for file in sorted(files, key=lambda file: file.ts):
                books.setdefault(exchange, {}).update(file.books)
                markets[exchange] = file.symbols or markets.get(exchange, [])
        return books, markets

    def _files(self, exchange: str) -> list[LiveBooks]:
        paths = self._folder.status.glob(self._folder.live_books(exchange, "*").name)
        found = []
        for path in paths:
            with suppress(OSError):
                file = read_file(path, LiveBooks)
                found += [file] if file else []
        return found

    def _is_fresh(self, file: LiveBooks) -> bool:
        return abs(self._clock_ns() - file.ts) < OLD_NS
