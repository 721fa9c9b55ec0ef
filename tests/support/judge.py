"""Judges whether a tape has each message that a simulator sent: once, as it was sent.

The truth file is read here without a line of the code that it judges. What a client must have of a
websocket follows from the order in which it was sent: each change of a book that continues the
snapshot before it, each trade of what was subscribed to. Of a websocket that was cut, or whose
client was killed, the last messages may not have been read: what is missing there must be the end.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tests.support.tape_reader import Gap, Truth, cut, query, read_gaps, rebuild_books

# Of a socket that was cut nothing older than this may be missing; 20 ms are promised, and a
# machine under load reads late.
UNREAD_S_MAX = 5.0
# What comes after a row that doubts a book is not stored until its next snapshot, which comes soon.
DOUBTED_S = 10.0

Levels = frozenset[tuple[str, float, float]]
Key = tuple[str, str, int | str, Levels]  # symbol, kind, sequence or id, levels


class Sent(Struct):
    """One message that a client must have."""

    key: Key
    ts: int
    place: int = 0  # which line of the truth file
    is_stored: bool = False


class Socket(Struct):
    """One websocket, from what the truth file says."""

    number: int
    is_cut: bool = False
    ts_closed: int = 0
    must: list[Sent] = field(default_factory=list)
    all: Counter[Key] = field(default_factory=Counter)
    next: dict[str, int] = field(default_factory=dict)  # of each live book, the next sequence
    newest: dict[str, int] = field(default_factory=dict)  # of each book, what was sent last
    # Books that were given ahead of a live one, or older than what was sent, prove nothing: until
    # the next one a client may see a break or not, at these numbers.
    unsure: set[str] = field(default_factory=set)
    maybe: set[tuple[str, int]] = field(default_factory=set)
    breaks: list[tuple[int, Gap]] = field(default_factory=list)  # where in `must`


class Verdict(Struct):
    """The messages of one exchange, with their fate."""

    sent: int = 0
    stored: int = 0
    unread: int = 0  # at the end of sockets that were cut
    in_holes: int = 0  # of a damaged journal, all told by `journal_hole` rows
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    gaps: int = 0
    wrong_gaps: list[str] = field(default_factory=list)
    wrong_books: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Return every fault."""
        return [
            *(f"lost {one}" for one in self.lost),
            *(f"doubled {one}" for one in self.doubled),
            *(f"never sent {one}" for one in self.invented),
            *(f"gap {one}" for one in self.wrong_gaps),
            *(f"book {one}" for one in self.wrong_books),
        ]


def judge(tape: Path, truth: Path, exchange: str, *, has_last_books: bool = True) -> Verdict:
    """Compare all messages of one simulator with the tape."""
    told = Truth(truth)
    sockets = read_sockets(told, exchange)
    stored, holes = read_stored(tape, exchange), read_holes(tape, exchange)
    doubts = read_doubts(tape, exchange)
    verdict = Verdict(stored=sum(count.total() for count in stored.values()))
    sessions = {socket.number: _find_session(socket, stored) for socket in sockets}
    for socket in sockets:
        session = sessions[socket.number]
        socket.must = [sent for sent in socket.must if not _is_doubted(sent, doubts)]
        _judge_socket(verdict, socket, stored.get(session, Counter()), holes, session)
    for session, count in stored.items():
        sent: Counter[Key] = Counter()
        for socket in sockets:
            if sessions[socket.number] == session:
                sent += socket.all
        _judge_session(verdict, count, sent)
    _judge_gaps(verdict, sockets, read_gaps(tape, exchange))
    if has_last_books:
        _judge_books(verdict, tape, told, exchange)
    return verdict


def find_uncovered(tape: Path, truth: Path, exchange: str, *, until: int) -> list[str]:
    """Return each change of a book that was sent before a time (ns) and stored from no websocket.

    One change goes to all of them at once: its copies, under whatever numbers, stand together.
    """
    stored = read_stored(tape, exchange)
    copies: dict[str, list[tuple[Sent, int]]] = {}
    for socket in read_sockets(Truth(truth), exchange):
        session = _find_session(socket, stored)
        for sent in socket.must:
            if sent.key[1] == "delta" and sent.ts < until:
                sent.is_stored = sent.key in stored.get(session, ())
                copies.setdefault(sent.key[0], []).append((sent, socket.number))
    uncovered = []
    for symbol, found in copies.items():
        found.sort(key=lambda one: one[0].place)
        uncovered += [
            f"{symbol} {[sent.key[2] for sent in change]}"
            for change in _group(found)
            if not any(sent.is_stored for sent in change)
        ]
    return uncovered


def _group(found: list[tuple[Sent, int]]) -> Iterator[list[Sent]]:
    change: list[Sent] = []
    numbers: set[int] = set()
    for sent, number in found:
        if change and (sent.key[3] != change[-1].key[3] or number in numbers):
            yield change
            change, numbers = [], set()
        change.append(sent)
        numbers.add(number)
    yield change


