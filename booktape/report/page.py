"""Makes the page of a report: one file with its styles, and uPlot for a chart."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from msgspec import Struct

from booktape.certificate import AVAILABLE, DEGRADED
from booktape.report import sections
from booktape.report.chart import make_chart, make_without
from booktape.report.facts import MISSING, PENDING, DayFacts, add_causes, find_symbols
from booktape.report.heat import find_span
from booktape.report.html import format_amount, format_count, format_share, format_time
from booktape.report.incidents import Incidents
from booktape.report.premium import Premium
from booktape.report.quotes import MarketQuotes
from booktape.report.rates import make_rates
from booktape.report.spreads import make_spreads


class Contents(Struct, frozen=True, kw_only=True):
    """All that a page shows."""

    tape: str
    days: Sequence[DayFacts]
    incidents: Incidents | None = None
    quotes: Sequence[MarketQuotes] = ()
    source: str = ""
    premium: Premium | None = None
    remarks: Sequence[str] = ()  # reasons for missing parts


def make_page(contents: Contents) -> str:
    """Return the page."""
    days = contents.days
    dates = sorted({day.date for day in days})
    title = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    parts = _make_parts(contents)
    body = "".join(
        f"<section id={name}><h2>{heading}</h2>{text}</section>" for name, heading, text in parts
    )
    links = "".join(f"<a href=#{name}>{short}</a>" for name, short in _find_links(parts))
    chart_style = _read("uplot.css") if contents.premium is not None else ""
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8>{_POLICY}"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        '<meta name=color-scheme content="light dark">'
        f"<title>booktape · {title}</title><style>{_read('page.css')}{chart_style}</style></head>"
        f"<body><header><h1><span>booktape</span> {title}</h1><p>{escape(contents.tape)}</p>"
        f"{_make_verdict(days)}{_make_tiles(days)}<nav>{links}</nav></header>"
        f"<main>{body}</main><footer>{_make_footer(days)}</footer>"
        f"<script>{_read('page.js')}</script></body></html>\n"
    )


# The policy that browsers enforce: the page loads nothing, not even an icon.
_POLICY = (
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
    "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">"
    '<link rel=icon href="data:,">'
)
# The worst first.
_MOODS = (DEGRADED, PENDING, MISSING)
_SHORT = {
    "condition": "Condition",
    "coverage": "Coverage",
    "why": "Why",
    "truth": "Agreement",
    "rates": "Rates",
    "spreads": "Spreads",
    "premium": "Premium",
}


def _find_links(parts: Sequence[tuple[str, str, str]]) -> Sequence[tuple[str, str]]:
    return [(name, _SHORT[name]) for name, _, _ in parts]


def _make_parts(contents: Contents) -> list[tuple[str, str, str]]:
    days, span = contents.days, find_span(contents.days)
    parts = [
        ("condition", "Condition of each day and market", sections.make_conditions(days)),
        ("coverage", "When books were known", sections.make_coverage(days)),
        ("why", "Why books were not known", sections.make_causes(days, contents.incidents)),
        ("rates", "How much was recorded", make_rates(days, span)),
    ]
    if contents.quotes and span is not None:
        text = make_spreads(contents.quotes, contents.source, span)
        parts.append(("spreads", "Spreads and depth", text))
    parts.append(("truth", "Compared with the exchange", sections.make_truth(days)))
    if contents.premium is not None:
        parts.append(("premium", "Premium and executable edge", make_chart(contents.premium)))
    elif contents.remarks:
        parts.append(("premium", "Premium and executable edge", make_without(contents.remarks)))
    return parts


def _make_verdict(days: Sequence[DayFacts]) -> str:
    """Return the verdict on these days in one sentence."""
    conditions = {day.condition for day in days}
    mood = next((word for word in _MOODS if word in conditions), "available")
    symbols = [found for _, found in find_symbols(days)]
    lost = sum(found.condition != AVAILABLE for found in symbols)
    if len(days) > 2:  # noqa: PLR2004 (a day of both exchanges)
        count = sum(day.condition == mood for day in days)
        head = (
            f"{count} of {len(days)} days {mood}" if mood != AVAILABLE else f"{count} days {mood}"
        )
    else:
        head = "Not certified yet" if mood == "pending" else mood.capitalize()
    texts = [
        f"{lost} of {len(symbols)} markets lost something" if lost else "all markets are whole"
    ]
    causes: dict[str, int] = {}
    for (_, cause), one in add_causes(days).items():
        causes[cause] = causes.get(cause, 0) + one.us
    most = sorted(causes.items(), key=lambda item: -item[1])[:2]
    if lost and most:
        texts.append("most of it to " + " and ".join(f"{c} ({format_time(us)})" for c, us in most))
        if lost > 1:
            texts.append("all markets added up")
    said = f": {escape(', '.join(texts))}" if symbols else ""
    return f"<p class='verdict {mood}'><b>{head}</b>{said}</p>"


def _make_tiles(days: Sequence[DayFacts]) -> str:
    symbols = [found for _, found in find_symbols(days)]
    tiles = (
        (format_share(sections.find_share(symbols)), "of the time books are known"),
        (format_count(len({(d.exchange, s.symbol) for d, s in find_symbols(days)})), "markets"),
        (format_amount(sum(found.rows.get("book", 0) for found in symbols)), "levels of books"),
        (format_amount(sum(found.rows.get("trades", 0) for found in symbols)), "trades"),
    )
    boxes = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for value, name in tiles)
    return f"<div class=tiles>{boxes}</div>"


def _make_footer(days: Sequence[DayFacts]) -> str:
    drafts = any(day.is_draft for day in days)
    draft = (
        " A <b>pending</b> day shows the rows stored now: it may yet change, and nobody has "
        "certified it."
        if drafts
        else ""
    )
    releases = sorted(
        {day.certificate.release for day in days if day.certificate and not day.is_draft}
    )
    by = f" Certified by release {', '.join(map(escape, releases))}." if releases else ""
    return (
        "<p>A day's figures come from its certificate: <code>booktape certify</code> has added "
        f"up and proven its rows.{draft} Times are UTC.{by}</p>"
    )


def _read(name: str) -> str:
    return (files("booktape.report") / name).read_text(encoding="utf-8")
