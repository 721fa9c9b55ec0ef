"""An exchange that sends what none would: on a real socket, into a real journal and segments."""

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache, partial
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, NamedTuple

import pyarrow.parquet as pq
import pytest
from websockets.sync.server import ServerConnection, serve

from booktape.keys import segment_key
from services.buffer_writer.segment import write_segments
from shared.delivery.cursor import Cursor
from shared.delivery.frame import decode
from shared.delivery.journal import Journal
from shared.event import FeedEvent, Row
from shared.exchange import Exchange
from shared.form import MESSAGE_BYTES_MAX
from shared.ingest.intake import Intake
from shared.ingest.recorder import Recorder
from shared.ingest.source import SocketSource
from shared.transport.connection import Connection
from shared.transport.inbox import Inbox
from shared.transport.reader import Reader
from tests.fuzz.corpus import EXCHANGES, SESSION
from tests.support.readers import make_board, make_feed, make_socket
from tests.support.writing import make_run

WAIT_S: Final = 60.0
THE_END: Final = b"the end"  # no exchange's message, so that it becomes a row
NUMBERS: Final = ["1e400", "5.", "NaN", "-1", "", "Infinity", " 1", "1,5", "0x1", "1/2", ".."]
SYMBOLS: Final = [
    "../../etc/passwd",
    "..",
    "/",
    "A/B-EUR",
    "BTC-EUR/../ETH-EUR",
    "\x00",
    "x" * 9999,
]

Tables = dict[str, Any]  # of Arrow

each_exchange = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)


