"""Measures the tape's bytes for each level of a book: five minutes of 437 markets.

Time is simulated, not waited for. Beside it the same events as Tardis sells them
(`incremental_book_L2`): CSV with gzip -6, a file for each symbol, or all in one as they came.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.frames import hold, make_frames, parse_traffic, split_by_flush
from benchmarks.market import Traffic, make_traffic
from benchmarks.results import Figure
from services.buffer_writer.segment import prepare_arrow, write_segments
from shared.event import Snapshot
from shared.process.settings import WriterSettings

HEAD = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
GZIP_LEVEL, GZIP_BITS = 6, 31


def run(folder: Path) -> list[Figure]:
    """Write the market both ways."""
    traffic = make_traffic()
    prepare_arrow()
    rows = size = flushes = 0
    for frames in split_by_flush(make_frames(traffic), WriterSettings().flush_rows):
        book = write_segments(hold(frames), lambda table: folder / table)["book"]
        rows, size, flushes = rows + book.rows, size + book.bytes, flushes + 1
    each, one = measure_tardis(traffic)
    return [
        Figure("a level of the book table", size / rows, "B", goal=7.05),
        Figure("rows", rows, ""),
        Figure("flushes", flushes, ""),
        Figure("a level as Tardis CSV.gz, a file for each symbol", each / rows, "B"),
        Figure("a level as Tardis CSV.gz, all in one file", one / rows, "B"),
    ]


def measure_tardis(traffic: Traffic) -> tuple[int, int]:
    """Return the bytes of the events as compressed CSV: a file for each symbol, all in one."""
    files = {symbol: _File() for symbol in traffic.symbols}
    one = _File()
    for symbol, lines in tardis_lines(traffic):
        files[symbol].write(lines)
        one.write(lines)
    return sum(file.close() for file in files.values()), one.close()


class _File:
    """Counts the bytes of a compressed file."""

    def __init__(self) -> None:
        self._gzip = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_BITS)
        self._bytes = 0
        self.write(HEAD)

    def write(self, text: str) -> None:
        self._bytes += len(self._gzip.compress(text.encode()))

    def close(self) -> int:
        """Return its number of bytes."""
        return self._bytes + len(self._gzip.flush())


def tardis_lines(traffic: Traffic) -> Iterator[tuple[str, str]]:
    """Yield the symbol and the lines of each event; its times are in microseconds."""
    for ts_recv, symbol, event in parse_traffic(traffic):
        assert event.ts_event is not None
        kind = "true" if isinstance(event, Snapshot) else "false"
        head = f"bitvavo,{symbol},{event.ts_event // 1000},{ts_recv // 1000},{kind}"
        sides = (("bid", event.bids), ("ask", event.asks))
        lines = [
            f"{head},{side},{shorten(price)},{shorten(size)}\n"
            for side, levels in sides
            for price, size in levels
        ]
        yield symbol, "".join(lines)


def shorten(number: float) -> str:
    """Return the number without superfluous digits."""
    return repr(number).removesuffix(".0")
