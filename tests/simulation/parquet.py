"""A tape of real segments: what verify says of it, and whether each row is what was recorded."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from booktape.keys import parse_key
from booktape.proof.verify import format_report, verify
from booktape.store.protocol import Store
from shared.delivery.frame import NULL
from shared.event import Instrument
from tests.simulation.fate import Violation
from tests.simulation.rows import Line, decode_line
from tests.simulation.truth import Session, Truth

Event = tuple[Any, ...]


def check_parquet(store: Store, objects: Mapping[str, bytes], truth: Truth) -> None:
    """Raise `Violation` unless the tape proves itself whole and holds what was recorded."""
    report = verify(store)
    if not report.ok or report.pending:
        raise Violation(format_report(report))
    ended = {found.session: found.last for found in report.sessions if found.ended}
    events = _read_events(objects)
    for name, session in truth.sessions.items():
        if session.appended and ended.get(name, -1) < session.appended - 1:
            raise Violation(f"{name} has no end")
        _check_session(name, session, events[name])


def _check_session(name: str, session: Session, events: dict[int, Event]) -> None:
    for number, event in events.items():
        if event != _expect(decode_line(session.lines[number])) and not (
            number in session.gone and event[-1][0] == "journal_hole"
        ):
            raise Violation(f"{name}: {number} is {event}, recorded was {session.lines[number]!r}")
    lost = set(range(session.appended)) - events.keys() - session.gone
    if lost:
        raise Violation(f"{name}: {min(lost)} is not in the tape")


def _read_events(objects: Mapping[str, bytes]) -> dict[str, dict[int, Event]]:
    sessions: dict[str, dict[int, Event]] = defaultdict(dict)
    for key, data in objects.items():
        place = parse_key(key)
        if place.table is None:
            continue
        events: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in parquet.ParquetFile(pa.BufferReader(data)).read().to_pylist():
            events[row["event_number"]].append(row)
        for number, rows in events.items():
            sessions[place.session][number] = _reduce(place.table, rows)
    return sessions


def _reduce(table: str, rows: list[dict[str, Any]]) -> Event:
    """Return of an event what both the tape and the truth say."""
    row = rows[0]
    values: Event
    match table:
        case "book":
            levels = [(row["price"], row["size"]) for row in rows if row["side"]]
            follows = row["previous"]
            values = row["sequence"], row["epoch"], row["is_snapshot"], levels, follows
        case "trades":
            values = row["trade_id"], row["side"], row["price"], row["size"]
        case "ticker":
            values = row["bid_price"], row["bid_size"], row["ask_price"]
        case "instruments":
            values = row["raw_symbol"], row["status"], row["price_increment"], row["info"]
        case _:
            values = row["kind"], row["sequence_expected"], row["sequence_received"], row["detail"]
    return table, row["symbol"], row["ts_recv"].timestamp(), values


def _expect(line: Line) -> Event:
    values: Event
    match line.table:
        case "book":
            _, sequence, epoch, kind, _, _, numbers, previous = line.values
            levels = list(zip(numbers[::2], numbers[1::2], strict=True))
            follows = None if previous == NULL else previous
            values = sequence, epoch, kind > 0, levels, follows
        case "trades":
            _, trade_id, side, price, size = line.values
            values = trade_id, side, price, size
        case "ticker":
            values = tuple(map(float, line.values[1:4]))
        case "instruments":
            said = dict(zip(Instrument.__struct_fields__, line.values, strict=True))
            values = said["raw_symbol"], said["status"], said["price_increment"], said["info"]
        case _:
            values = tuple(line.values)
    return line.table, line.symbol, line.ts_recv // 1000 / 1e6, values
