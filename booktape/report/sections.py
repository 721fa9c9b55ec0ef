"""Writes the sections of a report: conditions, coverage, causes, quality, amounts."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Final

from booktape.certificate import AVAILABLE, SymbolFigures
from booktape.report.calendar import make_calendar, make_grades
from booktape.report.facts import (
    DayFacts,
    add_causes,
    find_inner_gaps,
    find_known_share,
    find_symbols,
)
from booktape.report.heat import (
    find_kind,
    find_span,
    make_heat,
    make_legend,
)
from booktape.report.html import (
    NONE,
    format_clock,
    format_count,
    format_share,
    format_time,
    make_mark,
    make_table,
)
from booktape.report.incidents import Incidents
from booktape.times import DAY_US, date_of_ts

SYMBOLS_LISTED_MAX: Final = 20
CHIPS_MAX: Final = 24
DAYS_DRAWN_MAX: Final = 3  # for more days, draw a calendar


def make_conditions(days: Sequence[DayFacts]) -> str:
    """Return a condition for each day, and one for each symbol of it."""
    rows = []
    for day in days:
        symbols = day.certificate.symbols if day.certificate else []
        whole = sum(found.condition == AVAILABLE for found in symbols)
        gaps = [gap for found in symbols for gap in find_inner_gaps(found)]
        longest = max((gap.end - gap.start for gap in gaps), default=0)
        rows.append(
            (
                escape(day.exchange),
                day.date,
                make_mark(day.condition),
                f"{whole} of {len(symbols)}" if symbols else NONE,
                format_share(find_share(symbols)),
                format_count(len(gaps)) if symbols else NONE,
                format_time(longest) if longest else NONE,
            )
        )
    head = (
        *("exchange", "day", "condition", "symbols available"),
        *("books known", "gaps", "the longest"),
    )
    if len({day.date for day in days}) > DAYS_DRAWN_MAX:
        return make_table(head, rows)
    return make_table(head, rows) + "".join(_make_chips(day) for day in days if day.certificate)


def find_share(symbols: Sequence[SymbolFigures]) -> float | None:
    """Return the known share of the time between the first and last moment of these books."""
    known = sum(found.known_us for found in symbols)
    spans = sum((found.book_end or 0) - (found.book_start or 0) for found in symbols)
    return known / spans if spans else None


def _make_chips(day: DayFacts) -> str:
    assert day.certificate is not None
    symbols = sorted(day.certificate.symbols, key=lambda found: find_known_share(found) or 0.0)
    lost = [found for found in symbols if found.condition != AVAILABLE]
    whole = sorted(found.symbol for found in symbols if found.condition == AVAILABLE)
    parts = [f"<h3>{escape(day.exchange)} · {day.date}</h3>"]
    if lost:
        marks = "".join(_make_chip(found) for found in lost[:CHIPS_MAX])
        parts.append(f"<p class=chips>{marks}</p>")
    if len(lost) > CHIPS_MAX:
        names = " ".join(escape(found.symbol) for found in lost[CHIPS_MAX:])
        title = f"{len(lost) - CHIPS_MAX} more degraded"
        parts.append(f"<details><summary>{title}</summary><p class=names>{names}</p></details>")
    if whole:
        names = " ".join(escape(name) for name in whole)
        title = f"{len(whole)} available"
        is_open = " open" if len(whole) <= CHIPS_MAX else ""
        parts.append(
            f"<details{is_open}><summary>{title}</summary><p class=names>{names}</p></details>"
        )
    return "".join(parts)


def _make_chip(found: SymbolFigures) -> str:
    """Return a symbol that is not available, and the reasons."""
    reasons = []
    share = find_known_share(found)
    if share is not None and share < 1:
        reasons.append(f"{share * 100:.2f} %<span> known</span>")
    if found.mismatches:
        noun = "mismatch" if found.mismatches == 1 else "mismatches"
        reasons.append(f"{found.mismatches} {noun}")
    if found.trades_lost:
        reasons.append(f"trades lost {found.trades_lost} times")
    said = f" <small>{', '.join(reasons)}</small>" if reasons else ""
    return f'<span class="chip {found.condition}">{escape(found.symbol)}{said}</span>'


def make_coverage(days: Sequence[DayFacts]) -> str:
    """Return the coverage of each book: through a few days, or its share of each of many days."""
    if len({day.date for day in days}) > DAYS_DRAWN_MAX:
        by_exchange = groupby(
            sorted(days, key=lambda d: (d.exchange, d.date)), lambda d: d.exchange
        )
        parts = [
            f"<h3>{escape(exchange)}</h3>{make_calendar(list(some))}"
            for exchange, some in by_exchange
        ]
        return make_grades() + "".join(parts)
    causes = {gap.cause for _, found in find_symbols(days) for gap in find_inner_gaps(found)}
    parts = [make_legend(causes)]
    for day in days:
        title = f"<h3>{escape(day.exchange)} · {day.date}</h3>"
        span = find_span([other for other in days if other.date == day.date])
        if day.certificate is None or span is None:
            parts.append(f"{title}<p class=none>{make_mark(day.condition)} {_tell_why(day)}</p>")
            continue
        parts.append(f"{title}{make_heat(day, span)}{_list_gaps(day)}")
    return "".join(parts)


def _tell_why(day: DayFacts) -> str:
    if day.certificate is not None:
        return "no book was recorded"
    return "nothing is recorded of it" if day.condition == "missing" else "no certificate of it yet"


def _list_gaps(day: DayFacts) -> str:
    """Return the longest gaps as text: on a bar nobody can see a second."""
    assert day.certificate is not None
    gaps = [(gap, s.symbol) for s in day.certificate.symbols for gap in find_inner_gaps(s)]
    gaps.sort(key=lambda pair: (pair[0].start - pair[0].end, pair[0].start, pair[1]))
    rows = [
        (
            escape(symbol),
            format_clock(gap.start),
            format_clock(gap.end),
            format_time(gap.end - gap.start),
            _make_cause(gap.cause),
        )
        for gap, symbol in gaps[:SYMBOLS_LISTED_MAX]
    ]
    if not rows:
        return ""
    title = f"the longest of {len(gaps)} gaps" if len(gaps) > len(rows) else f"{len(gaps)} gaps"
    table = make_table(("symbol", "from", "to", "long", "cause"), rows)
    return f"<details data-print><summary>{title}</summary>{table}</details>"


def _make_cause(cause: str | None) -> str:
    return f"<i class={find_kind(cause)}></i><code>{escape(cause or 'unknown')}</code>"


def make_causes(days: Sequence[DayFacts], incidents: Incidents | None) -> str:
    """Return the causes of gaps, and the rows of feeds about themselves."""
    rows = [
        (
            escape(exchange),
            _make_cause(cause),
            format_count(one.gaps),
            format_count(len(one.symbols)),
            format_time(one.us),
            format_time(one.longest_us),
        )
        for (exchange, cause), one in add_causes(days).items()
    ]
    text = "<p>No book was lost between its first and its last moment.</p>"
    if rows:
        head = ("exchange", "cause", "gaps", "symbols", "of all symbols", "the longest")
        text = make_table(head, rows)
    return text if incidents is None else text + _make_incidents(incidents)


def _make_incidents(incidents: Incidents) -> str:
    counts = "<h3>Rows of feeds about themselves</h3>" + "".join(
        f"<ul class=kinds><li>{escape(exchange)}</li>{_make_kinds(kinds)}</ul>"
        for exchange, kinds in incidents.kinds.items()
    )
    many = len({one.ts // DAY_US for one in incidents.listed}) > 1
    listed = [
        (
            f"{_make_date(one.ts) if many else ''}{format_clock(one.ts)}",
            escape(one.exchange),
            f"<code>{escape(one.kind)}</code>",
            escape(one.symbol or ""),
            escape(one.detail),
        )
        for one in incidents.listed
    ]
    if not listed:
        return counts
    more = f", and {format_count(incidents.unlisted)} more" if incidents.unlisted else ""
    table = make_table(("UTC", "exchange", "what", "symbol", "of it"), listed)
    title = f"rows about whole feeds, by time: {len(listed)}{more}"
    return f"{counts}<details data-print><summary>{title}</summary>{table}</details>"


def _make_kinds(kinds: Counter[str]) -> str:
    return "".join(
        f"<li><code>{escape(kind)}</code><b>{format_count(count)}</b></li>"
        for kind, count in kinds.most_common()
    )


def _make_date(ts: int) -> str:
    return f"{date_of_ts(ts)[5:]} "


def make_truth(days: Sequence[DayFacts]) -> str:
    """Return the counts of comparisons with the exchange, and the delays of events."""
    rows = []
    for day in days:
        if day.certificate is None:
            continue
        symbols = day.certificate.symbols
        judged, agreed = (sum(getattr(s, name) for s in symbols) for name in _TICKERS)
        rows.append(
            (
                escape(day.exchange),
                day.date,
                format_count(sum(s.audits for s in symbols)),
                format_count(sum(s.audits_differing for s in symbols)),
                format_count(sum(s.mismatches for s in symbols)),
                format_share(agreed / judged) if judged else NONE,
                format_count(sum(s.crossed for s in symbols)),
                format_count(day.certificate.journal_holes),
                _format_late(symbols),
            )
        )
    head = (
        *("exchange", "day", "audits", "differing", "mismatches", "ticker agrees"),
        *("crossed", "journal holes", "late by, median (99 %)"),
    )
    return make_table(head, rows) + _TRUTH


_TICKERS: Final = ("ticker_judged", "ticker_agreed")
_TRUTH: Final = (
    "<p class=note>An audit asks the exchange for a whole book and compares it with ours, level by "
    "level. Late is how long after the exchange's own time an event of a book was received.</p>"
)


def _format_late(symbols: Sequence[SymbolFigures]) -> str:
    """Return the medians over symbols: of their medians, and of their 99 % quantiles."""
    found = [s.offsets["book"] for s in symbols if "book" in s.offsets]
    if not found:
        return NONE
    p50, p99 = (sorted(getattr(one, name) for one in found)[len(found) // 2] for name in _RANKS)
    return f"{p50} ms ({p99} ms)"


_RANKS: Final = ("p50", "p99")
