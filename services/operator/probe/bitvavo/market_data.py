"""Judges Bitvavo's market data: tickers and trades against its books."""

from collections import Counter
from decimal import Decimal
from typing import Any, Final

from services.operator.probe.bitvavo.second import BitvavoReading
from services.operator.probe.facts import Fact
from services.operator.probe.levels import DecimalBook
from services.operator.probe.silence import BookSilence
from services.operator.probe.table import AssumptionTable
from services.operator.probe.touches import PendingTickers, judge_side

WITHIN_NS: Final = 200_000_000
TRADE_LOOK_NS: Final = 1_000_000_000
DOOR: Final = "a"


class BitvavoMarketData:
    """Judges the first socket, which has every market."""

    def __init__(self, table: AssumptionTable, _reading: BitvavoReading) -> None:
        """Start with nothing seen."""
        self._table = table
        self._silence = BookSilence(table, "B35")
        self._pending = PendingTickers(table, "B17", WITHIN_NS)
        self._tickers: dict[str, dict[str, Decimal | None]] = {}
        self._ids: dict[str, int] = {}
        self._forms: Counter[str] = Counter()

    def see(self, fact: Fact) -> None:
        """Judge one fact."""
        if fact.door != DOOR:
            return
        self._pending.settle_due(fact.ts)
        if fact.kind == "ticker":
            self._ticker(fact)
        elif fact.kind == "trade":
            self._trade(fact)
        elif fact.kind == "event":
            self._silence.book(fact.market, fact.ts)
        elif fact.kind in ("closed", "lost"):
            self._tickers.clear()
            self._ids.clear()

    def finish(self) -> None:
        """Note the measurements."""
        self._silence.finish()
        if self._forms:
            forms = ", ".join(f"{count} {form}" for form, count in self._forms.most_common())
            self._table.note("B16", forms)

    def _ticker(self, fact: Fact) -> None:
        merged = self._tickers.setdefault(fact.market, {})
        for side, price, size in (
            ("bids", "bestBid", "bestBidSize"),
            ("asks", "bestAsk", "bestAskSize"),
        ):
            if price in fact.body or size in fact.body:
                together = price in fact.body and size in fact.body
                self._table.judge("B15", fact.record.text, holds=together)
            if price in fact.body:
                merged[side] = self._said(fact, fact.body[price])
        touch = merged.get("bids"), merged.get("asks")
        self._silence.ticker(fact.market, fact.ts, touch)
        if fact.book is not None:
            self._pending.add(fact.market, fact.ts, fact.book, merged)

    def _said(self, fact: Fact, value: Any) -> Decimal | None:
        """Return the price, or None for an empty side in any form."""
        if value is None or value == "":
            self._forms[repr(value)] += 1
            self._table.agree("B16")
            return None
        if Decimal(value) == 0:
            self._forms[repr(value)] += 1
            self._table.differ("B16", fact.record.text)
            return None
        return Decimal(value)

    def _trade(self, fact: Fact) -> None:
        number = _number(fact.body["id"])
        before = self._ids.get(fact.market)
        if number is None:
            self._table.differ("B19", f"{fact.market}: {fact.body['id']} has no number")
        elif before is not None:
            example = f"{fact.market}: {number} after {before}"
            self._table.judge("B19", example, holds=number == before + 1)
        if number is not None:
            self._ids[fact.market] = number
        book: DecimalBook | None = fact.book
        if book is not None:
            touches = book.touches_between(fact.ts - TRADE_LOOK_NS, fact.ts)
            judge_side(
                self._table, "B18", touches,
                is_buy=fact.body["side"] == "buy", price=Decimal(fact.body["price"]),
                example=fact.record.text,
            )  # fmt: skip


def _number(identity: str) -> int | None:
    """Return the counter that ends an id of the engine of 2025."""
    parts = identity.split("-")
    try:
        return int(parts[-1], 16) if identity.startswith("00000000-") else None
    except ValueError:
        return None
