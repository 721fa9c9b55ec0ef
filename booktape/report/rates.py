"""Draws rates: levels a second by the manifests of certificates, and the busiest markets."""

from collections.abc import Sequence
from html import escape
from typing import Final

from booktape.report.facts import DayFacts, find_symbols
from booktape.report.html import NONE, format_count, format_rate, make_table
from booktape.report.svg import Span, find_bounds, make_axis, make_grid, make_line, make_svg
from booktape.times import SECOND_US

SYMBOLS_LISTED_MAX: Final = 20
BINS: Final = 144
_NS: Final = 1000  # of a µs


def make_rates(days: Sequence[DayFacts], span: Span | None) -> str:
    """Return the rates of all exchanges, and the busiest markets."""
    chart = "" if span is None else _make_chart(days, span)
    return chart + _make_list(days)


def count_rows(days: Sequence[DayFacts], span: Span, bins: int = BINS) -> list[float]:
    """Return the levels a second in each part of a span, by their flushes."""
    begin, end = span
    size = (end - begin) / bins
    sums = [0.0] * bins
    for day in days:
        for manifest in day.certificate.manifests if day.certificate else ():
            rows = manifest.tables.get("book")
            if rows is None:
                continue
            first, last = rows.ts_recv_min // _NS, max(rows.ts_recv_max // _NS, 1)
            last = max(last, first + 1)
            for place in range(
                max(int((first - begin) // size), 0), min(int((last - begin) // size) + 1, bins)
            ):
                left, right = begin + place * size, begin + (place + 1) * size
                shared = min(right, last) - max(left, first)
                sums[place] += rows.rows * max(shared, 0) / (last - first)
    return [value / size * SECOND_US for value in sums]


def _make_chart(days: Sequence[DayFacts], span: Span) -> str:
    exchanges = sorted({day.exchange for day in days if day.certificate})
    columns = [count_rows([d for d in days if d.exchange == name], span) for name in exchanges]
    bounds = find_bounds(columns, with_zero=True)
    begin, end = span
    ts = [begin + int((end - begin) * (place + 0.5) / BINS) for place in range(BINS)]
    lines = "".join(
        f'<path class="line series-{place % 3}" d="{make_line(ts, column, span, bounds)}"/>'
        for place, column in enumerate(columns)
    )
    legend = "".join(
        f"<li><i class=series-{place % 3}></i>{escape(name)} "
        f"<small>{format_rate(sum(column) / BINS)} a second</small></li>"
        for place, (name, column) in enumerate(zip(exchanges, columns, strict=True))
    )
    name = "levels a second through the day"
    return (
        f"<ul class=legend>{legend}</ul><div class=chart><b class=high>{format_rate(bounds[1])}</b>"
        f"<div class=area>{make_grid(span)}{make_svg(lines, name=name)}</div>{make_axis(span)}"
        "</div><p class=note>Levels of books a second, averaged over each flush.</p>"
    )


def _make_list(days: Sequence[DayFacts]) -> str:
    found = sorted(find_symbols(days), key=lambda pair: -sum(pair[1].events.values()))
    most = (sum(found[0][1].events.values()) if found else 0) or 1
    many = len({day.date for day in days}) > 1
    rows = []
    for day, symbol in found[:SYMBOLS_LISTED_MAX]:
        events = sum(symbol.events.values())
        seconds = ((symbol.book_end or 0) - (symbol.book_start or 0)) / SECOND_US
        rows.append(
            (
                f"{escape(day.exchange)}:{escape(symbol.symbol)}",
                *([day.date] if many else []),
                format_count(events),
                format_rate(events / seconds) if seconds else NONE,
                format_count(symbol.rows.get("book", 0)),
                format_count(symbol.events.get("trades", 0)),
                format_count(symbol.events.get("ticker", 0)),
                f'<span class=bar style="width:{100 * events / most:.1f}%"></span>',
            )
        )
    rest = len(found) - len(rows)
    more = f"<p class=note>{format_count(rest)} more are not listed.</p>" if rest > 0 else ""
    head = (
        "market",
        *(["day"] if many else []),
        "events",
        "a second",
        "levels",
        "trades",
        "tickers",
        "",
    )
    return make_table(head, rows) + more
