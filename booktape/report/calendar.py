"""Draws a calendar of coverage for many days: each market a row, each day a cell."""

from collections.abc import Sequence
from html import escape
from typing import Final

from booktape.report.facts import DayFacts, find_known_share
from booktape.report.html import format_share
from booktape.report.svg import READ, WIDTH, make_svg, round_place

# The least share of each colour.
GRADES: Final = ((0.9999, "whole"), (0.999, "known"), (0.99, "lower"), (0.0, "low"))
GRADES_SAID: Final = (
    *(("whole", "99.99 % and more"), ("known", "99.9 %"), ("lower", "99 %"), ("low", "less")),
    ("none", "no figures"),
)
ROWS_MAX: Final = 60


def make_calendar(days: Sequence[DayFacts]) -> str:
    """Return the calendar of one exchange; `days` come in order."""
    shares: dict[str, list[float | None]] = {}
    for place, day in enumerate(days):
        for found in day.certificate.symbols if day.certificate else ():
            row = shares.setdefault(found.symbol, [None] * len(days))
            row[place] = find_known_share(found)
    ranked = sorted(shares.items(), key=lambda item: (_sum(item[1]), item[0]))
    rows = [_make_row(symbol, row) for symbol, row in ranked]
    dates = "".join(f"<i>{day.date[8:]}</i>" for day in days)
    head = (
        f"<div class=row><span class=name></span><div class=dates>{dates}</div>"
        "<span class=share></span></div>"
    )
    names = ",".join(day.date for day in days)
    more = rows[ROWS_MAX:]
    rest = (
        f"<details><summary>{len(more)} more that lost less</summary>"
        f'<div class=heat data-dates="{names}">{"".join(more)}</div>{READ}</details>'
        if more
        else ""
    )
    return (
        f'<div class=heat data-dates="{names}">{head}{"".join(rows[:ROWS_MAX])}</div>{READ}{rest}'
    )


def make_grades() -> str:
    """Return the legend of the colours."""
    items = "".join(f"<li><i class=grade-{name}></i>{text}</li>" for name, text in GRADES_SAID)
    return f"<ul class=legend><li>known of the time:</li>{items}</ul>"


def find_grade(share: float | None) -> str:
    """Return the colour of a day."""
    if share is None:
        return "none"
    return next(name for least, name in GRADES if share >= least)


def _sum(shares: Sequence[float | None]) -> float:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else 0.0


def _make_row(symbol: str, shares: Sequence[float | None]) -> str:
    width = WIDTH / len(shares)
    cells: dict[str, list[str]] = {}
    for place, share in enumerate(shares):
        x, w = round_place(place * width), round_place(width)
        cells.setdefault(find_grade(share), []).append(f"M{x} 0h{w}v10h-{w}z")
    paths = "".join(f'<path class=grade-{name} d="{"".join(d)}"/>' for name, d in cells.items())
    mean = format_share(_sum(shares))
    said = ",".join("" if share is None else f"{share * 100:.4g}" for share in shares)
    bar = make_svg(
        paths,
        height=10,
        name=f"{escape(symbol)}: {mean} known on {len(shares)} days",
        attributes=f' data-shares="{said}"',
    )
    return (
        f"<div class=row><span class=name>{escape(symbol)}</span>{bar}"
        f"<span class=share>{mean}</span></div>"
    )
