"""Draws a chart, by uPlot, of the premium of one market over another."""

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Final

from booktape.report.html import (
    NONE,
    format_amount,
    format_bps,
    format_clock,
    format_rate,
    format_share,
    make_table,
)
from booktape.report.premium import POINTS_MAX, Premium, Way
from booktape.report.quotes import BOOKS, Span
from booktape.report.svg import find_bounds, make_axis, make_grid, make_line, make_svg
from booktape.times import date_of_ts

NAMES: Final = ("premium", "edge: buy A, sell B", "edge: buy B, sell A")


def make_chart(premium: Premium) -> str:
    """Return the chart and its scripts; a null breaks a line."""
    if not premium.known:
        return (
            f"{_make_head(premium)}<p class=none>At no instant are all of "
            f"{escape(', '.join(premium.markets))} known.</p>"
        )
    rounded = [
        [None if value is None else round(value, 2) for value in column]
        for column in premium.columns
    ]
    data = json.dumps([[ts / 1e6 for ts in premium.ts], *rounded], separators=(",", ":"))
    library = _read("uplot.js")
    script = _read("chart.js").replace("[/*data*/]", data).replace("[/*names*/]", json.dumps(NAMES))
    return (
        f"{_make_head(premium)}{_make_figures(premium)}{_make_fees(premium)}<div id=chart>"
        f"{_make_picture(premium)}</div><div id=zoom hidden><button type=button>&minus;</button>"
        "<button type=button>+</button>"
        "<button type=button>◀</button><button type=button>▶</button>"
        "<button type=button>all</button><span>drag over the chart to zoom</span></div>"
        f"{_make_note(premium)}<script>/*\n{_read('uplot-license.txt')}*/\n{library}</script>"
        f"<script>{script}</script>"
    )


def _make_head(premium: Premium) -> str:
    via = ""
    if premium.via:
        via = f", by way of {escape(premium.via[0])} and {escape(premium.via[1])}"
    return (
        f"<p><b>A</b> {escape(premium.a)}, <b>B</b> {escape(premium.b)}{via}. "
        f"The premium is B's middle above A's; an edge is the gain of buying on one and selling on "
        f"the other at the best prices of one instant, {_tell_fees(premium)}. Basis points.</p>"
    )


def _tell_fees(premium: Premium) -> str:
    if not any(premium.fees.values()):
        return "<b>before fees</b>"
    said = (f"{escape(name)} {share * 100:g} %" for name, share in sorted(premium.fees.items()))
    return f"after fees of {', '.join(said)}"


def _make_figures(premium: Premium) -> str:
    """Return the figures: of the premium, and of each way of an arbitrage."""
    least, middle, most = (format_bps(value) for value in premium.mids or (None, None, None))
    quote = premium.a.rpartition("-")[2]
    base = premium.a.partition(":")[2].rpartition("-")[0]
    tiles = (
        (middle, f"bps premium in the middle, {least} to {most}"),
        (format_share(premium.known / premium.instants), "of all instants known"),
    )
    head = (
        *("way", "best edge, bps", "profitable of known time", "when it was best"),
        *(f"size then, {base}", f"earned then, {quote}"),
    )
    rows = [
        _make_way(name, way)
        for name, way in zip(("buy A, sell B", "buy B, sell A"), premium.ways, strict=True)
    ]
    boxes = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for value, name in tiles)
    return f"<div class=tiles>{boxes}</div><div id=ways>{make_table(head, rows)}</div>"


def _make_fees(premium: Premium) -> str:
    """Return the inputs for a reader's own fees."""
    if premium.instants > POINTS_MAX:
        return ""
    exchanges = dict.fromkeys(market.partition(":")[0] for market in (premium.a, premium.b))
    inputs = " ".join(
        f"<label>{escape(name)} <input type=number min=0 max=50 step=0.01 "
        f'value="{premium.fees.get(name, 0.0) * 100:g}"> %</label>'
        for name in exchanges
    )
    via = " data-via" if premium.via else ""
    return f"<p id=fees hidden{via}>with other fees of a taker: {inputs}</p>"


def _make_way(name: str, way: Way) -> tuple[str, ...]:
    if way.best_ts is None or not way.known:
        return (name, *[NONE] * 5)
    when = f"{date_of_ts(way.best_ts)[5:]} {format_clock(way.best_ts)[:8]}"
    has_gain = way.best_profit > 0
    return (
        name,
        format_bps(way.best_bps),
        f"{100 * way.winning / way.known:.2f} %",
        when,
        format_rate(way.best_size) if has_gain else NONE,
        format_amount(way.best_profit) if has_gain else NONE,
    )


def _make_picture(premium: Premium) -> str:
    """Return the same lines as a picture, for paper and for browsers without scripts."""
    span: Span = (premium.ts[0], max(premium.ts[-1], premium.ts[0] + 1))
    low, high = bounds = find_bounds(premium.columns, with_zero=True)
    lines = "".join(
        f'<path class="line series-{place}" d="{make_line(premium.ts, column, span, bounds)}"/>'
        for place, column in enumerate(premium.columns)
    )
    zero = 100 + 100 * low / ((high - low) or 1)
    level = f'<path class=zero d="M0 {zero:.1f}H1440"/>'
    legend = "".join(
        f"<li><i class=series-{place}></i>{name}</li>" for place, name in enumerate(NAMES)
    )
    name = f"premium of {escape(premium.b)} over {escape(premium.a)}, and both edges"
    return (
        f"<figure><ul class=legend>{legend}</ul><div class=chart>"
        f"<b class=high>{format_bps(high, 0)}</b><b class=low>{format_bps(low, 0)}</b>"
        f"<div class='area tall'>{make_grid(span)}{make_svg(level + lines, name=name)}</div>"
        f"{make_axis(span)}</div></figure>"
    )


def _make_note(premium: Premium) -> str:
    if premium.source == BOOKS:
        return (
            "<p class=note>Drawn from replayed books. A line breaks at a gap. It ignores the depth "
            "of the currencies' books, withdrawals, and the time between both exchanges.</p>"
        )
    return (
        "<p class=note>Drawn <b>from tickers</b>, without replayed books: sizes are those of the "
        "best prices alone. A line ends where a book was lost. With numba installed, "
        "<code>booktape report</code> draws it from books.</p>"
    )


def make_without(reasons: Sequence[str]) -> str:
    """Return the reasons for a missing chart."""
    return "".join(f"<p class=none>{escape(reason)}</p>" for reason in reasons)


def _read(name: str) -> str:
    return (files("booktape.report") / name).read_text(encoding="utf-8")
