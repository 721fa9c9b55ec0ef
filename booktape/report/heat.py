"""Draws heat maps of coverage: each market a row, each time without its book a mark in the row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from msgspec import Struct

from booktape.certificate import CertifiedGap, SymbolFigures
from booktape.report.facts import DayFacts, find_inner_gaps, find_known_share
from booktape.report.html import format_share
from booktape.report.svg import READ, WIDTH, Span, make_axis, make_grid, make_rects, make_svg
from booktape.times import SECOND_US

# Of one market and day; of more gaps, it draws the closest as one. A page has hundreds of rows,
# most of which it shows only on demand.
GAPS_DRAWN_MAX: Final = 80
GAPS_DRAWN_FEW: Final = 8
ROWS_ALL_MAX: Final = 24  # up to so many, show all rows; of more, first those that lost most
ROWS_WORST_MAX: Final = 40
_BINS: Final = 240
_MS: Final = 1000  # µs
# The causes of gaps for which the exchange was away; others mean a lost or wrong book.
AWAY: Final = frozenset({"disconnected", "stale", "rate_limited", "subscription_refused"})
OURS: Final = frozenset({"killed", "stopped", "disk_full", "clock_step", "journal_hole", "open"})
KINDS: Final = {
    "lost": "the book was lost or wrong",
    "away": "the exchange was silent or gone",
    "ours": "the recorder was away",
}


class HeatRow(Struct, frozen=True):
    """One market of one day."""

    symbol: SymbolFigures
    gaps: list[CertifiedGap]

    @property
    def lost_us(self) -> int:
        """Return the time for which its book was lost."""
        return sum(gap.end - gap.start for gap in self.gaps)


def find_kind(cause: str | None) -> str:
    """Return the kind of a gap, by its cause."""
    return "away" if cause in AWAY else "ours" if cause in OURS else "lost"


def make_heat(day: DayFacts, span: Span) -> str:
    """Return the map of one day with figures."""
    assert day.certificate is not None
    symbols = [found for found in day.certificate.symbols if found.book_start is not None]
    rows = [HeatRow(found, find_inner_gaps(found)) for found in symbols]
    shown, more, whole = _choose(rows)
    draw = _Draw(span)
    text = draw.sum(rows) if len(rows) > 1 else ""
    text += "".join(draw.row(row) for row in shown)
    axis = f"<div class=row><span class=name>UTC</span>{make_axis(span)}<span></span></div>"
    span_ms = f'data-from="{span[0] // _MS}" data-to="{span[1] // _MS}"'
    parts = [
        f"<div class=heat {span_ms}>{make_grid(span)}<b class=cross hidden></b>{text}{axis}</div>",
        READ,
    ]
    if more:
        rest = "".join(draw.row(row, GAPS_DRAWN_FEW) for row in more)
        parts.append(
            f"<details><summary>{len(more)} more that lost less</summary><div class=heat {span_ms}>"
            f"{make_grid(span)}<b class=cross hidden></b>{rest}{axis}</div>"
            f"{READ}</details>"
        )
    if whole:
        names = " ".join(escape(row.symbol.symbol) for row in whole)
        parts.append(
            f"<details><summary>{len(whole)} markets without a gap</summary>"
            f"<p class=names>{names}</p></details>"
        )
    return "".join(parts)


def make_legend(causes: Iterable[str | None]) -> str:
    """Return the legend of the colours, with the causes in these days."""
    found: dict[str, set[str]] = {}
    for cause in causes:
        found.setdefault(find_kind(cause), set()).add(cause or "unknown")
    items = "".join(
        f"<li><i class={kind}></i>{text} <small>{_join_names(found[kind])}</small></li>"
        for kind, text in KINDS.items()
        if kind in found
    )
    return f"<ul class=legend><li><i class=known></i>the book is known</li>{items}</ul>"


def _join_names(names: Iterable[str]) -> str:
    return escape(", ".join(sorted(names)))


def _choose(rows: Sequence[HeatRow]) -> tuple[list[HeatRow], list[HeatRow], list[HeatRow]]:
    """Return the rows to show, those to show on demand, and those to show by name."""
    if len(rows) <= ROWS_ALL_MAX:
        return list(rows), [], []
    worst = sorted((row for row in rows if row.gaps), key=lambda row: -row.lost_us)
    return worst[:ROWS_WORST_MAX], worst[ROWS_WORST_MAX:], [row for row in rows if not row.gaps]


class _Draw:
    """Draws rows of one span."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def row(self, row: HeatRow, gaps_max: int = GAPS_DRAWN_MAX) -> str:
        """Return the bar of a market: known time is filled, time outside is empty."""
        found = row.symbol
        assert found.book_start is not None
        assert found.book_end is not None
        # A gap's detail is too long for a bar.
        bare = [CertifiedGap(gap.start, gap.end, gap.cause, None) for gap in row.gaps]
        gaps = join_gaps(bare, gaps_max)
        all_of_it = make_rects([(found.book_start, found.book_end)], self._span)
        known = f'<path class=known d="{all_of_it}"/>'
        by_kind: dict[str, list[Span]] = {}
        for gap in gaps:
            by_kind.setdefault(find_kind(gap.cause), []).append((gap.start, gap.end))
        marks = "".join(
            f'<path class="gap {kind}" d="{make_rects(spans, self._span)}"/>'
            for kind, spans in by_kind.items()
        )
        data = ";".join(self._tell(gaps))
        share = format_share(find_known_share(found))
        count = f"{len(row.gaps)} gap{'' if len(row.gaps) == 1 else 's'}"
        symbol = escape(found.symbol)
        bar = make_svg(
            f"<title>{symbol}: {share} known, {count}</title>{known}{marks}",
            height=10,
            name=f"{symbol}: {share} known, {count}",
            attributes=f' data-gaps="{escape(data)}"',
        )
        return (
            f"<div class=row><span class=name>{symbol}</span>{bar}"
            f"<span class=share>{share}</span></div>"
        )

    def _tell(self, gaps: Sequence[CertifiedGap]) -> Iterator[str]:
        """Yield the time, length (ms) and cause of each gap; leave out a repeated cause."""
        before = ""
        for gap in gaps:
            cause = ", ".join(filter(None, (gap.detail, gap.cause or "unknown")))
            begin, size = (gap.start - self._span[0]) // _MS, -(-(gap.end - gap.start) // _MS)
            yield f"{begin},{size}" + (f",{cause}" if cause != before else "")
            before = cause

    def sum(self, rows: Sequence[HeatRow]) -> str:
        """Return the bar of all markets: how many are known through time."""
        counts = count_known(rows, self._span)
        step = WIDTH / _BINS
        most = max(counts, default=0) or 1
        tops = "".join(f"V{20 - 20 * count / most:.1f}h{step:g}" for count in counts)
        name = f"how many of {len(rows)} markets are known"
        bar = make_svg(
            f'<title>{name}</title><path class=known d="M0 20{tops}V20z"/>', height=20, name=name
        )
        known = sum(row.symbol.known_us for row in rows)
        all_us = sum((r.symbol.book_end or 0) - (r.symbol.book_start or 0) for r in rows)
        share = format_share(known / all_us if all_us else None)
        return (
            f'<div class="row sum"><span class=name>all {len(rows)}</span>{bar}'
            f"<span class=share>{share}</span></div>"
        )


