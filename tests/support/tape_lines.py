"""Reads the lines that describe a small tape, one event a line, into sessions, flushes and rows.

    session bitvavo a                       schema=1 for the older columns
    0    -       session_start rest         the transport; nothing for a websocket
    1    BTC-EUR snapshot 99x1 98x2 | 101x1 bids | asks, price x size; sequence=100 event=0.9
    1.5  BTC-EUR delta 99x0 |               epoch=, sequence=, previous= where they are not next
    2    BTC-EUR checkpoint 98x2 | 101x1
    3    BTC-EUR trade t1 buy 100x0.5 event=2.9
    3    BTC-EUR ticker 98x2 | 101x1 last=100
    3    BTC-EUR instrument halted changed
    4    BTC-EUR gap expected=7 received=9 {"channel":"book"}
    5    -       session_end stopped
    flush                                   commits what came since the last one

`flush unnamed` writes no manifest, `flush lost` nothing at all; the end of a session commits too.
Times are seconds after noon, or hours, minutes and seconds of the day ("24:00:01": the next one).
"""

import json
import re
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct, field

MIDNIGHT: Final = 1_795_305_600_000_000  # 2026-11-22, in microseconds since 1970
NOON: Final = MIDNIGHT + 12 * 3_600_000_000
DAY: Final = 86_400_000_000
_BOOK: Final = ("snapshot", "delta", "checkpoint")
_OPTION: Final = re.compile(r"\b(sequence|previous|epoch|event|last|expected|received)=(\S+)")


class Row(Struct):
    """One event of a session: the columns of its table, and the levels if it is of a book."""

    table: str
    ts_recv: int
    symbol: str | None
    event_number: int
    columns: dict[str, Any]
    levels: list[tuple[str, float, float]] = field(default_factory=list)


class Flush(Struct):
    """Rows committed together; their fate is `named`, `unnamed` or `lost`."""

    rows: list[Row]
    fate: str


class Session(Struct):
    """One session as the lines describe it."""

    exchange: str
    line: str
    schema: int
    start: int
    flushes: list[Flush] = field(default_factory=list)


class _Chain(Struct):
    """The state that the next change of one book follows."""

    epoch: int
    sequence: int | None


def at(text: str | float) -> int:
    """Return a time of these lines, in microseconds since 1970."""
    parts = [Decimal(part) for part in str(text).split(":")]
    if len(parts) == 1:
        return NOON + int(parts[0] * 1_000_000)
    hours, minutes, seconds = parts
    return MIDNIGHT + int(((hours * 60 + minutes) * 60 + seconds) * 1_000_000)


def show_time(ts: int) -> str:
    """Return a time as these lines have it: in seconds after noon."""
    return f"{(ts - NOON) / 1_000_000:.6f}"


def read_lines(text: str) -> list[Session]:
    """Return the sessions that the lines describe."""
    sessions: list[Session] = []
    reader = _Reader()
    for line in text.splitlines():
        words = line.partition("#")[0].split(None, 3)
        match words:
            case []:
                continue
            case ["session", exchange, line_name, *options]:
                reader.end()
                schema = int(options[0].removeprefix("schema=")) if options else 2
                sessions.append(Session(exchange, line_name, schema, 0))
                reader = _Reader(sessions[-1])
            case ["flush", *fate]:
                reader.flush(*fate)
            case [time, symbol, kind, *rest]:
                reader.add(at(time), None if symbol == "-" else symbol, kind, "".join(rest))
            case _:
                raise ValueError(f"no event of a tape: {line}")
    reader.end()
    return sessions


