"""Adds up a day's rows about the feed, by symbol."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Struct, field

from booktape.books.spans import ENDING
from booktape.certificate import MissingEvents
from booktape.errors import UNDECODABLE
from booktape.flush import Flush
from booktape.segments.segment import Segment

_COLUMNS: Final = ("symbol", "session", "event_number", "kind", "sequence_received", "detail")
_CUTTING: Final = ENDING | {"session_start"}


class SymbolFeed(Struct):
    """The sums of rows about one symbol."""

    events: int = 0
    crossed: int = 0
    audits: int = 0
    audits_differing: int = 0
    levels_compared: int = 0
    levels_differing: int = 0
    mismatches: int = 0
    ticker_judged: int = 0
    ticker_agreed: int = 0
    trades_lost: int = 0


class DayFeed(Struct):
    """The sums of all rows about the feed of a day; a book may end at each number in `cuts`."""

    symbols: dict[str | None, SymbolFeed] = field(default_factory=lambda: defaultdict(SymbolFeed))
    cuts: dict[tuple[str, str | None], list[int]] = field(default_factory=lambda: defaultdict(list))
    # session -> the event with which a journal hole ends -> the hole's own number
    holes: dict[str, dict[int | None, int]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def journal_holes(self) -> int:
        """Return the number of journal holes."""
        return sum(map(len, self.holes.values()))


class _Row(NamedTuple):
    """One row, in the order of `_COLUMNS`."""

    symbol: str | None
    session: str
    number: int
    kind: str
    received: int | None
    text: str


class _Detail(Struct):
    """The part of a row's detail that goes into the sums."""

    channel: str | None = None
    compared: int = 0
    differ: int = 0
    ticker: list[int] = field(default_factory=list)


_decoder = msgspec.json.Decoder(_Detail)


def read_feed(segments: Iterable[Segment]) -> DayFeed:
    """Return the sums of the rows of all revisions of a day."""
    feed = DayFeed()
    for segment in segments:
        for group in segment.groups:
            table = segment.read(group, _COLUMNS)
            columns = [table[name].cast(_plain(table[name].type)).to_pylist() for name in _COLUMNS]
            for row in zip(*columns, strict=True):
                _add(feed, _Row(*row))
    for cuts in feed.cuts.values():
        cuts.sort()
    return feed


def find_missing(flushes: Sequence[Flush], feed: DayFeed) -> list[MissingEvents]:
    """Return the events missing between the manifests of a day, without those in journal holes.

    The flushes are those of all revisions, by session and event number.
    """
    missing = []
    for flush, following in pairwise(flushes):
        if flush.session != following.session or following.first == flush.last + 1:
            continue
        if following.first not in feed.holes[flush.session]:
            missing.append(MissingEvents(flush.session, flush.last + 1, following.first - 1))
    return missing


def _add(feed: DayFeed, row: _Row) -> None:
    found = feed.symbols[row.symbol]
    found.events += 1
    if row.kind in _CUTTING:
        feed.cuts[row.session, row.symbol].append(row.number)
    if row.kind == "journal_hole":
        feed.holes[row.session][row.received] = row.number
    elif row.kind == "crossed":
        found.crossed += 1
    elif row.kind == "mismatch":
        found.mismatches += 1
    elif row.kind in {"audit", "gap"}:
        _add_detail(found, row.kind, _read_detail(row.text))


def _add_detail(found: SymbolFeed, kind: str, detail: _Detail) -> None:
    if kind == "gap":
        found.trades_lost += detail.channel == "trades"
        return
    found.audits += 1
    found.audits_differing += detail.differ > 0
    found.levels_compared += detail.compared
    found.levels_differing += detail.differ
    agreed, judged = detail.ticker[:2] if len(detail.ticker) > 1 else (0, 0)
    found.ticker_agreed += agreed
    found.ticker_judged += judged


def _read_detail(text: str) -> _Detail:
    try:
        return _decoder.decode(text)
    except UNDECODABLE:
        return _Detail()


def _plain(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_
