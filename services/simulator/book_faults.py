"""Faults of books that no sequence shows; a client finds them by its audits or by tickers.

| name | what happens |
|---|---|
| `walk` | Bitvavo: a price rises by a tenth, beyond the levels of the book's last snapshot |
| `mute` | the exchange sends no changes of one market; its tickers, trades and REST go on |
| `lie` | one level changes, but the exchange does not send the change |
| `late_book` | Bitvavo: the exchange answers a question for a book after 12 s |
| `old_book` | Bitvavo: the exchange answers a question with the book of 1.5 s ago |
| `crossed` | a book stays crossed for a while, as in an auction, and goes on changing |
| `early_reset` | a change is lost, and right after the next snapshot the numbers begin anew |

`services/simulator/market_faults.py` has the faults of whole markets.
"""

from collections.abc import Callable

from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.market import SimulatedMarket
from services.simulator.market_faults import MarketFaults
from services.simulator.protocol import Secretive, SimulatedExchange
from services.simulator.truth import Truth

WALKED = 0.1  # of the price
MUTED_S = 30.0  # long enough for a client to notice
LIE_S = 90.0  # then the exchange sends the truth
LOOK_S = 0.02  # between two looks for a snapshot that a client got
GIVEN_S = 20.0  # within so long a client gets one

Aim = tuple[ClientConnection, ClientChain]
Connections = list[ClientConnection]


class BookFaults:
    """Injects faults of books; `aim` finds a live one, `end_after` ends those that last."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        *,
        truth: Truth,
        crossed_s: float,
        aim: Callable[[Connections], Aim | None],
        end_after: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._deepest = max(exchange.markets, key=lambda market: market.listing.levels)
        self._secrets: Secretive | None = exchange if isinstance(exchange, Secretive) else None
        self._markets = {market.listing.raw_symbol: market for market in exchange.markets}
        self._truth = truth
        self._crossed_s = crossed_s
        self._aim = aim
        self._end_after = end_after
        self._exchange = exchange
        self._is_over = False
        self._muted: list[SimulatedMarket] = []
        self._touched: list[SimulatedMarket] = []
        self.actions: dict[str, Callable[[Connections], bool]] = {
            "walk": self._walk,
            "mute": self._mute,
            "lie": self._lie,
            "late_book": self._late_book,
            "old_book": self._old_book,
            "crossed": self._cross,
            "early_reset": self._early_reset,
            **MarketFaults(exchange, truth=truth, aim=aim, end_after=end_after).actions,
        }

    def end(self) -> None:
        """End them for good: send all hidden changes."""
        self._is_over = True
        for market in self._touched:
            market.uncross()
            if self._secrets is not None:
                self._secrets.mute(market, is_muted=False)
                self._secrets.reveal(market)

    def _find(self, name: str, connections: Connections) -> SimulatedMarket | None:
        """Return a market without another fault, after sending its hidden changes."""
        aim = self._aim(connections)
        if aim is None:
            return None
        market = self._markets[aim[1].listing.raw_symbol]
        if not market.is_plain or market in self._muted:
            return None
        for connection in connections:
            if market.listing.raw_symbol in connection.chains:
                self._truth.fault(name, connection=connection.number, listing=market.listing)
        self._touched.append(market)
        return market

    def _walk(self, connections: Connections) -> bool:
        deepest = self._deepest
        listening = [one for one in connections if deepest.listing.raw_symbol in one.chains]
        if not deepest.is_plain or not deepest.is_moving or not listening:
            return False
        for connection in listening:
            self._truth.fault("walk", connection=connection.number, listing=deepest.listing)
        deepest.walk(WALKED)
        return True

    def _mute(self, connections: Connections) -> bool:
        secrets, market = self._secrets, self._find("mute", connections)
        if market is None or secrets is None:
            return False
        self._muted.append(market)
        secrets.mute(market, is_muted=True)

        def go_on() -> None:
            if market in self._muted:
                self._muted.remove(market)
                secrets.mute(market, is_muted=False)

        self._end_after(MUTED_S, go_on)
        return True

    def _lie(self, connections: Connections) -> bool:
        secrets, market = self._secrets, self._find("lie", connections)
        if market is None or secrets is None:
            return False
        secrets.lie(market)
        self._end_after(LIE_S, lambda: secrets.reveal(market))
        return True

    def _late_book(self, connections: Connections) -> bool:
        return self._answer_badly("late", connections)

    def _old_book(self, connections: Connections) -> bool:
        return self._answer_badly("old", connections)

    def _answer_badly(self, how: str, connections: Connections) -> bool:
        if self._secrets is None or self._aim(connections) is None:
            return False
        self._secrets.answer_book_badly(how)
        for connection in connections:
            self._truth.fault(f"{how}_book", connection=connection.number)
        return True

    def _cross(self, connections: Connections) -> bool:
        market = self._find("crossed", connections)
        if market is None:
            return False
        market.cross()
        self._end_after(self._crossed_s, market.uncross)
        return True

    def _early_reset(self, connections: Connections) -> bool:
        """Lose a change; reset the numbers once a client has a snapshot and no change after it."""
        aim = self._aim(connections)
        if aim is None:
            return False
        connection, chain = aim
        name, chain.withheld = chain.listing.raw_symbol, 1

        def look(left_s: float = GIVEN_S) -> None:
            if self._is_over or left_s < 0:
                return
            now = connection.chains.get(name)
            if now is not None and now.has_snapshot and not now.has_delta and not now.is_pending:
                self._truth.fault("early_reset", connection=connection.number, listing=now.listing)
                self._exchange.reset_sequence(self._markets[name])
            else:
                self._end_after(LOOK_S, lambda: look(left_s - LOOK_S))

        look()
        return True