class Talk:
    """What an exchange says about its one symbol, in its own words."""

    def __init__(self, exchange: Exchange, symbol: str) -> None:
        self.symbol = symbol or {"bitvavo": "BTC-EUR", "btcturk": "BTC-TRY"}[exchange.name]
        self.raw_symbol = exchange.raw_symbol(self.symbol)
        self.is_bitvavo = exchange.name == "bitvavo"
        self.book = cache(self._book)

    def answer(self, request: Any, levels: int) -> bytes | None:
        """Return the answer to what the feed asks, if it is about books."""
        if not self.is_bitvavo:
            return self.book(levels) if request[1]["channel"] == "obdiff" else None
        if request["action"] == "subscribe":
            said = {"event": "subscribed", "subscriptions": {"book": [self.raw_symbol]}}
            return json.dumps(said).encode()
        return self.book(levels)

    def _book(self, levels: int) -> bytes:
        prices = [str(number) for number in range(1, levels + 1)]
        bids, asks = prices[: levels // 2], prices[levels // 2 :]
        if self.is_bitvavo:
            body = {"market": self.raw_symbol, "nonce": 1}
            body |= {
                side: [[p, "1"] for p in some] for side, some in (("bids", bids), ("asks", asks))
            }
            return _pack({"action": "getBook", "response": body})
        both = {
            side: [{"P": p, "A": "1"} for p in some] for side, some in (("BO", bids), ("AO", asks))
        }
        return _pack([431, self._head(1) | both])

    def delta(self, sequence: int, price: Any, size: Any, raw_symbol: str | None = None) -> bytes:
        name = self.raw_symbol if raw_symbol is None else raw_symbol
        if self.is_bitvavo:
            body = {"event": "book", "market": name, "nonce": sequence}
            return _pack(body | {"bids": [[price, size]], "asks": []})
        sides = {"BO": [{"CP": 0, "P": price, "A": size}], "AO": []}
        return _pack([432, self._head(sequence) | {"PS": name, "event": name} | sides])

    def trade(self, price: Any, size: Any) -> bytes:
        if self.is_bitvavo:
            body = {"event": "trade", "market": self.raw_symbol, "id": "t1", "timestamp": 1}
            return _pack(body | {"price": price, "amount": size, "side": "buy"})
        body = {"D": "1", "I": "t1", "A": size, "P": price, "PS": self.raw_symbol, "S": 1}
        return _pack([422, body | {"channel": "trade", "event": self.raw_symbol, "type": 422}])

    def _head(self, sequence: int) -> dict[str, Any]:
        return {
            "CS": sequence,
            "PS": self.raw_symbol,
            "channel": "obdiff",
            "event": self.raw_symbol,
        }


def _pack(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Huge(NamedTuple):
    """A message that is never in the memory of who sends it."""

    parts: int  # of a million bytes

    def send(self, peer: ServerConnection) -> None:
        peer.socket.sendall(b"\x81\x7f" + (self.parts * 1_000_000).to_bytes(8))
        part = b"9" * 1_000_000
        for _ in range(self.parts):
            peer.socket.sendall(part)


class World:
    """A feed of one symbol, from its socket to its journal."""

    def __init__(self, exchange: Exchange, folder: Path, *, symbol: str = "") -> None:
        self.talk = Talk(exchange, symbol)
        self.journal = Journal.create(folder / "journal" / exchange.name, SESSION)
        self.intake = Intake()
        self.recorder = Recorder(self.journal, self.intake, lambda: 7)
        self.is_over = Event()
        self.exchange = exchange
        self.folder = folder
        self.board = make_board([self.talk.symbol], ("book", "trades"), exchange)
        self.feed = make_feed(exchange, self.board)
        self.inbox = Inbox(self.intake.announce)
        self.source = SocketSource(
            self.inbox, self.feed, connections=count(), clock_ns=lambda: 7, steady_s=time.monotonic
        )

    @property
    def backlog(self) -> int:
        return self.source.backlog

    def digest(self) -> Iterator[list[Row]]:
        """Yield what the feed makes of it, and see whether it is over."""
        for rows in self.source.digest():
            yield rows
            events = [event for _, _, event in rows if isinstance(event, FeedEvent)]
            if any(event.kind == "malformed" and "the end" in event.detail for event in events):
                self.is_over.set()

    def run(self, messages: Sequence[bytes | Huge], *, levels: int = 4) -> Tables:
        """Let the exchange say all of it behind its book; return the rows of each table."""

        def talk(peer: ServerConnection) -> None:
            said = list(messages)
            for request in peer:
                answer = self.talk.answer(json.loads(request), levels)
                if answer is None:
                    continue
                peer.send(answer)
                for message in [] if b"subscribed" in answer else [*said, THE_END]:
                    if isinstance(message, Huge):
                        message.send(peer)
                    else:
                        peer.send(message)
                    said.clear()

        with _serving(talk) as url:
            socket = make_socket(
                self.inbox,
                self.board,
                url=url,
                connect=lambda to: Connection(to, clock_ns=lambda: 7),
                steady_s=time.monotonic,
            )
            self._run(Reader([socket], steady_s=time.monotonic))
        return self._read()

    def _run(self, reader: Reader) -> None:
        self.intake.attach(self)
        self.recorder.begin()
        stop, stop_recorder = Event(), Event()
        reading = Thread(target=reader.run, args=(stop,))
        recording = Thread(target=self.recorder.run, args=(stop_recorder,))
        reading.start()
        recording.start()
        try:
            assert self.is_over.wait(WAIT_S)
        finally:
            stop.set()
            reading.join()
            stop_recorder.set()
            recording.join()
        assert self.recorder.end()

    def _read(self) -> Tables:
        """Return what the writer would store."""
        self.journal.sync()
        frames = []
        with closing(Cursor(self.journal)) as cursor:
            while (data := cursor.peek(0)) is not None:
                frames.append(decode(data))
                cursor.advance()
        self.journal.close()
        assert frames[-1].last + 1 == self.journal.next_number
        tape = self.folder / "tape"
        tape.mkdir()
        segments = write_segments(make_run(frames), lambda table: tape / table)
        return {table: pq.read_table(segment.path) for table, segment in segments.items()}


@contextmanager
def _serving(talk: Callable[[ServerConnection], None]) -> Iterator[str]:
    server = serve(talk, "127.0.0.1", 0, compression=None)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()
        thread.join()


def malformed(tables: Tables) -> list[dict[str, str]]:
    """Return what is said of each message that was refused, but the last, our own."""
    rows = tables["feed_events"].to_pylist()
    told = [row["detail"] for row in rows if row["kind"] == "malformed"]
    return [json.loads(detail) for detail in told if "the end" not in detail]


def values(tables: Tables, column: str) -> list[Any]:
    """Return a column of the books."""
    found: list[Any] = tables["book"][column].to_pylist()
    return found


@each_exchange
def test_a_message_of_100_mb_is_a_row_and_the_feed_goes_on(
    exchange: Exchange, tmp_path: Path
) -> None:
    world = World(exchange, tmp_path)
    tracemalloc.start()
    try:
        tables = world.run([Huge(100), world.talk.delta(2, "1", "7")])
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    [refused] = malformed(tables)
    assert f"100000000 bytes are more than {MESSAGE_BYTES_MAX}" == refused["reason"]
    assert "9" * 200 == refused["raw"]
    assert (1.0, 7.0) in zip(values(tables, "price"), values(tables, "size"), strict=True)
    assert peak < 300_000_000
    assert left < 30_000_000


@each_exchange
def test_a_million_levels_are_recorded_or_too_long_to_be(
    exchange: Exchange, tmp_path: Path
) -> None:
    world = World(exchange, tmp_path)
    is_too_long = len(world.talk.book(1_000_000)) > MESSAGE_BYTES_MAX
    assert is_too_long == (exchange.name == "btcturk")
    tables = world.run([], levels=1_000_000)
    if is_too_long:
        assert "bytes are more than" in malformed(tables)[0]["reason"]
        assert "book" not in tables
    else:
        assert [] == malformed(tables)
        assert [*range(1, 1_000_001)] == sorted(values(tables, "price"))


@each_exchange
def test_what_is_no_number_is_refused_and_never_reaches_the_tape(
    exchange: Exchange, tmp_path: Path
) -> None:
    world = World(exchange, tmp_path)
    talk = world.talk
    bad = [make("@", "1") for make in (talk.trade, partial(talk.delta, 2))]
    bad += [make("1", "@") for make in (talk.trade, partial(talk.delta, 2))]
    messages = [raw.replace(b'"@"', json.dumps(text).encode()) for raw in bad for text in NUMBERS]
    # A number after a blank, and two numbers: a level may have a third item.
    bare = [text for text in NUMBERS if text not in {" 1", "1,5"}]
    messages += [raw.replace(b'"@"', text.encode()) for raw in bad for text in bare]
    tables = world.run(messages)
    refused = malformed(tables)
    assert len(messages) == len(refused)
    assert {"trades"} == {"book", "trades", "feed_events"} - tables.keys()
    assert {1.0, 2.0, 3.0, 4.0} == set(values(tables, "price"))
    assert {1.0} == set(values(tables, "size"))


@each_exchange
def test_a_symbol_is_never_a_path(exchange: Exchange, tmp_path: Path) -> None:
    world = World(exchange, tmp_path / "state")
    tables = world.run([world.talk.delta(2, "1", "1", raw_symbol=name) for name in SYMBOLS])
    assert {world.talk.symbol} == set(values(tables, "symbol"))
    assert len(SYMBOLS) == world.feed.counts.not_asked_for + len(malformed(tables))
    assert files_of(world) == files_below(tmp_path)


@each_exchange
def test_nor_is_one_that_we_asked_for(exchange: Exchange, tmp_path: Path) -> None:
    symbol = "../../../A/B-EUR"  # no configuration and no list of markets lets it through
    world = World(exchange, tmp_path / "state", symbol=symbol)
    tables = world.run([world.talk.delta(2, "1", "1")])
    assert {symbol} == set(values(tables, "symbol"))
    assert files_of(world) == files_below(tmp_path)
    keys = [segment_key("book", exchange.name, "1970-01-01", SESSION, 0, 9)]
    assert ".." not in "".join(keys)


def files_of(world: World) -> set[str]:
    journal = f"state/journal/{world.exchange.name}/{SESSION}"
    tape = {f"state/tape/{table}" for table in ("book", "feed_events")}
    return {f"{journal}/lock", f"{journal}/{0:012}.journal"} | tape


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
