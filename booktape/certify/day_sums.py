"""Adds up the sums of a day: the rows of every symbol, during the writing or reading of files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from booktape.certificate import CertifiedManifest
from booktape.certify.feed import DayFeed
from booktape.certify.symbol_figures import COLUMNS, SymbolSum
from booktape.segments.segment import Segment

Borders = Mapping[str, Sequence[int]]  # session -> event numbers
_decoder: Final = msgspec.msgpack.Decoder(SymbolSum)


class DaySums:
    """The sum of each symbol; a sum is packed while another symbol's rows come."""

    def __init__(self, feed: DayFeed, borders: Borders) -> None:
        self.feed = feed
        self._borders = borders
        self._packed: dict[str | None, bytes] = {}

    @property
    def symbols(self) -> list[str]:
        """Return the symbols with rows in any table, the feed's included, in order."""
        return sorted(name for name in {*self._packed, *self.feed.symbols} if name is not None)

    def read(self, segment: Segment, table: str, revision: int) -> None:
        """Add the rows of a file."""
        names = list(dict.fromkeys(("symbol", *COLUMNS[table])))
        for group in segment.groups:
            self.add(table, revision, segment.read(group, names).combine_chunks())

    def add(self, table: str, revision: int, rows: pa.Table) -> None:
        """Add rows sorted by symbol, whose columns are in one piece."""
        for symbol, part in _cut_symbols(rows):
            found = self.find(symbol)
            found.add(table, revision, part, _Cuts(self.feed, self._borders, symbol))
            self._packed[symbol] = msgspec.msgpack.encode(found)

    def find(self, symbol: str | None) -> SymbolSum:
        """Return the sum of one symbol's rows."""
        packed = self._packed.get(symbol)
        return SymbolSum() if packed is None else _decoder.decode(packed)


def find_borders(manifests: Sequence[CertifiedManifest]) -> Borders:
    """Return the first event of each manifest that does not continue the one before it.

    The events between are missing, or another revision's files have them. The manifests come by
    session and event number.
    """
    borders: dict[str, list[int]] = {}
    before = None
    for one in manifests:
        place = one.session, one.revision, one.first - 1
        if before is None or place != (before.session, before.revision, before.last):
            borders.setdefault(one.session, []).append(one.first)
        before = one
    return borders


class _Cuts(Mapping[str, Sequence[int]]):
    """The event numbers of each session that no run of a symbol's rows may cross."""

    def __init__(self, feed: DayFeed, borders: Borders, symbol: str | None) -> None:
        self._feed, self._borders, self._symbol = feed, borders, symbol
        self._known: dict[str, list[int]] = {}

    @override
    def __getitem__(self, session: str) -> Sequence[int]:
        if session not in self._known:
            cuts = self._feed.cuts
            self._known[session] = [
                *cuts.get((session, None), ()),
                *cuts.get((session, self._symbol), ()),
                *self._borders.get(session, ()),
            ]
        return self._known[session]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    @override
    def __len__(self) -> int:
        return len(self._known)


def _cut_symbols(rows: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
    """Yield the rows of each symbol; the rows come sorted by symbol."""
    column = rows["symbol"].chunk(0)
    runs = pc.run_end_encode(column.indices)
    texts = column.dictionary.to_pylist()
    begin = 0
    for code, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield None if code is None else texts[code], rows.slice(begin, end - begin)
        begin = end
