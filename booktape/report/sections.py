"""Writes the sections of a report: conditions, coverage, causes, quality, amounts."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from booktape.certificate import AVAILABLE, CertifiedGap, SymbolFigures
from booktape.report.facts import (
    DayFacts,
    add_causes,
    find_inner_gaps,
    find_known_share,
    find_symbols,
)
from booktape.report.html import (
    format_clock,
    format_count,
    format_share,
    format_time,
    make_mark,
    make_table,
)
from booktape.times import DAY_US, SECOND_US

GAPS_DRAWN_MAX: Final = 40  # of one symbol and day; what lies next to each other is drawn as one
SYMBOLS_LISTED_MAX: Final = 20
_WIDTH: Final = 1440
_PARTS: Final = 4  # of the axis
_STEPS_S: Final = (21_600, 3_600, 600, 60)  # to which what is shown of a day is widened


def make_conditions(days: Sequence[DayFacts]) -> str:
    """Return a condition for each day, and one for each symbol of it."""
    rows = []
    for day in days:
        symbols = day.certificate.symbols if day.certificate else []
        whole = sum(found.condition == AVAILABLE for found in symbols)
        of_symbols = f"{whole} of {len(symbols)}" if symbols else "-"
        rows.append((escape(day.exchange), day.date, make_mark(day.condition), of_symbols))
    table = make_table(("exchange", "day", "condition", "symbols available"), rows)
    chips = []
    for day in days:
        if day.certificate is None:
            continue
        marks = "".join(
            f'<span class="chip {found.condition}" title="{found.condition}">'
            f"{escape(found.symbol)}</span>"
            for found in day.certificate.symbols
        )
        chips.append(f"<h3>{escape(day.exchange)} · {day.date}</h3><p class=chips>{marks}</p>")
    return table + "".join(chips)


def make_coverage(days: Sequence[DayFacts]) -> str:
    """Return a bar for each symbol and day: when its book was known, and each gap in it."""
    parts = []
    for day in days:
        if day.certificate is None:
            text = f"{make_mark(day.condition)} no certificate of it yet"
            parts.append(f"<h3>{escape(day.exchange)} · {day.date}</h3><p>{text}</p>")
            continue
        window = find_window(day)
        bars = "".join(
            f"<div class=row><span class=name>{escape(found.symbol)}</span>"
            f"{_draw(found, window)}"
            f"<span class=share>{format_share(find_known_share(found))}</span></div>"
            for found in day.certificate.symbols
            if found.book_start is not None
        )
        begin, end = window
        ticks = "".join(
            f"<span>{_format_tick(begin + (end - begin) * part // _PARTS, day.start)}</span>"
            for part in range(_PARTS + 1)
        )
        axis = (
            f"<span class=name>UTC</span><span class=axis>{ticks}</span><span class=share></span>"
        )
        title = f"<h3>{escape(day.exchange)} · {day.date}</h3>"
        parts.append(
            f"{title}<div class=heat>{bars}<div class=row>{axis}</div></div>{_list_gaps(day)}"
        )
    return "".join(parts)


def make_causes(days: Sequence[DayFacts]) -> str:
    """Return why books were not known."""
    rows = [
        (
            escape(exchange),
            f"<code>{escape(cause)}</code>",
            format_count(one.gaps),
            format_count(len(one.symbols)),
            format_time(one.us),
            format_time(one.longest_us),
        )
        for (exchange, cause), one in add_causes(days).items()
    ]
    if not rows:
        return "<p>No book was lost between its first and its last moment.</p>"
    head = ("exchange", "cause", "gaps", "symbols", "in all", "the longest")
    return make_table(head, rows)


def make_truth(days: Sequence[DayFacts]) -> str:
    """Return how often books were held against the exchange, and how late events came."""
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
                format_share(agreed / judged) if judged else "-",
                format_count(sum(s.crossed for s in symbols)),
                format_count(day.certificate.journal_holes),
                _format_late(symbols),
            )
        )
    head = (
        *("exchange", "day", "audits", "differing", "mismatches", "touch agrees with ticker"),
        *("crossed", "journal holes", "late by, median (99 %)"),
    )
    return make_table(head, rows)


def make_rates(days: Sequence[DayFacts]) -> str:
    """Return how much was recorded, and of which symbols most."""
    found = sorted(find_symbols(days), key=lambda pair: -sum(pair[1].events.values()))
    most = sum(found[0][1].events.values()) if found else 1
    rows = []
    for day, symbol in found[:SYMBOLS_LISTED_MAX]:
        events = sum(symbol.events.values())
        bar = f'<span class=bar style="width:{100 * events / most:.1f}%"></span>'
        rows.append(
            (
                f"{escape(day.exchange)}:{escape(symbol.symbol)}",
                day.date,
                format_count(events),
                f"{events / (DAY_US / 1e6):.3f}",
                format_count(symbol.rows.get("book", 0)),
                format_count(symbol.events.get("trades", 0)),
                bar,
            )
        )
    rest = len(found) - len(rows)
    more = f"<p>{rest} more are not listed.</p>" if rest > 0 else ""
    head = ("market", "day", "events", "a second", "levels", "trades", "")
    return make_table(head, rows) + more


_TICKERS: Final = ("ticker_judged", "ticker_agreed")


def find_window(day: DayFacts) -> tuple[int, int]:
    """Return the part of a day that is shown: all of it, or what was recorded, a little wider."""
    symbols = day.certificate.symbols if day.certificate else []
    starts = [found.book_start for found in symbols if found.book_start is not None]
    ends = [found.book_end for found in symbols if found.book_end is not None]
    if not starts:
        return day.start, day.start + DAY_US
    first, last = min(starts), max(ends)
    step = next((s * SECOND_US for s in _STEPS_S if s * SECOND_US <= last - first), SECOND_US)
    return first // step * step, -(-last // step) * step


def _draw(found: SymbolFigures, window: tuple[int, int]) -> str:
    """Return a bar of the day: what is known is filled, what lies outside of it is empty."""
    assert found.book_start is not None
    assert found.book_end is not None
    first, last = (_place(ts, window) for ts in (found.book_start, found.book_end))
    gaps = "".join(
        f'<rect class=gap x="{_place(gap.start, window):.2f}" '
        f'width="{max(_place(gap.end, window) - _place(gap.start, window), 1.5):.2f}" height="10">'
        f"<title>{escape(_describe(gap))}</title></rect>"
        for gap in _join(find_inner_gaps(found))
    )
    known = f'<rect class=known x="{first:.2f}" width="{max(last - first, 1.5):.2f}" height="10"/>'
    view = f'viewBox="0 0 {_WIDTH} 10" preserveAspectRatio="none"'
    return f"<svg {view} role=img>{known}{gaps}</svg>"


def _list_gaps(day: DayFacts) -> str:
    """Return the longest gaps as text: a bar is too short to read a second off."""
    assert day.certificate is not None
    gaps = [(gap, s.symbol) for s in day.certificate.symbols for gap in find_inner_gaps(s)]
    gaps.sort(key=lambda pair: pair[0].start - pair[0].end)
    rows = [
        (
            escape(symbol),
            format_clock(gap.start),
            format_clock(gap.end),
            format_time(gap.end - gap.start),
            f"<code>{escape(gap.cause or '')}</code>",
        )
        for gap, symbol in gaps[:SYMBOLS_LISTED_MAX]
    ]
    if not rows:
        return ""
    title = f"<summary>the longest of {len(gaps)} gaps</summary>"
    return (
        f"<details>{title}{make_table(('symbol', 'from', 'to', 'long', 'cause'), rows)}</details>"
    )


def _join(gaps: Sequence[CertifiedGap]) -> Iterator[CertifiedGap]:
    """Yield the gaps; where there are many those that come after each other as one."""
    size = -(-len(gaps) // GAPS_DRAWN_MAX)
    for first in range(0, len(gaps), max(size, 1)):
        some = gaps[first : first + size]
        cause = some[0].cause if size == 1 else f"{len(some)} gaps"
        yield CertifiedGap(some[0].start, some[-1].end, cause, None)


def _describe(gap: CertifiedGap) -> str:
    return f"{format_clock(gap.start)} - {format_clock(gap.end)} {gap.cause}"


def _place(ts: int, window: tuple[int, int]) -> float:
    begin, end = window
    return (ts - begin) / (end - begin) * _WIDTH


def _format_tick(ts: int, start: int) -> str:
    """Return the time of day in minutes; the end of a day is 24:00."""
    minutes, seconds = divmod((ts - start) // SECOND_US, 60)
    rest = f":{seconds:02}" if seconds else ""
    return f"{minutes // 60:02}:{minutes % 60:02}{rest}"


def _format_late(symbols: Sequence[SymbolFigures]) -> str:
    """Return the median over symbols: of their medians, and of their last hundredths."""
    found = [s.offsets["book"] for s in symbols if "book" in s.offsets]
    if not found:
        return "-"
    p50, p99 = (sorted(getattr(one, name) for one in found)[len(found) // 2] for name in _RANKS)
    return f"{p50} ms ({p99} ms)"


_RANKS: Final = ("p50", "p99")
