"""Reads an exchange first as a feed does, with its parser, the sequencer, the ladder."""

from collections import Counter
from typing import Final

from booktape.ladder import Ladder
from services.operator.probe.levels import DecimalBook
from services.operator.probe.record import ProbeRecord
from services.operator.probe.table import AssumptionTable
from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Snapshot, Throttled
from shared.exchange import Exchange
from shared.feed.sequencer import Sequencer, Verdict

KINDS_SHOWN: Final = 5

_Key = tuple[str, str]


class FirstReading:
    """Keeps the books of every socket, and compares them with those of the second reading."""

    def __init__(self, exchange: Exchange, table: AssumptionTable) -> None:
        """Start without a book."""
        self.throttled: Throttled | None = None  # set: the exchange allows no more requests
        self._exchange = exchange
        self._table = table
        self._books: dict[_Key, tuple[Sequencer, Ladder]] = {}
        self._unknown: Counter[str] = Counter()

    def see(self, record: ProbeRecord) -> None:
        """Read one message."""
        if record.kind in ("closed", "lost"):
            for key in [key for key in self._books if key[0] == record.door]:
                del self._books[key]
        if record.kind != "text":
            return
        try:
            messages = self._exchange.parse(record.text.encode())
        except MalformedMessage as error:
            self._table.differ("P1", str(error))
            return
        self._table.agree("P1")
        for message in messages:
            if isinstance(message, Chatter) and not message.is_known:
                self._unknown[message.kind] += 1
                self._table.differ("P2", record.text)
            elif isinstance(message, Throttled):
                self.throttled = message
            elif isinstance(message, Delta):
                self._delta(record, message)
            elif isinstance(message, Snapshot):
                self._snapshot(record, message)
        self._table.agree("P2")

    def compare_book(self, key: _Key, other: DecimalBook | None) -> None:
        """Compare one book with that of the second reading, if both have the same number."""
        if other is None or key not in self._books or self._books[key][0].last != other.sequence:
            return
        ladder = self._books[key][1]
        for side, ours in (("bids", ladder.bids), ("asks", ladder.asks)):
            theirs = {float(price): float(size) for price, size in other.sides[side].items()}
            found = [price for price in ours | theirs if ours.get(price) != theirs.get(price)]
            self._table.agree("P3", len(ours) - len(found) if len(ours) > len(found) else 0)
            for price in found:
                two = f"{ours.get(price)} for {theirs.get(price)}"
                self._table.differ("P3", f"{key[1]} on {key[0]}, {side} {price}: {two}")

    def finish(self) -> None:
        """Note the unknown kinds of messages."""
        if self._unknown:
            kinds = [f"{count} {kind}" for kind, count in self._unknown.most_common(KINDS_SHOWN)]
            self._table.note("P2", ", ".join(kinds))

    def _delta(self, record: ProbeRecord, delta: Delta) -> None:
        key = record.door, delta.raw_symbol
        if key not in self._books:
            self._books[key] = Sequencer(), Ladder()
            self._books[key][0].hold_deltas()
        sequencer, ladder = self._books[key]
        verdict = sequencer.judge(record.ts, delta)
        if verdict is Verdict.ACCEPTED:
            self._apply(ladder, delta)
        elif verdict is Verdict.GAP:
            del self._books[key]

    def _snapshot(self, record: ProbeRecord, snapshot: Snapshot) -> None:
        key = record.door, snapshot.raw_symbol
        sequencer, ladder = self._books.get(key, (Sequencer(), Ladder()))
        is_first = self._exchange.snapshot_by == "first"
        if sequencer.is_live and sequencer.last != snapshot.sequence and not is_first:
            return  # the snapshot is of another moment: the book goes on
        self._books[key] = sequencer, ladder
        ladder.replace(snapshot.bids, snapshot.asks)
        if sequencer.is_live or is_first:
            sequencer.begin(snapshot.sequence)
            return
        held = sequencer.splice(snapshot)
        if held is None:
            del self._books[key]
            return
        for _, delta in held:
            self._apply(ladder, delta)

    def _apply(self, ladder: Ladder, delta: Delta) -> None:
        ladder.apply(delta.bids, delta.asks)
        if self._exchange.window is not None:
            ladder.cut_to(self._exchange.window)
