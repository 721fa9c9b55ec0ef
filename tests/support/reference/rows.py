"""Reads the rows of a tape's folder into sessions of events, by its manifests, in plain pyarrow."""

import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from msgspec import Struct, field
from pyarrow import parquet

Level = tuple[str, float, float]  # side, price, size

_TIME: Final = pa.timestamp("us", tz="UTC")


class Event(Struct):
    """One event of a session: its columns, and its levels if it is of a book."""

    session: str
    number: int
    table: str
    ts_recv: int
    symbol: str | None
    columns: dict[str, Any]
    levels: list[Level] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Return the kind of a feed event; nothing for any other."""
        return str(self.columns["kind"]) if self.table == "feed_events" else ""

    @property
    def detail(self) -> dict[str, Any]:
        """Return what a feed event says."""
        said: dict[str, Any] = json.loads(self.columns["detail"])
        return said


class Session(Struct):
    """One session: all its events, of whatever table, by their numbers."""

    name: str
    exchange: str
    line: str
    events: list[Event]


def read_sessions(root: Path) -> list[Session]:
    """Return each session of the tape.

    R1: only what a manifest names exists; whatever else lies in the folder is not there yet.
    """
    sessions: dict[str, Session] = {}
    for path in root.glob("ledger/*/*/*.json"):
        manifest = json.loads(path.read_bytes())
        name = manifest["session"]
        empty = Session(name, manifest["exchange"], manifest["line"], [])
        session = sessions.setdefault(name, empty)
        for table, entries in manifest["tables"].items():
            for entry in entries:
                session.events += _read_segment(root / entry["key"], table)
    for session in sessions.values():
        # One order over all tables: that of the numbers, never that of the times.
        session.events.sort(key=lambda event: event.number)
    return sorted(sessions.values(), key=lambda session: session.name)


def _read_segment(path: Path, table: str) -> list[Event]:
    events: dict[int, Event] = {}
    for row in _read_integers(path).to_pylist():
        number = row["event_number"]
        if number not in events:
            events[number] = Event(
                row["session"], number, table, row["ts_recv"], row["symbol"], row
            )
        if table == "book" and row["side"] is not None:
            events[number].levels.append((row["side"], row["price"], row["size"]))
    return list(events.values())


def _read_integers(path: Path) -> pa.Table:
    """Return the rows with each time as a whole number of microseconds."""
    rows = parquet.ParquetFile(path, page_checksum_verification=True).read()
    for place, name in enumerate(rows.schema.names):
        if rows.schema.field(name).type == _TIME:
            rows = rows.set_column(place, name, rows[name].cast(pa.int64()))
    return rows
