"""A probe's session plays a script, one step after the other, within the exchange's limits."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from threading import Event
from typing import Final, Protocol

from services.operator.probe.record import ProbeRecord
from services.operator.probe.steps import Close, Get, Open, Send, Step, Wait
from shared.exchange import Cost, Limit

# At most 300 of Bitvavo's 1,000 points a minute: the feeds of this address need the rest.
SHARE: Final = 0.3
SMALL_LIMIT: Final = 20  # a probe may use all of a limit this small, such as that of connections
LOOK_S: Final = 0.5
BLOCK_S_MAX: Final = 60.0  # a longer wait means a ban


class World(Protocol):
    """The world between a probe and an exchange."""

    def open(self, door: str) -> None:
        """Open a socket."""
        ...

    def close(self, door: str) -> None:
        """Close a socket."""
        ...

    def send(self, door: str, text: str) -> None:
        """Send a message."""
        ...

    def get(self, path: str) -> None:
        """Ask over REST; the answer is a record."""
        ...

    def wait(self, seconds: float) -> Iterator[ProbeRecord]:
        """Yield the records that come meanwhile."""
        ...


class ProbePace:
    """Spends points: within the shared limits, and within a probe's share of a minute."""

    def __init__(
        self,
        limits: Mapping[str, Limit],
        spend: Callable[[Cost], float],
        *,
        steady_s: Callable[[], float],
    ) -> None:
        """Share the limits with all other processes, by `spend`."""
        self._most = {
            name: limit.points * (1.0 if limit.points <= SMALL_LIMIT else SHARE)
            for name, limit in limits.items()
        }
        self._interval_s = {name: limit.interval_s for name, limit in limits.items()}
        self._spent: dict[str, deque[tuple[float, int]]] = {name: deque() for name in limits}
        self._spend = spend
        self._steady_s = steady_s

    def spend(self, cost: Cost) -> float:
        """Spend the points and return 0.0, or spend none and return the seconds to wait."""
        now_s, spent = self._steady_s(), self._spent[cost.limit]
        while spent and spent[0][0] <= now_s - self._interval_s[cost.limit]:
            spent.popleft()
        if sum(points for _, points in spent) + cost.points > self._most[cost.limit]:
            return spent[0][0] + self._interval_s[cost.limit] - now_s
        wait_s = self._spend(cost)
        if not wait_s:
            spent.append((now_s, cost.points))
        return wait_s


class ProbeSession:
    """One probe of one exchange."""

    def __init__(
        self,
        world: World,
        pace: ProbePace,
        take: Callable[[ProbeRecord], None],
        *,
        is_banned: Callable[[ProbeRecord], bool],
        stop: Event,
    ) -> None:
        """Prepare; every record goes to `take`, then to `is_banned`.

        The script ends early if `is_banned` returns True or `stop` is set.
        """
        self._world = world
        self._pace = pace
        self._take = take
        self._is_banned = is_banned
        self._stop = stop
        self._banned = False

    def play(self, script: Iterator[Step]) -> bool:
        """Play the script; return whether it came to its end."""
        for step in script:
            if not self._afford(step) or self._stop.is_set():
                return False
            self._do(step)
            self._listen(step.seconds if isinstance(step, Wait) else 0.0)
            if self._banned:
                return False
        return True

    def _afford(self, step: Step) -> bool:
        """Wait for the points of a step; return whether they came."""
        cost = None if isinstance(step, Wait | Close) else step.cost
        while cost and (wait_s := self._pace.spend(cost)):
            if wait_s > BLOCK_S_MAX or self._stop.is_set():
                return False
            self._listen(min(wait_s, LOOK_S))
        return True

    def _do(self, step: Step) -> None:
        match step:
            case Open():
                self._world.open(step.door)
            case Close():
                self._world.close(step.door)
            case Send():
                self._world.send(step.door, step.text)
            case Get():
                self._world.get(step.path)
            case Wait():
                pass

    def _listen(self, seconds: float) -> None:
        while True:
            part_s = min(seconds, LOOK_S)
            for record in self._world.wait(part_s):
                self._take(record)
                self._banned = self._banned or self._is_banned(record)
            seconds -= part_s
            if seconds <= 0.0 or self._stop.is_set():
                return