def count_known(rows: Sequence[HeatRow], span: Span, bins: int = _BINS) -> list[int]:
    """Return for each part of a span the count of books known all through it."""
    begin, end = span
    size = max((end - begin) / bins, 1)
    changes: Counter[int] = Counter()
    for row in rows:
        found = row.symbol
        assert found.book_start is not None
        assert found.book_end is not None
        first, last = (round((ts - begin) / size) for ts in (found.book_start, found.book_end))
        changes[first] += 1
        changes[max(first, last)] -= 1
        lost = {
            bin_
            for gap in row.gaps
            for bin_ in range(
                max(int((gap.start - begin) // size), first),
                min(-int(-(gap.end - begin) // size), last),
            )
        }
        for bin_ in lost:
            changes[bin_] -= 1
            changes[bin_ + 1] += 1
    counts, known = [], 0
    for bin_ in range(bins):
        known += changes[bin_]
        counts.append(known)
    return counts


def join_gaps(gaps: Sequence[CertifiedGap], gaps_max: int) -> list[CertifiedGap]:
    """Return at most `gaps_max` gaps: join the closest if there are more."""
    if len(gaps) <= gaps_max:
        return list(gaps)
    between = sorted(
        range(1, len(gaps)), key=lambda at: gaps[at - 1].end - gaps[at].start
    )  # the longest time first
    cuts = [0, *sorted(between[: gaps_max - 1]), len(gaps)]
    return [_join(gaps[first:last]) for first, last in pairwise(cuts)]


def _join(gaps: Sequence[CertifiedGap]) -> CertifiedGap:
    if len(gaps) == 1:
        return gaps[0]
    longest = max(gaps, key=lambda gap: gap.end - gap.start)
    said = f"{len(gaps)} gaps"
    return CertifiedGap(gaps[0].start, gaps[-1].end, longest.cause, said)


def find_span(days: Iterable[DayFacts]) -> Span | None:
    """Return the span to show: all recorded time, a little wider; None without any."""
    symbols = [found for day in days if day.certificate for found in day.certificate.symbols]
    starts = [found.book_start for found in symbols if found.book_start is not None]
    ends = [found.book_end for found in symbols if found.book_end is not None]
    if not starts:
        return None
    first, last = min(starts), max(ends)
    steps = (step * SECOND_US for step in (3_600, 600, 60, 10))
    step = next((step for step in steps if 8 * step <= last - first), SECOND_US)
    return first // step * step, -(-last // step) * step
