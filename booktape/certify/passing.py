"""Makes one pass over a tape: certifies every day that is over, and reports each result."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from booktape.certificate import Certificate
from booktape.certify.bounds import clear_left, hold_folder
from booktape.certify.certifying import Progress, certify
from booktape.certify.days import Days, NotOver
from booktape.errors import BooktapeError, TapeError
from booktape.ledger import Ledger
from booktape.store.protocol import Store

_NO_NAME = re.compile(r"[^a-z0-9_-]+", re.ASCII)


class Wanted(Struct, frozen=True):
    """Selects days; `None` selects all."""

    exchange: str | None = None
    date: str | None = None


class DayResult(Struct, frozen=True):
    """The result of one day: a new certificate, or the fault."""

    exchange: str
    date: str
    certificate: Certificate | None = None
    not_over: str | None = None
    fault: str | None = None


def certify_days(
    store: Store,
    url: str,
    wanted: Wanted,
    temporary: Path,
    *,
    clock_ns: Callable[[], int],
    progress: Progress,
) -> Iterator[DayResult]:
    """Certify each day whose certificate does not stand; yield the result of each.

    A day that fails does not stop the others.
    """
    days = Days(store, Ledger(store, url, certified=False))
    clear_left(temporary)
    for exchange, date in _choose(days, wanted):
        try:
            plan = days.plan(exchange, date, clock_ns=clock_ns())
            if plan is None:
                continue
            with hold_folder(temporary, f"{_name(url)}-{exchange}-{date}") as folder:
                certificate = certify(store, url, plan, folder, progress)
            yield DayResult(exchange, date, certificate)
        except NotOver as error:
            yield DayResult(exchange, date, not_over=str(error))
        except (BooktapeError, MemoryError) as error:
            yield DayResult(exchange, date, fault=str(error) or "it takes too much memory")


def _choose(days: Days, wanted: Wanted) -> Sequence[tuple[str, str]]:
    exchanges = days.exchanges if wanted.exchange is None else [wanted.exchange]
    found = [(exchange, date) for exchange in exchanges for date in days.dates(exchange)]
    if wanted.date is None:
        return found
    chosen = [place for place in found if place[1] == wanted.date]
    if not chosen:
        dates = sorted({date for _, date in found})
        held = f"it has {dates[0]} to {dates[-1]}" if dates else "it has no rows yet"
        raise TapeError(f"no rows of {wanted.date} on this tape; {held}")
    return chosen


def _name(url: str) -> str:
    """Return a folder's name for a tape."""
    return _NO_NAME.sub("-", url.lower()).strip("-")[-80:]
