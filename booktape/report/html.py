"""Makes pieces of HTML: escaped text, tables, times and numbers for people."""

from collections.abc import Iterable, Sequence
from html import escape
from math import floor, log10
from typing import Final

from booktape.times import DAY_US, SECOND_US

NONE: Final = "\N{EN DASH}"
MINUS: Final = "\N{MINUS SIGN}"
_UNITS: Final = ((3_600, "h"), (60, "min"), (1, "s"))
_DIGITS: Final = 3
_THOUSAND: Final = 1000


def make_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are HTML already, columns of numbers align to the right."""
    found = list(rows)
    is_number = [
        bool(found) and all(_is_number(row[column]) for row in found) for column in range(len(head))
    ]
    numbers = [" class=number" if one else "" for one in is_number]
    titles = "".join(
        f"<th{kind} scope=col>{escape(title)}</th>"
        for title, kind in zip(head, numbers, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, numbers, strict=True))
        + "</tr>"
        for row in found
    )
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    name = escape(head[0])
    return f'<div class=scroll role=region tabindex=0 aria-label="{name}">{table}</div>'


def make_mark(condition: str) -> str:
    """Return a word for a condition, with its colour."""
    return f'<span class="mark {escape(condition)}">{escape(condition)}</span>'


def format_count(count: float) -> str:
    """Return a whole number in groups of three."""
    return f"{count:,.0f}"


def format_rate(rate: float) -> str:
    """Return a rate with as many digits as distinguish it from others."""
    if rate == 0:
        return "0"
    rounded = float(f"{abs(rate):.{_DIGITS}g}")
    digits = max(_DIGITS - 1 - floor(log10(rounded)), 0)
    return f"{rate:,.{min(digits, 8)}f}"


def format_amount(amount: float | None) -> str:
    """Return an amount of money or of a coin, shortened if it is large."""
    if amount is None:
        return NONE
    for unit in ("", "k", "M", "bn"):
        if abs(amount) < _THOUSAND or unit == "bn":
            return f"{format_rate(amount)}{unit and f' {unit}'}"
        amount /= _THOUSAND
    raise AssertionError(amount)


def format_share(share: float | None) -> str:
    """Return a share in percent, with as many digits as distinguish it from 100 %."""
    if share is None:
        return NONE
    return "100 %" if share >= 1 else f"{min(share * 100, 99.999):.3f} %"


def format_bps(value: float | None, digits: int = 1) -> str:
    """Return basis points with their sign."""
    if value is None:
        return NONE
    return f"{value:+,.{digits}f}".replace("-", MINUS)


def format_time(us: int) -> str:
    """Return a duration in µs as text."""
    seconds = us / SECOND_US
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{us / 1000:.0f} ms"


def format_clock(ts: int) -> str:
    """Return the time of day, UTC."""
    seconds, rest = divmod(ts % DAY_US, SECOND_US)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest // 1000:03}"


def _is_number(cell: str) -> bool:
    is_date = cell[4:5] == "-" and cell[:4].isdigit()
    return not is_date and (cell[:1].isdigit() or cell[:1] in {NONE, MINUS, "+"})
