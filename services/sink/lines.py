"""Writes rows as lines of line protocol, for InfluxDB, QuestDB or Timestream for InfluxDB.

Measurement, tags and time identify a point; a later point silently replaces an earlier one:
https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/ . All
messages of one read share one `ts_recv`, so the point's time in nanoseconds ends in the last three
digits of the event number: distinct, in order, always the same. Tags are exchange, line and symbol;
all other columns are fields.
"""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from services.sink.protocol import SinkBatch

LINES_MAX: Final = 5_000  # of one request, as InfluxDB's authors advise
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "ticker": ("ts_event", "bid_price", "bid_size", "ask_price", "ask_size", "last_price"),
    "trades": ("ts_event", "trade_id", "side", "price", "size"),
    "feed_events": ("kind", "sequence_expected", "sequence_received", "detail"),
}
COMMON: Final = ("ts_recv", "symbol", "event_number")

_LAST_DIGITS: Final = 1000  # of the event number, within the microsecond of `ts_recv`
_NS_OF_US: Final = 1000
_INT64, _TEXT = pa.int64(), pa.string()


def encode(batch: SinkBatch) -> Iterator[bytes]:
    """Yield the lines of a batch, as many as one request takes at a time."""
    for begin in range(0, batch.rows.num_rows, LINES_MAX):
        lines = _encode(batch, batch.rows.slice(begin, LINES_MAX))
        yield "".join(lines.to_pylist()).encode()


def count_met(rows: pa.Table) -> int:
    """Return the number of rows of one table and line that would replace another row."""
    points = pa.table({"symbol": rows["symbol"].cast(_TEXT), "time": find_times(rows)})
    met: int = rows.num_rows - points.group_by(["symbol", "time"]).aggregate([]).num_rows
    return met


def find_times(rows: pa.Table) -> pa.ChunkedArray:
    """Return the time of each row's point, in nanoseconds."""
    numbers = rows["event_number"]
    digits = pc.subtract(numbers, pc.multiply(pc.divide(numbers, _LAST_DIGITS), _LAST_DIGITS))
    return pc.add(pc.multiply(rows["ts_recv"].cast(_INT64), _NS_OF_US), digits)


def find_newest_ts(rows: pa.Table) -> int:
    """Return the receive time of the newest row, in nanoseconds."""
    newest: int = pc.max(rows["ts_recv"].cast(_INT64)).as_py() * _NS_OF_US
    return newest


def _encode(batch: SinkBatch, rows: pa.Table) -> pa.ChunkedArray:
    tags = ",".join([batch.table, f"exchange={batch.exchange}", f"line={batch.line}"])
    parts = [
        tags,
        _optional(",symbol=", _escape(rows["symbol"].cast(_TEXT), (" ", ",", "="))),
        " event_number=",
        rows["event_number"].cast(_TEXT),
        "i",
        *(_optional(f",{name}=", _write(rows[name])) for name in COLUMNS[batch.table]),
        " ",
        find_times(rows).cast(_TEXT),
        "\n",
    ]
    return pc.binary_join_element_wise(*parts, "")


def _optional(key: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return each value behind its key; leave out an unknown value with its key."""
    return pc.fill_null(pc.binary_join_element_wise(key, values, ""), "")


def _write(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values of a field: whole numbers end in i, text is quoted, floats are plain."""
    if pa.types.is_timestamp(column.type):
        column = pc.multiply(column.cast(_INT64), _NS_OF_US)
    if pa.types.is_floating(column.type):
        return column.cast(_TEXT)
    if pa.types.is_integer(column.type):
        return pc.binary_join_element_wise(column.cast(_TEXT), "i", "")
    return pc.binary_join_element_wise('"', _escape(column.cast(_TEXT), ("\\", '"')), '"', "")


def _escape(texts: pa.ChunkedArray, characters: tuple[str, ...]) -> pa.ChunkedArray:
    for character in characters:
        texts = pc.replace_substring(texts, character, f"\\{character}")
    return texts
