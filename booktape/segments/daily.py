"""Finds the rows of one flush in a daily file, which has the rows of many flushes."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.errors import DamagedSegment
from booktape.flush import Flush
from booktape.segments.segment import Rows, Segment

DECODED_BYTES_MAX: Final = 96 * 1024 * 1024
_PLACE: Final = ("symbol", "session", "event_number")


class Decoded:
    """Keeps the last decoded parts of days' files, within one bound for all files together."""

    def __init__(self, bytes_max: int = DECODED_BYTES_MAX) -> None:
        self._columns: OrderedDict[tuple[str, int, str], pa.ChunkedArray] = OrderedDict()
        self._bytes_max = bytes_max
        self._bytes = 0

    def get(self, place: tuple[str, int, str]) -> pa.ChunkedArray | None:
        """Return a column of a row group of a file, if it is still here."""
        if place in self._columns:
            self._columns.move_to_end(place)
        return self._columns.get(place)

    def put(self, place: tuple[str, int, str], column: pa.ChunkedArray) -> None:
        """Keep a column; drop the ones unused for longest."""
        self._columns[place] = column
        self._bytes += column.nbytes
        while self._bytes > self._bytes_max and len(self._columns) > 1:
            _, oldest = self._columns.popitem(last=False)
            self._bytes -= oldest.nbytes


class DailySegment:
    """A day's file; it remembers the last decoded columns, which the next flush needs, too."""

    def __init__(self, segment: Segment, decoded: Decoded) -> None:
        self.segment = segment
        self._decoded = decoded
        self._symbols: dict[int, dict[str | None, tuple[int, int]]] = {}
        self._numbers: dict[tuple[int, str | None], tuple[str, int, int] | None] = {}

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        """Return columns of a row group."""
        found = {
            name: self._decoded.get((self.segment.key, group, name))
            for name in dict.fromkeys(columns)
        }
        missing = [name for name, column in found.items() if column is None]
        if missing:
            table = self.segment.read(group, missing).combine_chunks()
            for name in missing:
                found[name] = table[name]
                self._decoded.put((self.segment.key, group, name), table[name])
        return pa.table(found).select(list(columns))

    def find_symbol(self, group: int, symbol: str | None) -> tuple[int, int]:
        """Return the places where a symbol's rows begin and end in a row group."""
        places = self._symbols.get(group)
        if places is None:
            column = self.read(group, ["symbol"])["symbol"].combine_chunks()
            runs = pc.run_end_encode(column.indices)
            names = column.dictionary.to_pylist()
            codes, ends = runs.values.to_pylist(), runs.run_ends.to_pylist()
            places = {
                None if code is None else names[code]: (begin, end)
                for code, begin, end in zip(codes, [0, *ends], ends, strict=False)
            }
            if len(places) != len(codes):
                raise DamagedSegment(self.segment.key, "it is not sorted by symbol")
            self._symbols[group] = places
        return places.get(symbol, (0, 0))

    def may_hold(self, group: int, symbol: str | None, flush: Flush) -> bool:
        """Return whether a symbol's rows, nearly always of one session, may include the flush's."""
        place = group, symbol
        if place not in self._numbers:
            begin, end = self.find_symbol(group, symbol)
            rows = self.read(group, ("session", "event_number")).slice(begin, end - begin)
            sessions = pc.unique(rows["session"].combine_chunks().indices)
            self._numbers[place] = None
            if len(sessions) == 1:
                numbers = rows["event_number"]
                ends = (numbers[0].as_py(), numbers[-1].as_py())
                self._numbers[place] = (rows["session"][0].as_py(), *ends)
        known = self._numbers[place]
        if known is None:
            return True
        session, first, last = known
        return session == flush.session and first <= flush.last and flush.first <= last

    def symbols(self, group: int) -> list[str | None]:
        """Return the symbols of a row group, in order."""
        self.find_symbol(group, None)
        return list(self._symbols[group])


