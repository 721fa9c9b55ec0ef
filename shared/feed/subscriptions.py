"""Tracks the subscriptions of one connection: requested, standing, refused."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from math import inf
from typing import Final

from msgspec import Struct

from shared.errors import ConnectionLost
from shared.exchange import Exchange
from shared.feed.alone import Alone

ANSWER_S: Final = 10.0  # within which the exchange answers a subscription
RENEWAL_S: Final = 5.0  # within which a subscription brings data after leaving and joining again
ATTEMPTS_MAX: Final = 2  # then the subscription counts as refused
REFUSED_RETRY_S: Final = 600.0  # then we request it again
REFUSED_BY_WORD_S: Final = 60.0  # first wait after an explicit refusal; each next one is doubled

SubscriptionKey = tuple[str, str]  # channel and raw symbol


class _Asked(Struct):
    since_s: float
    attempts: int
    is_resync: bool


class Subscriptions:
    """The subscriptions of one connection.

    Where the exchange acknowledges subscriptions, we request whole lists, one list at a time: a
    refusal does not say which list it means. If it names a symbol, we drop that symbol and request
    the rest; if it names none, we halve the list until we find the refused one.

    Where only data proves a subscription, we request everything at once. We leave and join again
    whatever is silent after `ANSWER_S`, once; then it counts as refused. If a renewal brings no
    snapshot, we give up the connection, which costs all other symbols: at most once in
    `REFUSED_RETRY_S`. If that brought it, later renewals do so at once.
    """

    def __init__(self, exchange: Exchange, channels: Sequence[str]) -> None:
        """Start without a request."""
        self._exchange = exchange
        self.channels = tuple(channels)
        self._waits_for_data = exchange.ready == "data"
        self._lists: deque[list[str]] = deque()  # not requested yet
        self._list: list[str] = []  # requested, not answered
        self._list_since_s = 0.0
        self._list_attempts = 0
        self._is_reported = False  # all requests are answered, and `settled` reported it
        self._asked: dict[SubscriptionKey, _Asked] = {}
        self._ready: set[SubscriptionKey] = set()
        self.refused: dict[SubscriptionKey, float] = {}  # and when to ask again
        self._waits: dict[str, float] = {}  # refused raw symbol -> wait after its next refusal
        self._alone = Alone(exchange)
        self._renewed: dict[SubscriptionKey, float] = {}  # when we gave up a connection for it
        # The latest of these: first while its connection ends, then on the next connection.
        self._giving_up: SubscriptionKey | None = None
        self._given_up: SubscriptionKey | None = None
        self._is_rejoin_vain = False

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._lists.clear()
        self._list, self._list_attempts = [], 0
        self._is_reported = False
        self._asked.clear()
        self._ready.clear()
        self._alone.clear()
        self.refused.clear()
        self._waits.clear()
        self._given_up, self._giving_up = self._giving_up, None

    def follow(self, raw_symbols: Iterable[str]) -> None:
        """Request newly wanted symbols."""
        if raw_symbols := list(raw_symbols):
            self._is_reported = False
            self.ask(raw_symbols)

    def ask(self, raw_symbols: Iterable[str]) -> None:
        """Queue symbols as one more list to request."""
        if raw_symbols := list(raw_symbols):
            self._lists.append(raw_symbols)

    @property
    def is_asking(self) -> bool:
        """Return whether a list waits to be requested, or for its answer."""
        return bool(self._lists or self._list)

    @property
    def has_more(self) -> bool:
        """Return whether the next list may be requested now: one list at a time."""
        return bool(self._lists) and not self._list

    def messages(self, now_s: float) -> list[str]:
        """Return the messages that request the next list."""
        assert self.has_more
        raw_symbols = self._lists.popleft()
        if not self._waits_for_data:
            self._list, self._list_since_s = raw_symbols, now_s
            self._list_attempts += 1
        else:
            for channel in self.channels:
                for raw_symbol in raw_symbols:
                    self._asked[channel, raw_symbol] = _Asked(now_s, 1, is_resync=False)
        return self._exchange.subscribe(self.channels, raw_symbols)

    def acknowledge(self, channel: str, raw_symbols: Iterable[str]) -> list[str]:
        """Take an acknowledgement; return the raw symbols whose subscription now stands.

        Only requested symbols count: an exchange may name everything that it sends, also a
        symbol that we are just leaving.
        """
        if self._waits_for_data or channel not in self.channels:
            return []
        acknowledged = set(raw_symbols)
        ready = [
            raw for raw in self._list if raw in acknowledged and (channel, raw) not in self._ready
        ]
        self._ready.update((channel, raw) for raw in ready)
        if all((c, raw) in self._ready for raw in self._list for c in self.channels):
            self._list = []
            self._list_attempts = 0
        return ready

    def refuse(self, raw_symbol: str | None, now_s: float) -> list[str]:
        """Take a refusal; return the refused raw symbol, if the refusal leaves no doubt."""
        refused = self._list
        self._list, self._list_attempts = [], 0
        if self._waits_for_data or not refused:
            return []
        if raw_symbol in refused:
            self.ask(raw for raw in refused if raw != raw_symbol)
            refused = [raw_symbol]
        if len(refused) == 1:
            wait_s = self._waits.get(refused[0], REFUSED_BY_WORD_S)
            self._waits[refused[0]] = min(2 * wait_s, REFUSED_RETRY_S)
            self.refused.update({(c, refused[0]): now_s + wait_s for c in self.channels})
            return refused
        middle = len(refused) // 2
        self.ask(refused[:middle])
        self.ask(refused[middle:])
        return []

    def postpone(self) -> None:
        """Put the open list back at the front of the queue: the exchange refused to look at it."""
        if self._list:
            self._lists.appendleft(self._list)
            self._list = []

    def is_asked(self, channel: str, raw_symbol: str) -> bool:
        """Return whether we wait for the data that will prove this subscription."""
        return (channel, raw_symbol) in self._asked

    def is_ready(self, channel: str, raw_symbol: str) -> bool:
        """Return whether the subscription stands."""
        return (channel, raw_symbol) in self._ready

    def stands(self, raw_symbol: str) -> bool:
        """Return whether every subscription of a symbol stands."""
        return all((channel, raw_symbol) in self._ready for channel in self.channels)

    def refused_symbols(self) -> set[str]:
        """Return the raw symbols with a refused subscription."""
        return {raw_symbol for _, raw_symbol in self.refused}

    def wake(self, raw_symbol: str, now_s: float) -> bool:
        """Request a symbol's refused subscriptions again now; return whether it had any."""
        keys = [key for key in self.refused if key[1] == raw_symbol]
        self.refused.update(dict.fromkeys(keys, now_s))
        return bool(keys)

    def note_data(self, channel: str, raw_symbol: str, *, is_whole: bool = False) -> bool:
        """Note that data came; return whether this data makes the subscription stand.

        Where an acknowledgement does that, data may come before it. `is_whole`: the data came
        through the subscription of all symbols.
        """
        if is_whole:
            self._alone.note_whole(channel, raw_symbol)
        key = channel, raw_symbol
        is_awaited = self._asked.pop(key, None) is not None or self._waits_for_data
        if key in self._ready or not is_awaited:
            return False
        self.refused.pop(key, None)
        if key == self._giving_up:  # its data came, though late
            self._giving_up = None
        elif key == self._given_up:
            self._is_rejoin_vain, self._given_up = True, None
        self._ready.add(key)
        return True

    def drop(self, raw_symbol: str) -> list[str]:
        """Forget a symbol; return the messages that end its subscriptions."""
        # Without acknowledgements, each of them may stand already, or will soon.
        is_ready = self._waits_for_data
        channels = [c for c in self.channels if is_ready or (c, raw_symbol) in self._ready]
        self._ready.difference_update((c, raw_symbol) for c in self.channels)
        for channel in self.channels:
            self._asked.pop((channel, raw_symbol), None)
            self.refused.pop((channel, raw_symbol), None)
        alone = [message for c in self.channels for message in self._alone.leave(c, raw_symbol)]
        return alone + (self._exchange.unsubscribe(channels, [raw_symbol]) if channels else [])

    def renew(self, channel: str, raw_symbol: str, now_s: float) -> list[str]:
        """Return the messages that leave and join again, to get a new first message.

        Raise `ConnectionLost` where only a new connection is known to bring one.
        """
        if (channel, raw_symbol) in self._asked:
            return []
        if self._is_rejoin_vain:
            raise ConnectionLost(f"only a new connection brings a new snapshot of {raw_symbol}")
        self._ready.discard((channel, raw_symbol))
        self._asked[channel, raw_symbol] = _Asked(now_s, 1, is_resync=True)
        return self._rejoin(channel, raw_symbol, now_s)

    def overdue(self, now_s: float) -> tuple[list[str], list[SubscriptionKey]]:
        """Return the messages that request once more, and the subscriptions that count as refused.

        Raise `ConnectionLost` where only a new connection can help.
        """
        messages: list[str] = []
        refused: list[SubscriptionKey] = []
        if self._list and now_s - self._list_since_s > ANSWER_S:
            refused += self._end_list(now_s)
        for key, asked in list(self._asked.items()):
            if now_s - asked.since_s <= (RENEWAL_S if asked.is_resync else ANSWER_S):
                continue
            if asked.is_resync and self._renewed.get(key, -inf) + REFUSED_RETRY_S <= now_s:
                recent = now_s - REFUSED_RETRY_S
                self._renewed = {one: at_s for one, at_s in self._renewed.items() if at_s > recent}
                self._renewed[key], self._giving_up = now_s, key
                raise ConnectionLost(f"no snapshot of {key[1]} after leaving and joining again")
            if asked.attempts < ATTEMPTS_MAX and not asked.is_resync:
                self._asked[key] = _Asked(now_s, asked.attempts + 1, is_resync=False)
                messages += self._rejoin(*key, now_s)
            else:
                del self._asked[key]
                self.refused[key] = now_s + REFUSED_RETRY_S
                refused.append(key)
        messages += self._retry_refused(now_s) + self._alone.due(now_s)
        return list(dict.fromkeys(messages)), refused  # a message for a whole channel may repeat

    def _end_list(self, now_s: float) -> list[SubscriptionKey]:
        """Request the rest of a list again; return the subscriptions that count as refused.

        If other subscriptions stand, the exchange ignores a symbol of this list: we halve the
        list until we find that symbol.
        """
        self._list = left = [raw for raw in self._list if not self.stands(raw)]
        if self._list_attempts < ATTEMPTS_MAX:
            self.postpone()
            return []
        if not self._ready:
            raise ConnectionLost(f"no answer to a subscription in {ANSWER_S:g} s, twice")
        if len(left) > 1:
            self.refuse(None, now_s)
            return []
        self._list, self._list_attempts = [], 0
        refused = [key for c in self.channels if (key := (c, left[0])) not in self._ready]
        self.refused.update(dict.fromkeys(refused, now_s + REFUSED_RETRY_S))
        return refused

    def is_settled(self) -> bool:
        """Return whether no request waits, or waits for its answer."""
        return not self.is_asking and not self._asked

    def settled(self, raw_symbols: Collection[str]) -> list[tuple[str, int]]:
        """Return, once all is answered, how many of these symbols stand on each channel.

        Report that once for each connection, and once for each change of the wanted symbols.
        """
        if self._is_reported or not raw_symbols or not self.is_settled():
            return []
        self._is_reported = True
        return [
            (channel, sum(self.is_ready(channel, raw) for raw in raw_symbols))
            for channel in self.channels
        ]

    def _retry_refused(self, now_s: float) -> list[str]:
        due = [key for key, at_s in self.refused.items() if at_s <= now_s]
        for key in due:
            del self.refused[key]
        if not self._waits_for_data:
            self.ask({raw_symbol: None for _, raw_symbol in due})
            return []
        messages: list[str] = []
        for key in due:
            self._asked[key] = _Asked(now_s, ATTEMPTS_MAX, is_resync=False)
            messages += self._rejoin(*key, now_s)
        return messages

    def _rejoin(self, channel: str, raw_symbol: str, now_s: float) -> list[str]:
        if self._alone.is_possible(channel):
            return self._alone.join(channel, raw_symbol, now_s)
        leave = self._exchange.unsubscribe([channel], [raw_symbol])
        return leave + self._exchange.subscribe([channel], [raw_symbol])
