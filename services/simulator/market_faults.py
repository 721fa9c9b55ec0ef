"""Injects faults of whole markets: of their status, of the form of their messages.

| name | what happens |
|---|---|
| `halt_unsaid` | the list calls a market halted; its orders change unseen, its numbers go on |
| `auction` | the list calls a market in auction: its book is crossed and changes |
| `odd_fields` | times in other units and types, levels of three items, lists and sides null |
| `late_listing` | Bitvavo: the quietest market leaves the list for a while; then its book is new |
| `silent_all` | BtcTurk: the tickers of all pairs stay silent to each client that joins them |
| `late_first` | BtcTurk: a pair stays silent to a client that joins it, then sends only changes |
| `unreadable` | the prices of all tickers are no numbers |

A fault of a status outlasts a client's interval between two requests for the list of markets.
"""

from collections.abc import Callable

from services.simulator.connection import ClientChain, ClientConnection
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import OddWriter, Secretive, SimulatedExchange, TickerOfAll
from services.simulator.switches import Switched
from services.simulator.truth import Truth

STATUS_S = 75.0
TOLD_S = 150.0  # from a halt until the exchange sends the hidden changes to everybody
UNSAID = 5  # levels that change while a market is halted
ODD_S = 20.0
SILENT_S = 45.0
LATE_S = 40.0  # a client waits less for a pair's first book
UNREADABLE_S = 15.0

Aim = tuple[ClientConnection, ClientChain]
Connections = list[ClientConnection]


class MarketFaults:
    """Injects faults of markets; `aim` finds a live book, `end_after` ends those that last."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        *,
        truth: Truth,
        aim: Callable[[Connections], Aim | None],
        end_after: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._exchange = exchange
        self._markets = {market.listing.raw_symbol: market for market in exchange.markets}
        self._truth = truth
        self._aim = aim
        self._end_after = end_after
        self._busy: list[SimulatedMarket] = []
        self.actions: dict[str, Callable[[Connections], bool]] = {
            "halt_unsaid": self._halt_unsaid,
            "auction": self._auction,
            "odd_fields": self._odd_fields,
            "late_listing": self._late_listing,
            "silent_all": self._silent_all,
            "late_first": self._late_first,
            "unreadable": self._unreadable,
        }

    def _find(self, connections: Connections) -> SimulatedMarket | None:
        """Return the market of a live book without another fault."""
        aim = self._aim(connections)
        market = self._markets[aim[1].listing.raw_symbol] if aim else None
        is_free = market is not None and market.is_plain and market not in self._busy
        return market if is_free else None

    def _begin(
        self, name: str, market: SimulatedMarket, connections: Connections, *, is_broken: bool
    ) -> None:
        """Record a fault in the truth file; `is_broken`: it invalidates each book of the market."""
        self._busy.append(market)
        for connection in connections:
            chain = connection.chains.get(market.listing.raw_symbol)
            if chain is not None:
                self._truth.fault(name, connection=connection.number, listing=market.listing)
                if is_broken:
                    chain.end()

    def _halt_unsaid(self, connections: Connections) -> bool:
        secrets, market = self._exchange, self._find(connections)
        if market is None or not isinstance(secrets, Secretive):
            return False
        market.is_halted = True
        self._begin("halt_unsaid", market, connections, is_broken=True)
        for _ in range(UNSAID):
            secrets.lie(market)

        def reopen() -> None:
            market.is_halted = False

        def tell() -> None:
            self._busy.remove(market)
            secrets.reveal(market)

        self._end_after(STATUS_S, reopen)
        self._end_after(TOLD_S, tell)
        return True

    def _auction(self, connections: Connections) -> bool:
        market = self._find(connections)
        if market is None:
            return False
        market.is_in_auction = True
        market.cross()
        self._begin("auction", market, connections, is_broken=False)

        def trade() -> None:
            market.is_in_auction = False
            market.uncross()
            self._busy.remove(market)

        self._end_after(STATUS_S, trade)
        return True

    def _odd_fields(self, connections: Connections) -> bool:
        writer, market = self._exchange, self._find(connections)
        if market is None or not isinstance(writer, OddWriter):
            return False
        self._begin("odd_fields", market, connections, is_broken=False)
        writer.write_oddly(market, is_odd=True)

        def write_as_ever() -> None:
            self._busy.remove(market)
            writer.write_oddly(market, is_odd=False)

        self._end_after(ODD_S, write_as_ever)
        return True

    def _late_listing(self, connections: Connections) -> bool:
        """Delist a market and cut a client that has it; the client must find it once it is back."""
        victim = self._exchange.markets[-1]
        having = [one for one in connections if victim.listing.raw_symbol in one.chains]
        is_one_of_many = len(self._exchange.markets) > 1
        if self._aim(having) is None or victim in self._busy or not is_one_of_many:
            return False
        self._begin("late_listing", victim, having, is_broken=False)
        victim.is_delisted = True
        having[0].abort("late_listing")

        def relist() -> None:
            victim.is_delisted = False
            self._exchange.reset_sequence(victim)  # its book begins anew
            self._busy.remove(victim)

        self._end_after(STATUS_S, relist)
        return True

    def _silent_all(self, connections: Connections) -> bool:
        exchange = self._exchange
        joined = [one for one in connections if one.subscriptions.get("ticker")]
        if not isinstance(exchange, TickerOfAll) or self._aim(joined) is None:
            return False
        exchange.silence_all(is_silent=True)
        self._truth.fault("silent_all", connection=joined[0].number)
        joined[0].abort("silent_all")
        self._end_after(SILENT_S, lambda: exchange.silence_all(is_silent=False))
        return True

    def _late_first(self, connections: Connections) -> bool:
        """Cut each client of a pair; the pair stays silent to them once they join it again."""
        exchange, market = self._exchange, self._find(connections)
        if market is None or not isinstance(exchange, Switched):
            return False
        name, late = market.listing.raw_symbol, exchange.switches.late_books
        having = [one for one in connections if name in one.chains]
        self._begin("late_first", market, having, is_broken=False)
        late.add(name)
        for connection in having:
            connection.abort("late_first")

        def say_changes() -> None:
            self._busy.remove(market)
            late.remove(name)

        self._end_after(LATE_S, say_changes)
        return True

    def _unreadable(self, connections: Connections) -> bool:
        exchange = self._exchange
        listening = [one for one in connections if one.subscriptions.get("ticker")]
        if not isinstance(exchange, Switched) or not listening:
            return False
        switches = exchange.switches
        switches.is_ticker_unreadable = True
        for connection in listening:
            self._truth.fault("unreadable", connection=connection.number)

        def write_numbers() -> None:
            switches.is_ticker_unreadable = False

        self._end_after(UNREADABLE_S, write_numbers)
        return True
