"""Makes certificates of days by hand, for tests of code that shows them."""

from typing import Any

from booktape.certificate import (
    CERTIFICATE_VERSION,
    Certificate,
    CertifiedGap,
    Offsets,
    SymbolFigures,
)
from booktape.report.facts import DayFacts
from booktape.times import DAY_US

DATE = "2026-11-22"
START = 20_779 * DAY_US
SECOND = 1_000_000


def make_symbol(symbol: str = "BTC-EUR", **changes: Any) -> SymbolFigures:
    """Return a symbol with an hour from noon on, ten seconds of which are missing."""
    noon = START + DAY_US // 2
    gap = CertifiedGap(noon + 60 * SECOND, noon + 70 * SECOND, "gap", "{}")
    outside = CertifiedGap(START, noon, "unrecorded", None)
    values: dict[str, Any] = {
        "symbol": symbol,
        "condition": "degraded",
        "events": {"book": 90, "trades": 10},
        "rows": {"book": 500, "trades": 10},
        "epochs": 2,
        "book_start": noon,
        "book_end": noon + 3600 * SECOND,
        "known_us": 3590 * SECOND,
        "gaps": [outside, gap],
        "crossed": 1,
        "audits": 4,
        "audits_differing": 1,
        "levels_compared": 800,
        "levels_differing": 2,
        "mismatches": 1,
        "ticker_judged": 10,
        "ticker_agreed": 9,
        "trades_lost": 0,
        "offsets": {"book": Offsets(90, 1, 2, 9, 41, 99)},
    }
    return SymbolFigures(**{**values, **changes})


def make_day(*symbols: SymbolFigures, exchange: str = "bitvavo", date: str = DATE) -> DayFacts:
    """Return a certified day."""
    certificate = Certificate(
        version=CERTIFICATE_VERSION,
        exchange=exchange,
        date=date,
        revision=0,
        release="0.1.0",
        pyarrow="26",
        condition="degraded",
        journal_holes=0,
        manifests=[],
        files=[],
        symbols=list(symbols),
    )
    return DayFacts(exchange, date, certificate.condition, certificate)
