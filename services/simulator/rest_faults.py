"""Injects faults into an exchange's answers over REST, lists of trades included.

| name | what happens |
|---|---|
| `short_trades` | the exchange cuts a connection; for a while lists of trades begin only then |
| `no_endpoint` | for a while REST answers every question as that of an unknown path |
| `endless_429` | once: REST answers a question with 429, without an end of the ban |

A client that heeds the last one asks Bitvavo nothing for a quarter of an hour: so it comes once.
"""

from collections.abc import Callable

from services.simulator.connection import ClientConnection
from services.simulator.protocol import Clock, SimulatedExchange
from services.simulator.switches import Switched
from services.simulator.truth import Truth

SHORT_S = 20.0  # until a client has connected again and asked for trades of several markets
NO_ENDPOINT_S = 75.0  # a client asks for the list of markets within it

Connections = list[ClientConnection]


class RestFaults:
    """Injects faults of answers; `aim` finds a connection to cut, `end_after` ends what lasts."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        clock: Clock,
        truth: Truth,
        aim: Callable[[Connections], ClientConnection | None],
        end_after: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._truth = truth
        self._aim = aim
        self._end_after = end_after
        self._has_banned = False
        self.actions: dict[str, Callable[[Connections], bool]] = {
            "short_trades": self._short_trades,
            "no_endpoint": self._no_endpoint,
            "endless_429": self._endless_429,
        }

    def _short_trades(self, connections: Connections) -> bool:
        exchange, connection = self._exchange, self._aim(connections)
        if connection is None or not isinstance(exchange, Switched):
            return False
        switches = exchange.switches
        switches.ts_trades = self._clock.ns()
        self._cut_connection("short_trades", connection)

        def remember() -> None:
            switches.ts_trades = 0

        self._end_after(SHORT_S, remember)
        return True

    def _no_endpoint(self, connections: Connections) -> bool:
        exchange, connection = self._exchange, self._aim(connections)
        if connection is None or not isinstance(exchange, Switched):
            return False
        switches = exchange.switches
        switches.not_found = exchange.unknown_endpoint
        self._cut_connection("no_endpoint", connection)

        def answer_again() -> None:
            switches.not_found = None

        self._end_after(NO_ENDPOINT_S, answer_again)
        return True

    def _endless_429(self, connections: Connections) -> bool:
        exchange = self._exchange
        if not isinstance(exchange, Switched) or not connections:
            return False
        if not self._has_banned:
            self._has_banned = exchange.switches.is_next_too_many = True
            self._truth.fault("endless_429")
        return True

    def _cut_connection(self, name: str, connection: ClientConnection) -> None:
        self._truth.fault(name, connection=connection.number)
        connection.abort(name)