# --- the truth ----------------------------------------------------------------------------------


def read_sockets(told: Truth, exchange: str) -> list[Socket]:
    """Return the messages sent to each websocket."""
    read = READ[exchange]
    names = {line["raw_symbol"]: line["symbol"] for line in told.lines if line["type"] == "book"}
    sockets: dict[int, Socket] = {}
    for place, line in enumerate(told.lines):
        socket = sockets.setdefault(line.get("connection") or 0, Socket(line.get("connection", 0)))
        match line["type"]:
            case "sent" if not line.get("is_binary"):
                for kind, raw_symbol, number, levels in _read(read, line["message"]):
                    key = names[raw_symbol], kind, number, levels
                    is_asked = exchange == "bitvavo"
                    _note(socket, kind, Sent(key, line["ts"], place), is_asked=is_asked)
            case "fault" if line["fault"] in {"garbage", "halt_unsaid"} and line["symbol"]:
                socket.next.pop(line["symbol"], None)
            case "connection" if line["event"] == "close":
                socket.is_cut = line["reason"] != "end"
                socket.ts_closed = line["ts"]
    return [socket for number, socket in sockets.items() if number]


Message = tuple[str, str, int | str, Levels]


def _read(read: Any, message: str) -> list[Message]:
    """Return the content of a message; nothing for garbage."""
    try:
        return list(read(json.loads(message)))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return []


def read_bitvavo(message: Any) -> Iterator[Message]:
    if message.get("event") == "book":
        yield (
            "delta",
            message["market"],
            message["nonce"],
            _levels(message.get("bids"), message.get("asks")),
        )
    elif message.get("event") == "trade":
        yield "trade", message["market"], message["id"], frozenset()
    elif message.get("action") == "getBook" and "response" in message:
        book = message["response"]
        yield "snapshot", book["market"], book["nonce"], _levels(book["bids"], book["asks"])


def read_btcturk(message: Any) -> Iterator[Message]:
    kind, body = message
    if kind in (431, 432) and body["channel"] == "obdiff":
        sides = [
            [(one["P"], "0" if one.get("CP") == 3 else one["A"]) for one in body.get(side) or ()]
            for side in ("BO", "AO")
        ]
        name = "snapshot" if kind == 431 else "delta"
        yield name, body["PS"], body["CS"], _levels(*sides)
    elif kind == 422:
        yield "trade", body["PS"], str(body["I"]), frozenset()


READ = {"bitvavo": read_bitvavo, "btcturk": read_btcturk}


def _levels(bids: Iterable[Any] | None, asks: Iterable[Any] | None) -> Levels:
    """Return levels that may have more items than two; of a price that comes twice, the last."""
    sizes = {
        (name, float(level[0])): float(level[1])
        for name, side in (("bid", bids), ("ask", asks))
        for level in side or ()
    }
    return frozenset((name, price, size) for (name, price), size in sizes.items())


def _note(socket: Socket, kind: str, sent: Sent, *, is_asked: bool) -> None:
    symbol, _, number, _ = sent.key
    socket.all[sent.key] += 1
    if kind == "trade":
        socket.must.append(sent)
        return
    assert isinstance(number, int)
    if kind == "snapshot":
        if not is_asked or _begins(socket, symbol, number):
            socket.next[symbol] = number + 1
            socket.unsure.discard(symbol)
        return
    socket.newest[symbol] = number
    if symbol in socket.unsure:
        socket.maybe.add((symbol, number))
    elif symbol in socket.next:
        expected = socket.next.pop(symbol)
        if number == expected:
            socket.next[symbol] = number + 1
            socket.must.append(sent)
        else:
            socket.breaks.append((len(socket.must), (symbol, expected, number)))


def _begins(socket: Socket, symbol: str, number: int) -> bool:
    """Return whether a book begins for sure at a snapshot that was asked for."""
    expected = socket.next.get(symbol)
    newest = socket.newest.get(symbol, number)
    if expected is None and number >= newest:
        return True
    if expected is None or number >= expected:
        socket.next.pop(symbol, None)
        socket.unsure.add(symbol)
    return expected is not None and number == expected - 1


# --- the tape -----------------------------------------------------------------------------------


def read_stored(tape: Path, exchange: str) -> dict[str, Counter[Key]]:
    """Return how often each session has each message; our own checkpoints are none."""
    stored: dict[str, Counter[Key]] = {}
    rows = query(
        tape,
        "book",
        "SELECT session, symbol, event_number, any_value(is_snapshot), any_value(sequence), "
        "list(side), list(price), list(size) FROM tape "
        f"WHERE exchange = '{exchange}' AND NOT is_checkpoint GROUP BY ALL",
    )
    for session, symbol, _, is_snapshot, sequence, *sides in rows:
        levels = frozenset(level for level in zip(*sides, strict=True) if level[0] is not None)
        key = symbol, "snapshot" if is_snapshot else "delta", sequence, levels
        stored.setdefault(session, Counter())[key] += 1
    rows = query(
        tape, "trades", f"SELECT session, symbol, trade_id FROM tape WHERE exchange = '{exchange}'"
    )
    for session, symbol, trade_id in rows:
        stored.setdefault(session, Counter())[symbol, "trade", trade_id, frozenset()] += 1
    return stored


