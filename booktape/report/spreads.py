"""Draws the section of spreads: of each market its spread through time, and its depth."""

from collections.abc import Sequence
from html import escape
from typing import Final

from booktape.report.html import NONE, format_amount, format_rate, make_table
from booktape.report.quotes import BOOKS, NEAR_BPS, TICKERS, MarketQuotes, Span, Values
from booktape.report.svg import make_line, make_svg

LINE_POINTS_MAX: Final = 240
_HALF, _MOST = 0.5, 0.99


def make_spreads(quotes: Sequence[MarketQuotes], source: str, span: Span) -> str:
    """Return a row for each market: its spread through time, and its depth near the middle."""
    rows = [_make_row(one, source, span) for one in quotes if one.is_known]
    if not rows:
        return "<p>The tape has no prices of these markets.</p>"
    head = ["market", "spread, median", "99 %", "through time", "at the best price"]
    if source == BOOKS:
        head += [f"within {bps} bps" for bps in NEAR_BPS]
    return f"{make_table(head, rows)}<p class=note>{_SAID[source]}</p>"


_SAID: Final = {
    BOOKS: (
        "Spreads in basis points of the middle, from replayed books. Depth is the median "
        "amount in the market's quote currency, bids / asks: at the best price, and so far from "
        "the middle."
    ),
    TICKERS: (
        "Spreads in basis points of the middle, drawn <b>from tickers</b>, without replayed books: "
        "depth is the median amount at the best price alone, bids / asks, in the market's quote "
        "currency. With numba installed, <code>booktape report</code> draws them from books, with "
        "the depth near the middle."
    ),
}


def find_rank(values: Values, share: float) -> float | None:
    """Return the quantile of the known values: `share` of them do not exceed it."""
    known = sorted(value for value in values if value is not None)
    return known[min(int(share * len(known)), len(known) - 1)] if known else None


def _make_row(quotes: MarketQuotes, source: str, span: Span) -> list[str]:
    spreads = quotes.spreads_bps()
    exchange, _, symbol = quotes.market.partition(":")
    half, most = find_rank(spreads, _HALF), find_rank(spreads, _MOST)
    cells = [
        f"{escape(exchange)}:{escape(symbol)}",
        NONE if half is None else format_rate(half),
        NONE if most is None else format_rate(most),
        _draw(quotes.ts, spreads, span),
    ]
    kinds = ["size", *(f"within_{bps}bps" for bps in NEAR_BPS if source == BOOKS)]
    return cells + [
        " / ".join(_format_depth(quotes, f"{side}_{kind}") for side in ("bid", "ask"))
        for kind in kinds
    ]


def _format_depth(quotes: MarketQuotes, name: str) -> str:
    side = "bid" if name.startswith("bid") else "ask"
    amounts = [
        None if price is None or size is None else price * size
        for price, size in zip(quotes.columns[side], quotes.columns[name], strict=True)
    ]
    return format_amount(find_rank(amounts, _HALF))


def _draw(ts: Sequence[int], spreads: Values, span: Span) -> str:
    """Return a line, scaled from 0 to a bit more than most spreads; a null breaks it."""
    size = -(-len(ts) // LINE_POINTS_MAX)
    kept_ts, kept = [], []
    for begin in range(0, len(ts), size):
        some = spreads[begin : begin + size]
        known = sorted(value for value in some if value is not None)
        kept_ts.append(ts[begin])
        kept.append(known[len(known) // 2] if len(known) == len(some) else None)
    top = 1.25 * (find_rank(spreads, _MOST) or 1.0)
    capped = [None if value is None else min(value, top) for value in kept]
    return make_svg(
        f'<path class="line series-0" d="{make_line(kept_ts, capped, span, (0.0, top))}"/>',
        attributes=" class=spark",
    )
