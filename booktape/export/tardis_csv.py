"""Writes a day as Tardis's CSV files: changes of the book, trades, quotes, the best 25 levels.

https://docs.tardis.dev/downloadable-csv-files
"""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from booktape.answers.tops import scan_top
from booktape.export.days import Day, find_last
from booktape.export.folder import Folder
from booktape.export.levels import BookMessage, Levels
from booktape.replay.rows import level_names

DEPTH: Final = 25
ROWS_AT_ONCE: Final = 20_000
GZIP_LEVEL: Final = 4
UNKNOWN: Final = "unknown"  # a trade's side
_INT64: Final = pa.int64()
_BEFORE: Final = ("exchange", "symbol", "timestamp", "local_timestamp")
BOOK: Final = (*_BEFORE, "is_snapshot", "side", "price", "amount")
TRADES: Final = (*_BEFORE, "id", "side", "price", "amount")
QUOTES: Final = (*_BEFORE, "ask_amount", "ask_price", "bid_price", "bid_amount")
LEVELS: Final = (
    *_BEFORE,
    *(
        f"{side}s[{level}].{what}"
        for level in range(DEPTH)
        for side in ("ask", "bid")
        for what in ("price", "amount")
    ),
)


def write(day: Day, folder: Folder, *, as_exchange: str | None) -> dict[str, object]:
    """Write a day; return its facts.

    The format has no gaps: a lost book becomes the removal of each of its levels.
    """
    day.need_book()
    exchange = as_exchange or day.market.exchange
    names = exchange, day.market.symbol
    found = {
        "incremental_book_L2": (BOOK, _read_book(day)),
        "trades": (TRADES, _read_trades(day)),
        "quotes": (QUOTES, _read_tops(day, 1, _order_quote())),
        "book_snapshot_25": (LEVELS, _read_tops(day, DEPTH, _order_levels())),
    }
    facts: dict[str, object] = {"known": [list(span) for span in day.known]}
    files = {}
    for kind, (header, parts) in found.items():
        name = f"{exchange}_{kind}_{day.date}_{day.market.symbol}.csv.gz"
        counted = _Counted(parts)
        folder.write(name, partial(_write, header, names, counted))
        files[name] = counted.rows
    facts["file"], facts["rows"] = next(iter(files)), sum(files.values())
    return {**facts, "files": files}


class _Counted:
    """Tables, and the count of rows that passed."""

    def __init__(self, parts: Iterable[list[pa.Array]]) -> None:
        self.rows = 0
        self._parts = parts

    def __iter__(self) -> Iterator[list[pa.Array]]:
        for part in self._parts:
            self.rows += len(part[0])
            yield part


def _write(
    header: Sequence[str], names: tuple[str, str], parts: Iterable[list[pa.Array]], path: Path
) -> None:
    """Write rows, each after exchange and symbol; the same rows give the same bytes."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as file:
        file.write((",".join(header) + "\n").encode())
        options = csv.WriteOptions(include_header=False, quoting_style="none")
        for columns in parts:
            named = [pa.repeat(pa.scalar(name), len(columns[0])) for name in names]
            table = pa.Table.from_arrays([*named, *columns], names=list(header))
            csv.write_csv(table, file, options)


def _read_book(day: Day) -> Iterator[list[pa.Array]]:
    levels = Levels()
    held: list[tuple[Any, ...]] = []
    for item in day.read_changes():
        for message in levels.apply(item):
            held += _make_rows(message)
            if len(held) >= ROWS_AT_ONCE:
                yield _make_columns(held)
                held = []
    if held:
        yield _make_columns(held)


def _make_rows(message: BookMessage) -> Iterator[tuple[Any, ...]]:
    # Rows of one message share both times: by these a reader finds the message.
    happened = message.ts if message.ts_event is None else message.ts_event
    for side, price, size, _ in message.rows:
        yield happened, message.ts, message.is_snapshot, side, price, size


def _make_columns(rows: list[tuple[Any, ...]]) -> list[pa.Array]:
    types = (_INT64, _INT64, pa.bool_(), pa.string(), pa.float64(), pa.float64())
    columns = zip(*rows, strict=True)
    return [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]


def _read_trades(day: Day) -> Iterator[list[pa.Array]]:
    trades = day.trades
    if trades.num_rows:
        trades = trades.combine_chunks()
        side = pc.fill_null(trades["side"].cast(pa.string()), UNKNOWN)
        times = (trades[name].cast(_INT64) for name in ("ts", "ts_recv"))
        columns = [*times, trades["trade_id"], side, trades["price"], trades["size"]]
        yield [column.combine_chunks() for column in columns]


def _read_tops(day: Day, depth: int, columns: Sequence[str]) -> Iterator[list[pa.Array]]:
    """Yield the best levels at each change; a loss is a row without levels."""
    span = day.start, day.end
    scan = scan_top(day.reading, day.market, span, depth=depth, every=None, add=())
    is_first = True
    for batch in day.follow(scan.batches(), find_last):
        rows = batch
        if (
            is_first
            and len(rows)
            and rows["session"].null_count
            and not rows["session"][0].is_valid
        ):
            rows = rows.slice(1)  # the first row, if the book is not known yet
        is_first = False
        if len(rows):
            ts = rows["ts"].cast(_INT64)
            yield [ts, ts, *(rows[name] for name in columns)]


def _order_quote() -> list[str]:
    bid_price, bid_size, ask_price, ask_size = level_names(0)
    return [ask_size, ask_price, bid_price, bid_size]


def _order_levels() -> list[str]:
    found = []
    for level in range(DEPTH):
        bid_price, bid_size, ask_price, ask_size = level_names(level)
        found += [ask_price, ask_size, bid_price, bid_size]
    return found
