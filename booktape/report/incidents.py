"""Reads incidents: the rows of feeds about themselves, by kind, and those about connections."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE
from booktape.tape import Tape

LISTED_MAX: Final = 40
# Kinds that come all day and mean that all is well.
_QUIET: Final = frozenset({"audit", "subscribed"})
_NAMED: Final = frozenset({"mismatch", "status"})  # worth a line, though about one symbol
DETAIL_CHARACTERS_MAX: Final = 90
_COLUMNS: Final = ("ts_recv", "exchange", "kind", "symbol", "detail")

Detail = dict[str, Any]


class Incident(Struct, frozen=True):
    """One row of a feed, with its detail in words."""

    ts: int
    exchange: str
    kind: str
    symbol: str | None
    detail: str


class Incidents(Struct, frozen=True):
    """The counts of all rows by exchange and kind, and the rows that are worth a line."""

    kinds: dict[str, Counter[str]]
    listed: list[Incident]
    unlisted: int


def read_incidents(tape: Tape, exchanges: Sequence[str], span: tuple[int, int]) -> Incidents:
    """Return the incidents of these exchanges' feeds."""
    kinds: dict[str, Counter[str]] = {}
    listed: list[Incident] = []
    for exchange in exchanges:
        counts = kinds[exchange] = Counter()
        scan = tape.scan("feed_events", exchange, *span).select(*_COLUMNS)
        for batch in scan.batches():
            names = batch.column("kind").to_pylist()
            counts.update(names)
            symbols = batch.column("symbol").to_pylist()
            rows = [
                row
                for row, (name, symbol) in enumerate(zip(names, symbols, strict=True))
                if name in _NAMED or (symbol is None and name not in _QUIET)
            ]
            if not rows:
                continue
            ts, details = (batch.column(name).take(rows) for name in ("ts_recv", "detail"))
            for row, moment, detail in zip(
                rows, ts.cast("int64").to_pylist(), details.to_pylist(), strict=True
            ):
                words = describe(names[row], detail)
                listed.append(Incident(moment, exchange, names[row], symbols[row], words))
    listed.sort(key=lambda one: one.ts)
    shown = _choose(listed)
    return Incidents(kinds, shown, len(listed) - len(shown))


def _choose(listed: Sequence[Incident]) -> list[Incident]:
    """Return the incidents to list; if they are too many, the first ones of each kind."""
    if len(listed) <= LISTED_MAX:
        return list(listed)
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for place, one in enumerate(listed):
        seen[one.exchange, one.kind] += 1
        ranked.append((seen[one.exchange, one.kind], place))
    return [listed[place] for place in sorted(place for _, place in sorted(ranked)[:LISTED_MAX])]


def describe(kind: str, detail: str) -> str:
    """Return a detail in words."""
    try:
        values = _decoder.decode(detail)
    except UNDECODABLE:
        return _cut(detail)
    symbols = values.get("symbols")
    if symbols is not None:
        values = {**values, "symbols": len(symbols)}
    if kind == "session_start":
        before = "after another" if values.get("session_before") else "the first of its line"
        words = [before, values.get("release"), values.get("transport")]
        return _cut(", ".join(str(word) for word in words if word))
    if kind == "status":
        return _cut(f"{values.get('before')} → {values.get('status')}")
    pairs = ((name, value) for name, value in values.items() if value not in (None, "", [], {}))
    return _cut(", ".join(f"{name.replace('_', ' ')} {_say(value)}" for name, value in pairs))


def _say(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _cut(text: str) -> str:
    is_long = len(text) > DETAIL_CHARACTERS_MAX
    return text[: DETAIL_CHARACTERS_MAX - 1] + "…" if is_long else text


_decoder: Final = msgspec.json.Decoder(Detail)
