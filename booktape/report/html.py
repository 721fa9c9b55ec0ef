"""Makes pieces of HTML: escaped text, tables, times and numbers for people."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from booktape.times import DAY_US, SECOND_US

_UNITS: Final = ((3_600, "h"), (60, "min"), (1, "s"))


def make_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are HTML already, and numbers are set to the right."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(
        "<tr>" + "".join(f"<td{_find_class(cell)}>{cell}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class=scroll>{table}</div>"


def make_mark(condition: str) -> str:
    """Return a word for a condition, with its colour."""
    return f'<span class="mark {escape(condition)}">{escape(condition)}</span>'


def format_count(count: float) -> str:
    """Return a whole number in groups of three."""
    return f"{count:,.0f}"


def format_share(share: float | None) -> str:
    """Return a share in percent, with as many digits as tell it from a hundred."""
    if share is None:
        return "-"
    return "100 %" if share >= 1 else f"{min(share * 100, 99.999):.3f} %"


def format_time(us: int) -> str:
    """Return how long something lasted."""
    seconds = us / SECOND_US
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{us / 1000:.0f} ms"


def format_clock(ts: int) -> str:
    """Return the time of day, UTC."""
    seconds, rest = divmod(ts % DAY_US, SECOND_US)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest // 1000:03}"


def _find_class(cell: str) -> str:
    return " class=number" if cell[:1].isdigit() or cell[:1] in "--" else ""
