"""Reads instruments, an exchange's facts about its markets, as of a date."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.flush import Flush
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.tables import SCHEMAS

TABLE: Final = "instruments"
SCHEMA: Final = pa.schema([field.remove_metadata() for field in SCHEMAS[TABLE]])
_ORDER: Final = [(name, "ascending") for name in ("ts_recv", "session", "event_number")]


def find_instrument_flushes(ledger: Ledger, exchange: str, date: str) -> list[Flush]:
    """Return the flushes with instruments at or before a date."""
    dates = [known for known in ledger.dates(exchange) if known <= date]
    ledger.list_days(exchange, dates)
    days = (ledger.day(exchange, known) for known in dates)
    return [flush for day in days for flush in day if TABLE in flush.tables]


def read_instruments(segments: Segments, flushes: Sequence[Flush]) -> pa.Table:
    """Return the last row of each symbol, by symbol."""
    parts = [SCHEMA.empty_table()]
    for flush in flushes:
        segment = segments.open(flush, TABLE)
        parts += [segment.read(group, SCHEMA.names).cast(SCHEMA) for group in segment.groups]
    rows = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    texts = {name: rows[name].cast(pa.string()) for name in ("symbol", "session")}
    keys = pa.table({**texts, **{n: rows[n] for n in ("ts_recv", "event_number")}})
    order = pc.sort_indices(keys, sort_keys=_ORDER)
    ordered = pa.table({"symbol": texts["symbol"].take(order), "row": order.cast(pa.int64())})
    last = ordered.group_by("symbol", use_threads=False).aggregate([("row", "last")])
    return rows.take(last.sort_by("symbol")["row_last"])
