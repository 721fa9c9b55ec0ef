"""Puts the page of a report together: one file with its styles, and uPlot for a chart."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from booktape.report import sections
from booktape.report.chart import Premium, make_chart
from booktape.report.facts import DayFacts, find_symbols
from booktape.report.html import format_count, format_share

_NOTE = (
    "A day is shown from its certificate: what was recorded, added up and proven by "
    "<code>booktape certify</code>. Times are UTC."
)


def make_page(days: Sequence[DayFacts], premium: Premium | None, *, tape: str) -> str:
    """Return the page."""
    dates = sorted({day.date for day in days})
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    parts = [
        ("condition", "Condition", sections.make_conditions(days)),
        ("coverage", "Coverage", sections.make_coverage(days)),
        ("why", "Why books were not known", sections.make_causes(days)),
        ("truth", "Held against the exchange", sections.make_truth(days)),
        ("rates", "How much was recorded", sections.make_rates(days)),
    ]
    if premium is not None:
        parts.append(("premium", "Premium and edge", make_chart(premium)))
    body = "".join(
        f"<section id={name}><h2>{title}</h2>{text}</section>" for name, title, text in parts
    )
    links = "".join(f"<a href=#{name}>{title}</a>" for name, title, _ in parts)
    chart_style = _read("uplot.css") if premium is not None else ""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>booktape · {span}</title><style>{_read('page.css')}{chart_style}</style>"
        f"<header><h1>booktape <small>{span}</small></h1><p>{escape(tape)}</p>{_make_tiles(days)}"
        f"<nav>{links}</nav></header><main>{body}</main><footer><p>{_NOTE}</p></footer></html>\n"
    )


def _make_tiles(days: Sequence[DayFacts]) -> str:
    symbols = [found for _, found in find_symbols(days)]
    known = sum(found.known_us for found in symbols)
    spans = sum(s.book_end - s.book_start for s in symbols if s.book_end and s.book_start)
    tiles = (
        ("exchanges", format_count(len({day.exchange for day in days}))),
        ("markets and days", format_count(len(symbols))),
        ("levels", format_count(sum(found.rows.get("book", 0) for found in symbols))),
        ("books known", format_share(known / spans if spans else None)),
    )
    return (
        "<div class=tiles>"
        + "".join(f"<div><b>{value}</b><span>{name}</span></div>" for name, value in tiles)
        + "</div>"
    )


def _read(name: str) -> str:
    return (files("booktape.report") / name).read_text(encoding="utf-8")
