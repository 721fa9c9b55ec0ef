"""Counts messages that become no event, each under its kind."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from typing_extensions import override

from shared.errors import MalformedMessage
from shared.event import Delta, Snapshot, Ticker, Trade, TradeList
from shared.exchange import BOOK, TICKER, TRADES, Message

NAMES_MAX: Final = 100  # counted separately in one tally
NAME_CHARACTERS_MAX: Final = 40
OTHERS: Final = "others"
UNPRINTABLE: Final = "unprintable"
REASON_CHARACTERS_MAX: Final = 120
UNKNOWN_CHANNEL: Final = "unknown"
# The parts of a decoder's complaint that differ from message to message: values, list indexes.
_VARYING: Final = re.compile(r"'[^']*'|(?<=\[)[0-9]+(?=\])")

_CHANNELS: Mapping[type, str] = {
    Delta: BOOK,
    Snapshot: BOOK,
    Trade: TRADES,
    TradeList: TRADES,
    Ticker: TICKER,
}


class Tally(Counter[str]):
    """A counter with a bounded number of keys, for keys that come from outside."""

    def note(self, name: str, *, characters_max: int = NAME_CHARACTERS_MAX) -> None:
        """Count a name; count a new one as `OTHERS` if the tally is full."""
        name = name[:characters_max]
        if not name.isprintable():  # a terminal will show it
            name = UNPRINTABLE
        self[name if name in self or len(self) < NAMES_MAX else OTHERS] += 1

    @override
    def copy(self) -> "Tally":
        """Return a copy, faster than a Counter's own: all tallies are copied twice a second."""
        copy = Tally.__new__(Tally)
        dict.update(copy, self)
        return copy


class Counts:
    """Counts what one connection brought besides events."""

    def __init__(self) -> None:
        """Start at 0."""
        self.chatter = Tally()  # known to mean nothing to us
        self.unknown = Tally()  # of a kind that our parser does not know
        self.refused = Tally()  # by the refused request
        self.malformed = 0
        self.malformed_reasons = Tally()  # each with its channel
        self.unread = Tally()  # unreadable decorations of events, null now, by channel and column
        self.read = Tally()  # readable messages of each channel
        self.not_read = Tally()  # unreadable messages of each channel
        self.not_asked_for = 0
        self.snapshots_not_asked_for = 0
        self.snapshots_late = 0  # older than the deltas that had to follow them
        self.audits = 0
        self.audits_unanswered = 0  # in time, after all attempts
        self.last_audit_ts: int | None = None
        self.tickers_agreed = self.tickers_judged = 0  # with the touch of our books
        self.tickers_doubted = 0  # because audits agreed with the book

    def note_read(self, message: Message) -> None:
        """Count a message by the channel of its first event."""
        channel = _CHANNELS.get(type(message))
        if channel is None:
            return
        self.read[channel] += 1
        if isinstance(message, TradeList):
            for trade in message.trades:
                self._note_unread(TRADES, trade.unread)
        elif isinstance(message, Delta | Snapshot | Trade) and message.unread:
            self._note_unread(channel, message.unread)

    def note_malformed(self, error: MalformedMessage) -> None:
        """Count an unreadable message."""
        channel = error.channel or UNKNOWN_CHANNEL
        self.malformed += 1
        self.not_read[channel] += 1
        reason = f"{channel}: {_VARYING.sub('...', error.reason)}"
        self.malformed_reasons.note(reason, characters_max=REASON_CHARACTERS_MAX)

    def _note_unread(self, channel: str, columns: tuple[str, ...]) -> None:
        for column in columns:
            self.unread.note(f"{channel} {column}")

    def copy(self) -> "Counts":
        """Return a copy for another thread to read."""
        copy = Counts()
        for name, value in vars(self).items():
            setattr(copy, name, value.copy() if isinstance(value, Tally) else value)
        return copy