def read_holes(tape: Path, exchange: str) -> Counter[str]:
    """Return the number of events that each session has lost with its journal, by the tape."""
    rows = query(
        tape,
        "feed_events",
        "SELECT session, sum(sequence_received - sequence_expected) FROM tape "
        f"WHERE exchange = '{exchange}' AND kind = 'journal_hole' GROUP BY ALL",
    )
    return Counter({session: int(events) for session, events in rows})


def read_doubts(tape: Path, exchange: str) -> dict[str, list[int]]:
    """Return when (ns) each symbol's book was doubted by itself, as the tape tells.

    One that trades again is begun anew as well.
    """
    rows = query(
        tape,
        "feed_events",
        "SELECT symbol, epoch_ns(ts_recv) FROM tape "
        f"WHERE exchange = '{exchange}' AND symbol IS NOT NULL AND (kind IN ('mismatch', 'stale') "
        """OR kind = 'resync' AND detail = '{"reason":"trading"}')""",
    )
    doubts: dict[str, list[int]] = {}
    for symbol, ts in rows:
        doubts.setdefault(symbol, []).append(ts)
    return doubts


# --- the verdict --------------------------------------------------------------------------------


def _find_session(socket: Socket, stored: dict[str, Counter[Key]]) -> str:
    """Return the session that read a websocket.

    Two lines read the same changes, but each has snapshots of its own.
    """
    keys = {sent.key for sent in socket.must}
    snapshots = {key for key in socket.all if key[1] == "snapshot"}

    def likeness(session: str) -> tuple[int, int]:
        have = stored[session].keys()
        return len(snapshots & have), len(keys & have)

    return max(stored, key=likeness, default="")


def _is_doubted(sent: Sent, doubts: dict[str, list[int]]) -> bool:
    """Return whether a change came while its book was unknown: the tape may have it or not."""
    times = doubts.get(sent.key[0], []) if sent.key[1] == "delta" else []
    return any(-1e9 <= sent.ts - ts <= DOUBTED_S * 1e9 for ts in times)


def _judge_socket(
    verdict: Verdict, socket: Socket, stored: Counter[Key], holes: Counter[str], session: str
) -> None:
    for sent in socket.must:
        sent.is_stored = sent.key in stored
    verdict.sent += len(socket.must)
    end = _find_end(socket)
    verdict.unread += sum(not sent.is_stored for sent in socket.must[end:])
    for sent in socket.must[:end]:
        if sent.is_stored:
            continue
        if holes[session] > 0:
            holes[session] -= 1
            verdict.in_holes += 1
        else:
            verdict.lost.append(f"{sent.key[:3]} of connection {socket.number}, {session}")


def _find_end(socket: Socket) -> int:
    """Return where the part of a websocket begins that may not have been read."""
    count = len(socket.must)
    if not socket.is_cut:
        return count
    end = count
    # A trade that was not read may have been asked for later: books tell where the end is.
    for place in range(count - 1, -1, -1):
        sent = socket.must[place]
        if (socket.ts_closed - sent.ts) / 1e9 > UNREAD_S_MAX:
            break
        if sent.key[1] == "delta" and sent.is_stored:
            break
        end = place
    return end


def _judge_session(verdict: Verdict, stored: Counter[Key], sent: Counter[Key]) -> None:
    for key, count in stored.items():
        if key[1] == "trade":
            # Also a list of the latest trades, or an answer over REST, brings one.
            if count > 1:
                verdict.doubled.append(str(key[:3]))
        elif key not in sent:
            verdict.invented.append(str(key[:3]))
        elif count > sent[key]:
            verdict.doubled.append(str(key[:3]))


def _judge_gaps(verdict: Verdict, sockets: list[Socket], gaps: list[Gap]) -> None:
    """Compare the breaks that were sent with the gaps of the tape; an unread one broke nothing."""
    verdict.gaps = len(gaps)
    left = Counter(gaps)
    for socket in sockets:
        end = _find_end(socket)
        for place, gap in socket.breaks:
            if left[gap] > 0:
                left[gap] -= 1
            elif not (socket.is_cut and place >= end):
                verdict.wrong_gaps.append(f"{gap} of connection {socket.number} is not told")
    maybe = set[tuple[str, int]]().union(*(socket.maybe for socket in sockets))
    verdict.wrong_gaps += [
        f"{gap} is told and was not sent"
        for gap in left.elements()
        if (gap[0], gap[2]) not in maybe
    ]


def _judge_books(verdict: Verdict, tape: Path, told: Truth, exchange: str) -> None:
    books = rebuild_books(tape, exchange)
    for symbol, book in told.books.items():
        if cut(books.get(symbol), book) != book:
            verdict.wrong_books.append(f"{symbol} does not end as the exchange's own")