class FlushRows:
    """The rows of one flush and table, read as if they had their own segment."""

    is_at_hand: Final = False  # the daily file remembers decoded columns

    def __init__(self, daily: DailySegment, flush: Flush, table: str) -> None:
        self.key = daily.segment.key
        self.schema = daily.segment.schema
        self.groups = daily.segment.groups
        self.rows = flush.tables[table].rows
        self._daily = daily
        self._flush = flush
        self._names = (
            flush.certificate.names(table) if flush.certificate is not None else frozenset()
        )

    def find_symbols(self) -> frozenset[str]:
        """Return the symbols that have rows on the day."""
        return self._names

    def read_symbol(self, symbol: str, columns: Sequence[str]) -> Iterator[tuple[Rows, pa.Table]]:
        """Yield the places of a symbol's rows and the rows, in the order of events.

        Places count as if the flush had its own file: its rows of a row group, and no others.
        """
        for group in self._daily.segment.find_groups(symbol):
            if not self._find_rows(group, symbol).count:  # most groups have none of this flush
                continue
            for name, begin, rows in self._place(group):
                if name == symbol:
                    table = self._daily.read(group, columns).slice(rows.first, rows.count)
                    yield Rows(group, begin, rows.count), table

    def read_all(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Yield each row group's rows and their symbols, which are in order."""
        for group in self.groups:
            table = self.read(group, list(dict.fromkeys(("symbol", *columns))))
            if table.num_rows:
                yield group, table

    def read_rows(self, rows: Rows, columns: Sequence[str]) -> pa.Table:
        """Return the rows at a place found before."""
        [first] = [
            place.first + rows.first - begin
            for _, begin, place in self._place(rows.group)
            if begin <= rows.first < begin + place.count
        ]
        return self._daily.read(rows.group, columns).slice(first, rows.count)

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        """Return columns of the flush's rows in a row group."""
        table = self._daily.read(group, columns)
        parts = [table.slice(rows.first, rows.count) for _, _, rows in self._place(group)]
        return pa.concat_tables(parts) if parts else table.slice(0, 0)

    def _place(self, group: int) -> Iterator[tuple[str | None, int, Rows]]:
        """Yield each symbol of the flush there, the number of rows before it, and its rows."""
        begin = 0
        for symbol in self._daily.symbols(group):
            rows = self._find_rows(group, symbol)
            if rows.count:
                yield symbol, begin, rows
                begin += rows.count

    def _find_rows(self, group: int, symbol: str | None) -> Rows:
        """Return the place of the flush's rows of a symbol: by session, then by event number."""
        begin, end = self._daily.find_symbol(group, symbol)
        if begin == end or not self._daily.may_hold(group, symbol, self._flush):
            return Rows(group, 0, 0)
        place = self._daily.read(group, ("session", "event_number"))
        names = place["session"].chunk(0)
        code = pc.index(names.dictionary, self._flush.session).as_py()
        begin, end = _find_equal(names.indices, code, begin, end)
        numbers = place["event_number"].chunk(0)
        first = _bisect(numbers, self._flush.first, begin, end)
        return Rows(group, first, _bisect(numbers, self._flush.last + 1, first, end) - first)


def _bisect(numbers: pa.Array, number: int, begin: int, end: int) -> int:
    values: Sequence[int] = memoryview(numbers.buffers()[1]).cast("q")
    offset: int = numbers.offset
    return bisect_left(values, number, offset + begin, offset + end) - offset


def _find_equal(codes: pa.Array, code: int, begin: int, end: int) -> tuple[int, int]:
    """Return the place of the rows of one session, which are adjacent."""
    inside = codes[begin:end]
    if code < 0 or not len(inside):
        return begin, begin
    if inside[0].as_py() == code == inside[-1].as_py():  # nearly always
        return begin, end
    is_wanted = pc.equal(inside, code)
    first = pc.index(is_wanted, value=True).as_py()
    if first < 0:
        return begin, begin
    return begin + first, begin + first + pc.sum(is_wanted).as_py()
