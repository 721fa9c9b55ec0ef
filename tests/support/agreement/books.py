"""Holds the library's books, tops and coverage against the reference."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

import booktape
from tests.support.agreement.pair import (
    Pair,
    compare_rows,
    delta,
    first,
    is_same,
    microseconds,
    name_of,
    rows_of,
)
from tests.support.reference.books import Top, grid
from tests.support.reference.reader import Market
from tests.support.tape_lines import show_time

ALL_LEVELS: Final = 1_000_000
ADDED: Final = ("mid", "spread_bps", "microprice", "imbalance", "bid_within_50bps")


def compare_books(pair: Pair, market: Market, moments: Iterable[int]) -> list[str]:
    """Compare `book_at` level by level: R2 to R7, and the cause of R10 if the book is unknown."""
    return first(
        f"book_at {name_of(market)} {show_time(moment)}: {difference}"
        for moment in moments
        if (difference := _compare_book(pair, market, moment))
    )


def _compare_book(pair: Pair, market: Market, moment: int) -> str:
    wanted = pair.reference.book_at(*market, moment)
    try:
        found = pair.tape.book_at(name_of(market), moment)
    except booktape.NotKnown as error:
        cause = None if wanted else pair.reference.cause_at(*market, moment)
        return _differ(cause, error.gap.cause)
    if wanted is None:
        return _differ(pair.reference.cause_at(*market, moment), "a book")
    event = wanted.last.event
    return _differ(
        {
            "ts": moment,
            "ts_recv": wanted.last.effective,
            "session": event.session,
            "epoch": wanted.span.epoch,
            "event_number": event.number,
            "sequence": event.columns["sequence"],
            "age_us": moment - wanted.last.effective,
            "bids": wanted.bids,
            "asks": wanted.asks,
        },
        {
            "ts": microseconds(found.ts),
            "ts_recv": microseconds(found.ts_recv),
            "session": found.session,
            "epoch": found.epoch,
            "event_number": found.event_number,
            "sequence": found.sequence,
            "age_us": found.age_us,
            "bids": _levels(found.bids),
            "asks": _levels(found.asks),
        },
    )


def compare_coverage(pair: Pair, market: Market, start: int, end: int) -> list[str]:
    """Compare `coverage` (R10)."""
    wanted = [
        (*market, one.start, one.end, one.cause is None, one.cause)
        for one in pair.reference.coverage(*market, start, end)
    ]
    columns = ("exchange", "symbol", "start", "end", "whole", "cause")
    rows = rows_of(pair.tape.coverage(name_of(market), start, end))
    found = [tuple(row[column] for column in columns) for row in rows]
    return compare_rows(f"coverage {name_of(market)}", wanted, found)


def compare_top_at(pair: Pair, market: Market, moments: Sequence[int], depth: int) -> list[str]:
    """Compare `top` at moments of any kind (R3, R7)."""
    times = pa.array(moments, pa.timestamp("us", tz="UTC"))
    found = pair.tape.top(name_of(market), depth=depth, at=times, add=ADDED)
    tops = pair.reference.top(*market, moments, depth)
    wanted = [{**_flatten(top, depth), **_add(top)} for top in tops]
    return compare_rows(f"top at {name_of(market)}", wanted, rows_of(found))


def compare_grid(
    pair: Pair, market: Market, start: int, end: int, *, every: int, depth: int
) -> list[str]:
    """Compare `top` on a grid (R8)."""
    found = pair.tape.top(name_of(market), start, end, depth=depth, every=delta(every))
    tops = pair.reference.top(*market, grid(start, end, every), depth)
    wanted = [_flatten(top, depth) for top in tops]
    return compare_rows(f"top {name_of(market)} every {every} µs", wanted, rows_of(found))


def compare_align(
    pair: Pair, markets: Mapping[str, Market], start: int, end: int, *, every: int
) -> list[str]:
    """Compare the best prices of several markets at the instants of one grid (R8)."""
    columns = ("bid_price_00", "ask_size_00")
    named = {name: name_of(market) for name, market in markets.items()}
    found = pair.tape.align(named, start, end, every=delta(every), columns=columns)
    wanted: list[dict[str, Any]] = [{"ts": ts} for ts in grid(start, end, every)]
    for name, market in markets.items():
        tops = pair.reference.top(*market, grid(start, end, every), 1)
        for row, top in zip(wanted, tops, strict=True):
            row |= {f"{name}_{column}": _flatten(top, 1)[column] for column in columns}
    return compare_rows("align", wanted, rows_of(found))


def compare_changes(pair: Pair, market: Market, start: int, end: int, depth: int) -> list[str]:
    """Compare `top` on each change (R9)."""
    found = pair.tape.top(name_of(market), start, end, depth=depth, every=None)
    tops = pair.reference.changes(*market, start, end, depth)
    wanted = [_flatten(top, depth) for top in tops]
    return compare_rows(f"changes {name_of(market)} depth {depth}", wanted, rows_of(found))


def compare_replay(pair: Pair, market: Market, start: int, end: int) -> list[str]:
    """Compare `replay`: all levels at each instant at which one changed (R9)."""
    found: list[tuple[int, Any]] = []
    for ts, one in pair.tape.replay(name_of(market), start, end):
        is_gap = isinstance(one, booktape.Gap)
        shown = None if is_gap else (_levels(one.bids), _levels(one.asks))
        if not found or found[-1][1] != shown:
            found.append((microseconds(ts), shown))
    wanted = [
        (top.ts, None if top.book is None else (top.bids, top.asks))
        for top in pair.reference.changes(*market, start, end, ALL_LEVELS)
    ]
    return compare_rows(f"replay {name_of(market)}", wanted, found)


def compare_stitched(
    pair: Pair, market: Market, start: int, end: int, moments: Sequence[int]
) -> list[str]:
    """Compare the books that the stitched rows make (R7), wherever the book is known."""
    books: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
    rows = rows_of(pair.tape.scan("book", name_of(market), start, end, stitched=True))
    place, last, differences = 0, None, []
    for moment in sorted(one for one in moments if start <= one < end):
        while place < len(rows) and rows[place]["ts_recv"] <= moment:
            last = _apply(books, rows[place], last)
            place += 1
        wanted = pair.reference.book_at(*market, moment)
        if wanted is not None:
            bids = sorted(books["bid"].items(), reverse=True)
            found = bids, sorted(books["ask"].items())
            difference = _differ((wanted.bids, wanted.asks), found)
            if difference:
                differences.append(f"stitched {name_of(market)} {show_time(moment)}: {difference}")
    return first(differences)


def _apply(books: dict[str, dict[float, float]], row: dict[str, Any], last: Any) -> Any:
    event = row["session"], row["event_number"], row["is_snapshot"], row["ts_recv"]
    if row["is_snapshot"] and event != last:
        books["bid"], books["ask"] = {}, {}
    if row["side"] is not None:
        books[row["side"]][row["price"]] = row["size"]
        if not row["size"]:
            del books[row["side"]][row["price"]]
    return event


def _flatten(top: Top, depth: int) -> dict[str, Any]:
    """Return a row with the columns of `top`."""
    book = top.book
    row: dict[str, Any] = {
        "ts": top.ts,
        "session": book and book.last.event.session,
        "event_number": book and book.last.event.number,
        "age_us": book and top.ts - book.last.effective,
    }
    for place in range(depth):
        for side, levels in (("bid", top.bids), ("ask", top.asks)):
            level = levels[place] if place < len(levels) else (None, None)
            row[f"{side}_price_{place:02}"], row[f"{side}_size_{place:02}"] = level
    return row


def _add(top: Top) -> dict[str, float | None]:
    if top.book is None or not top.bids or not top.asks:
        return dict.fromkeys(ADDED)
    (bid, bid_size), (ask, ask_size) = top.bids[0], top.asks[0]
    mid = (bid + ask) / 2
    bids, asks = (sum(size for _, size in side) for side in (top.bids, top.asks))
    near = [size for price, size in top.book.bids if abs(price / mid - 1) <= 50 / 1e4]
    return {
        "mid": mid,
        "spread_bps": (ask - bid) / mid * 1e4,
        "microprice": (bid * ask_size + ask * bid_size) / (ask_size + bid_size),
        "imbalance": (bids - asks) / (bids + asks),
        "bid_within_50bps": float(sum(near)),
    }


def _levels(side: pa.Table) -> list[tuple[float, float]]:
    return list(zip(side["price"].to_pylist(), side["size"].to_pylist(), strict=True))


def _differ(wanted: Any, found: Any) -> str:
    return "" if is_same(wanted, found) else f"wanted {wanted}, found {found}"
