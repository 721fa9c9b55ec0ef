"""Judges tickers and trades by the touches of the book at their time."""

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.operator.probe.levels import DecimalBook, Touch
from services.operator.probe.table import AssumptionTable

_Prices = Mapping[str, Decimal | None]


class PendingTickers:
    """Keeps tickers until the book has had time to show the same prices."""

    def __init__(self, table: AssumptionTable, name: str, within_ns: int) -> None:
        """Count in this row: a ticker agrees with a touch up to `within_ns` before or after."""
        self._table = table
        self._name = name
        self._within_ns = within_ns
        self._waiting: deque[tuple[int, str, DecimalBook, dict[str, Decimal | None]]] = deque()

    def add(self, market: str, ts: int, book: DecimalBook, prices: _Prices) -> None:
        """Take a ticker, which names one side or both."""
        if prices:
            self._waiting.append((ts, market, book, dict(prices)))

    def settle_due(self, ts: int) -> None:
        """Judge each ticker whose time has run out."""
        while self._waiting and self._waiting[0][0] + self._within_ns < ts:
            at, market, book, prices = self._waiting.popleft()
            touches = book.touches_between(at - self._within_ns, at + self._within_ns)
            for side, price in prices.items():
                shown = {touch[side == "asks"] for touch in touches}
                if shown:
                    example = f"{market} {side} {price}: the book had {sorted(map(str, shown))}"
                    self._table.judge(self._name, example, holds=price in shown)


def judge_side(
    table: AssumptionTable,
    name: str,
    touches: Sequence[Touch],
    *,
    is_buy: bool,
    price: Decimal,
    example: str,
) -> None:
    """Judge the side of a trade: a taker buys at the ask or above, and sells at the bid or below.

    A price between the two, or at both, proves nothing.
    """
    is_at_ask = any(ask is not None and price >= ask for _, ask in touches)
    is_at_bid = any(bid is not None and price <= bid for bid, _ in touches)
    if is_at_ask != is_at_bid:
        table.judge(name, example, holds=is_buy == is_at_ask)
