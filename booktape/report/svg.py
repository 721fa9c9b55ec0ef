"""Draws as inline SVG: lines that a null breaks, areas, marks on an axis; texts stay HTML."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10
from typing import Final

from booktape.times import DAY_US, SECOND_US, date_of_ts

WIDTH: Final = 1440
# Follows a heat map: the page's script describes a mark here.
READ: Final = "<output class=read>Point at a mark to read it off.</output>"
# Steps between the marks of a time axis, in seconds.
STEPS_S: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800),
)
_TICKS_MAX: Final = 9
_MINUTE_US: Final = 60 * SECOND_US

Span = tuple[int, int]
Values = Sequence[float | None]


def place(ts: int, span: Span) -> float:
    """Return the place of a moment between both ends of a span."""
    begin, end = span
    return (ts - begin) / max(end - begin, 1) * WIDTH


def round_place(value: float) -> str:
    """Return a coordinate in as few characters as a picture needs."""
    return f"{value:.1f}".removesuffix(".0")


def make_line(ts: Sequence[int], values: Values, span: Span, bounds: tuple[float, float]) -> str:
    """Return a path through the values; `bounds` are the values at its bottom, 100, and top, 0."""
    low, high = bounds
    parts = []
    is_open = False
    for moment, value in zip(ts, values, strict=True):
        if value is not None:
            up = 100 - 100 * (value - low) / ((high - low) or 1)
            x, y = round_place(place(moment, span)), round_place(up)
            # A single point shows by its round end.
            parts.append(f"{x} {y}" if is_open else f"M{x} {y}h0L{x} {y}")
            if is_open:
                parts[-1] = f" {parts[-1]}"
        is_open = value is not None
    return "".join(parts)


def make_rects(spans: Iterable[Span], span: Span, height: int = 10) -> str:
    """Return a path of rectangles of one height, each from one moment to another."""
    parts = []
    for begin, end in spans:
        x, width = place(begin, span), place(end, span) - place(begin, span)
        parts.append(f"M{round_place(x)} 0h{round_place(width)}v{height}h-{round_place(width)}z")
    return "".join(parts)


def make_svg(inner: str, *, height: int = 100, name: str = "", attributes: str = "") -> str:
    """Return a picture that fills its place; screen readers read its name."""
    said = f'role="img" aria-label="{name}"' if name else 'aria-hidden="true"'
    view = f'viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none"'
    return f"<svg {view} {said}{attributes}>{inner}</svg>"


def find_ticks(span: Span) -> list[tuple[float, str]]:
    """Return the marks of a time axis: each place in percent, and its time of day or date."""
    begin, end = span
    wanted_us = (end - begin) / _TICKS_MAX
    steps = (step * SECOND_US for step in STEPS_S)
    step = next((step for step in steps if step >= wanted_us), STEPS_S[-1] * SECOND_US)
    step = max(step, DAY_US) if end - begin > 2 * DAY_US else step
    first = -(-begin // step) * step
    marks = range(first, end + 1, step)
    return [(100 * place(ts, span) / WIDTH, format_tick(ts, step, span)) for ts in marks]


def format_tick(ts: int, step: int, span: Span) -> str:
    """Return a moment as text for a mark of an axis."""
    if step >= DAY_US:
        return date_of_ts(ts)[5:]
    seconds, is_end = ts % DAY_US // SECOND_US, ts == span[1] and ts % DAY_US == 0
    hours = 24 if is_end else seconds // 3600
    rest = f":{seconds % 60:02}" if step < _MINUTE_US else ""
    return f"{hours:02}:{seconds // 60 % 60:02}{rest}"


def make_axis(span: Span) -> str:
    """Return the marks of a time axis, as text."""
    marks = "".join(f'<i style="left:{at:.2f}%">{text}</i>' for at, text in find_ticks(span))
    return f"<div class=axis>{marks}</div>"


def make_grid(span: Span) -> str:
    """Return a line for each mark of a time axis."""
    lines = "".join(f'<i style="left:{at:.2f}%"></i>' for at, _ in find_ticks(span))
    return f"<div class=grid aria-hidden=true>{lines}</div>"


def find_bounds(columns: Iterable[Values], *, with_zero: bool = False) -> tuple[float, float]:
    """Return a round number below all values, and one above them."""
    known = [value for column in columns for value in column if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    size = (high - low) or abs(high) or 1.0
    step = 10 ** floor(log10(size))
    step = step if size / step > 4 else step / 2 if size / step > 2 else step / 5  # noqa: PLR2004
    return floor(low / step) * step, ceil(high / step) * step
