"""The looker examines all processes once a second for all viewers, on a thread of its own."""

from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from services.dashboard.leases import Leases
from services.dashboard.markets import find_shown, find_wanted
from services.dashboard.sight import (
    Books,
    Complaint,
    Markets,
    Sight,
    add_complaint,
    make_message,
    read_sight,
)
from shared.process import log

LOOK_S: Final = 1.0  # between two looks while somebody views
IDLE_S: Final = 2.5  # while nobody does
LATE_S: Final = 8.0  # an older look says nothing about the present
HISTORY_MAX: Final = 900  # looks

_log = log.get(__name__)


class Looked(NamedTuple):
    """The result of one look: the status, the viewers' message, the time."""

    status: bytes
    message: bytes
    sight: Sight
    at_s: float


class Greeting(Struct, frozen=True):
    """The message that a viewer gets first, and again after a change."""

    markets: Markets
    shown: list[str]
    spread: Sequence[str]
    history: dict[str, list[tuple[int, float | None]]] = {}


class Looker:
    """Keeps the last look; its own thread makes it, any other may read it.

    Viewers come and go on another thread, which replaces `wanted`: the lists of markets that they
    chose, the newest first (an empty one means the default), or None while nobody views.
    """

    def __init__(
        self,
        look: Callable[[], bytes],
        leases: Leases,
        *,
        shown: Sequence[str],
        spread: Sequence[str],
        report: Callable[[], None],
        steady_s: Callable[[], float],
    ) -> None:
        """Prepare; call `report` after each look."""
        self.last: Looked | None = None
        self.greeting = Greeting({}, list(shown), spread)
        self.wanted: list[Sequence[str]] | None = None
        self._look = look
        self._leases = leases
        self._shown = shown
        self._report = report
        self._steady_s = steady_s
        self._start_s = steady_s()
        self._woken: SimpleQueue[None] = SimpleQueue()
        self._rates: deque[tuple[int, dict[str, float | None]]] = deque(maxlen=HISTORY_MAX)

    def run(self, stop: Event) -> None:
        """Look until told to stop."""
        while not stop.is_set():
            begin_s = self._steady_s()
            try:
                self.step()
            except Exception:  # noqa: BLE001 (the next look may succeed)
                _log.exception("a look at the processes failed; it is tried again")
            interval_s = IDLE_S if self.wanted is None else LOOK_S
            self._sleep(begin_s + interval_s - self._steady_s())
        self._leases.end()

    def wake(self) -> None:
        """Make it look now; any thread may call this."""
        self._woken.put(None)

    def _sleep(self, seconds: float) -> None:
        try:
            self._woken.get(timeout=max(0.0, seconds))
            while True:  # one look serves all who woke us
                self._woken.get_nowait()
        except Empty:
            return

    def step(self) -> None:
        """Look once."""
        status = self._look()
        sight = read_sight(status)
        books: Books = {}
        lists = self.wanted
        if lists is None:
            self._leases.end()
        else:
            first = [*self.greeting.shown, *self.greeting.spread]
            chosen = [chosen or first for chosen in lists]
            self._leases.renew(find_wanted([*chosen, self.greeting.spread], sight.exchanges()))
            books, markets = self._leases.read()
            alive = sight.find_alive()
            books = {exchange: of for exchange, of in books.items() if exchange in alive}
            self._greet(markets)
        self._rates.append((sight.ts, sight.rates()))
        message = make_message(status, books)
        self.last = Looked(status, message, sight, self._steady_s())
        self._report()

    def _greet(self, markets: Markets) -> None:
        known = {**self.greeting.markets, **markets}
        if known != self.greeting.markets:
            spread = self.greeting.spread
            self.greeting = Greeting(known, find_shown(self._shown, spread, known), spread)

    def history(self) -> dict[str, list[tuple[int, float | None]]]:
        """Return the rates of each feed so far, oldest first; any thread may ask."""
        rates = list(self._rates)
        names = {name for _, known in rates for name in known}
        return {name: [(ts, known.get(name)) for ts, known in rates] for name in sorted(names)}

    def find_age_s(self) -> float:
        """Return the age of the last look; before the first, how long it has taken so far."""
        return self._steady_s() - (self.last.at_s if self.last else self._start_s)


class Outlook:
    """Reads the last look; a late look is a trouble itself."""

    def __init__(self, looker: Looker, late: Callable[[float], bytes]) -> None:
        """Read this looker; `late` makes a trouble of the age of its last look."""
        self._looker = looker
        self._late = late

    def find_complaints(self) -> list[Complaint] | None:
        """Return every trouble, the worst first; None before the first look."""
        last, late = self._looker.last, self._find_late()
        if late is not None:
            known = last.sight.troubles if last else []
            return [msgspec.json.decode(late, type=Complaint), *known]
        return last.sight.troubles if last else None

    def find_status(self) -> bytes | None:
        """Return the status; None before the first look."""
        return self._add_late(self._looker.last.status) if self._looker.last else None

    def find_message(self) -> bytes | None:
        """Return the viewers' message; None before the first look."""
        return self._add_late(self._looker.last.message) if self._looker.last else None

    @property
    def is_late(self) -> bool:
        """Return whether the last look is too old."""
        return self._looker.find_age_s() > LATE_S

    def _find_late(self) -> bytes | None:
        return self._late(self._looker.find_age_s()) if self.is_late else None

    def _add_late(self, values: bytes) -> bytes:
        late = self._find_late()
        return values if late is None else add_complaint(values, late)
