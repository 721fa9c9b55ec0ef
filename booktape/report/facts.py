"""Gathers the facts of each day for a report: its condition, its certificate if one stands."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from booktape.certificate import Certificate, CertifiedGap, SymbolFigures
from booktape.keys import date_of, day_of
from booktape.ledger import Ledger
from booktape.times import DAY_US

MISSING, PENDING = "missing", "pending"

# Adds up an exchange's day without a certificate; None if that fails.
AddUp = Callable[[str, str], Certificate | None]


class DayFacts(Struct, frozen=True):
    """One day of one exchange; `is_draft`: its certificate is not stored, but added up now."""

    exchange: str
    date: str
    condition: str
    certificate: Certificate | None
    is_draft: bool = False

    @property
    def start(self) -> int:
        """Return the day's first moment, µs."""
        return day_of(self.date) * DAY_US


class CauseSum(Struct):
    """The sum of one cause."""

    gaps: int = 0
    us: int = 0
    longest_us: int = 0
    symbols: set[str] = set()


def find_days(ledger: Ledger, first: str, last: str, add_up: AddUp | None = None) -> list[DayFacts]:
    """Return each day of each exchange from one date to another, both included."""
    days = []
    for exchange in ledger.exchanges:
        dates = ledger.dates(exchange)
        for day in range(day_of(first), day_of(last) + 1):
            date = date_of(day)
            certificate = ledger.certificate(exchange, date) if date in dates else None
            condition = PENDING if date in dates else MISSING
            is_draft = False
            if certificate is not None:
                condition = certificate.condition
            elif add_up is not None and condition == PENDING:
                certificate = add_up(exchange, date)
                is_draft = certificate is not None
            days.append(DayFacts(exchange, date, condition, certificate, is_draft))
    return days


def find_symbols(days: Iterable[DayFacts]) -> Iterator[tuple[DayFacts, SymbolFigures]]:
    """Yield each symbol of each certified day."""
    for day in days:
        if day.certificate is not None:
            yield from ((day, found) for found in day.certificate.symbols)


def find_inner_gaps(found: SymbolFigures) -> list[CertifiedGap]:
    """Return the gaps between a book's first and last moment of the day."""
    if found.book_start is None or found.book_end is None:
        return []
    return [
        gap for gap in found.gaps if found.book_start <= gap.start and gap.end <= found.book_end
    ]


def add_causes(days: Sequence[DayFacts]) -> dict[tuple[str, str], CauseSum]:
    """Return the sums of gaps by exchange and cause, the longest first."""
    sums: dict[tuple[str, str], CauseSum] = defaultdict(lambda: CauseSum(symbols=set()))
    for day, found in find_symbols(days):
        for gap in find_inner_gaps(found):
            one = sums[day.exchange, gap.cause or "unknown"]
            one.gaps += 1
            one.us += gap.end - gap.start
            one.longest_us = max(one.longest_us, gap.end - gap.start)
            one.symbols.add(found.symbol)
    return dict(sorted(sums.items(), key=lambda item: -item[1].us))


def find_known_share(found: SymbolFigures) -> float | None:
    """Return the known share of the time between a book's first and last moment."""
    if found.book_start is None or found.book_end is None:
        return None
    return found.known_us / max(found.book_end - found.book_start, 1)