class _Reader:
    """Numbers the events of one session, and knows the predecessor of each book's next change."""

    def __init__(self, session: Session | None = None) -> None:
        self._session = session
        self._next = 0
        self._rows: list[Row] = []
        self._chains: dict[str, _Chain] = {}

    def add(self, ts_recv: int, symbol: str | None, kind: str, rest: str) -> None:
        assert self._session is not None
        if not self._next:
            self._session.start = ts_recv
        text, brace, detail = rest.partition("{")
        options = dict(_OPTION.findall(text))
        words = _OPTION.sub("", text).split()
        row = Row("feed_events", ts_recv, symbol, self._next, {})
        if kind in _BOOK:
            self._fill_book(row, kind, options, words)
        elif kind in _FILLS:
            _FILLS[kind](row, options, words)
        else:
            _fill_feed_event(row, kind, options, words, brace + detail)
        self._rows.append(row)
        self._next += 1
        if kind == "journal_hole":  # nothing lies between it and the next event that is present
            self.flush()
            self._next = row.columns["sequence_received"]

    def flush(self, fate: str = "named") -> None:
        assert self._session is not None
        if self._rows:
            self._session.flushes.append(Flush(self._rows, fate))
            self._rows = []

    def end(self) -> None:
        if self._session is not None:
            self.flush()

    def _fill_book(self, row: Row, kind: str, options: dict[str, str], words: list[str]) -> None:
        assert row.symbol is not None
        chain = self._chains.setdefault(row.symbol, _Chain(row.event_number, 99))
        previous = None
        if kind == "snapshot":
            chain.epoch = row.event_number
        if kind != "checkpoint" and chain.sequence is not None:
            chain.sequence += 1
        if "epoch" in options:
            chain.epoch = int(options["epoch"])
        if "sequence" in options:
            chain.sequence = _number(options["sequence"])
        if "previous" in options:
            previous = int(options["previous"])
        row.table = "book"
        row.levels = _levels(words)
        row.columns = {
            "ts_event": _event_time(options),
            "sequence": chain.sequence,
            "previous": previous,
            "epoch": chain.epoch,
            "is_snapshot": kind != "delta",
            "is_checkpoint": kind == "checkpoint",
        }


def _fill_trade(row: Row, options: dict[str, str], words: list[str]) -> None:
    trade_id, side, level = words
    price, _, size = level.partition("x")
    row.table = "trades"
    row.columns = {
        "ts_event": _event_time(options),
        "trade_id": trade_id,
        "side": None if side == "-" else side,
        "price": float(price),
        "size": float(size),
    }


def _fill_ticker(row: Row, options: dict[str, str], words: list[str]) -> None:
    row.table = "ticker"
    row.columns = {"ts_event": _event_time(options), "last_price": None}
    for side, price, size in _levels(words):
        row.columns |= {f"{side}_price": price, f"{side}_size": size}
    if "last" in options:
        row.columns["last_price"] = float(options["last"])


def _fill_instrument(row: Row, _options: dict[str, str], words: list[str]) -> None:
    status, reason = words
    base, _, quote = str(row.symbol).partition("-")
    row.table = "instruments"
    row.columns = {
        "raw_symbol": f"{base}{quote}",
        "base": base,
        "quote": quote,
        "status": status,
        "price_decimals": 2,
        "size_decimals": 8,
        "price_increment": 0.01,
        "size_increment": 1e-8,
        "min_size": None,
        "max_size": None,
        "min_notional": 5.0,
        "max_notional": None,
        "reason": reason,
        "info": "{}",
    }


def _fill_feed_event(
    row: Row, kind: str, options: dict[str, str], words: list[str], detail: str
) -> None:
    said: dict[str, Any] = json.loads(detail) if detail else {}
    if kind == "session_start":
        said = {"session_before": None, "transport": "".join(words) or "websocket"}
    if kind == "session_end":
        said = {"reason": words[0], "events": row.event_number + 1}
    row.columns = {
        "kind": kind,
        "sequence_expected": _number(options.get("expected", "none")),
        "sequence_received": _number(options.get("received", "none")),
        "detail": json.dumps(said, separators=(",", ":")),
    }


_FILLS: Final = {"trade": _fill_trade, "ticker": _fill_ticker, "instrument": _fill_instrument}


def _levels(words: list[str]) -> list[tuple[str, float, float]]:
    """Return the levels of `99x1 98x2 | 101x1`; nothing beside the bar is an empty side."""
    found, side = [], "bid"
    for word in words:
        if word == "|":
            side = "ask"
        else:
            price, _, size = word.partition("x")
            found.append((side, float(price), float(size)))
    return found


def _event_time(options: dict[str, str]) -> int | None:
    return at(options["event"]) if "event" in options else None


def _number(text: str) -> int | None:
    return None if text == "none" else int(text)
