"""A new exchange is one folder: this one is unlike the others, and nothing else knows of it."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from tests.support.paths import ROOT
from tests.support.simulators import booktape
from tests.support.tape_reader import query, rebuild_books

pytestmark = pytest.mark.process

WAIT_S = 60.0

EXCHANGE = """
from services.ingest_toy import parser
from shared.exchange import Call, Exchange, Limit, Rest

EXCHANGE = Exchange(
    name="toy",
    symbols=("ACORN-NUT", "BERRY-NUT"),
    websocket_url="wss://toy.example/stream",
    rest_url="https://toy.example",
    symbols_per_socket=1,
    raw_symbol=lambda symbol: symbol.replace("-", "/").lower(),
    parse=parser.parse,
    subscribe=lambda channels, raw_symbols: parser.ask("want", channels, raw_symbols),
    unsubscribe=lambda channels, raw_symbols: parser.ask("drop", channels, raw_symbols),
    ready="acknowledgement",
    snapshot_by="first",
    limits={"calls": Limit(points=60, interval_s=60.0)},
    rest=Rest(
        markets=Call(path=lambda: "/markets"),
        parse_markets=lambda raw: [],
        book=Call(path=lambda raw_symbol: f"/book/{raw_symbol}"),
        parse_book=lambda raw_symbol, raw: parser.parse(raw)[0],
        ban_s=lambda status, headers, raw, now_ns: 60.0 if status == 429 else None,
    ),
)
"""

PARSER = """
from typing import Literal

import msgspec
from msgspec import Struct

from shared import form
from shared.event import Delta, Snapshot
from shared.event import Chatter, Refused, Subscribed, Ticker, Trade


class Offer(Struct):
    p: form.Price
    q: form.Number


class Book(Struct, tag_field="kind"):
    of: str
    rev: int
    buy: list[Offer] = []
    sell: list[Offer] = []


class Image(Book, tag="image"):
    pass


class Change(Book, tag="change"):
    pass


class Fill(Struct, tag_field="kind", tag="fill"):
    of: str
    no: int
    p: form.Number
    q: form.Number
    by: Literal["buyer", "seller"]
    at: int


class Top(Struct, tag_field="kind", tag="top"):
    of: str
    buy: form.Number
    sell: form.Number


class Granted(Struct, tag_field="kind", tag="granted"):
    what: str
    of: list[str]


class Denied(Struct, tag_field="kind", tag="denied"):
    of: str


class Joke(Struct, tag_field="kind", tag="joke"):
    text: str


_SIDES = {"buyer": "buy", "seller": "sell"}
_KINDS = Image | Change | Fill | Top | Granted | Denied | Joke
_decode = msgspec.json.Decoder(_KINDS, strict=False).decode


def ask(verb, channels, raw_symbols):
    if not (channels and raw_symbols):
        return []
    return [msgspec.json.encode({verb: list(channels), "of": list(raw_symbols)}).decode()]


def parse(raw):
    match form.decode(_decode, raw):
        case Image(of, rev, buy, sell):
            return [Snapshot(of, _levels(buy), _levels(sell), rev)]
        case Change(of, rev, buy, sell):
            return [Delta(of, _levels(buy), _levels(sell), rev)]
        case Fill() as fill:
            side = _SIDES[fill.by]
            return [Trade(fill.of, str(fill.no), side, fill.p, fill.q, fill.at * 1_000_000_000)]
        case Top(of, buy, sell):
            return [Ticker(of, bid_price=buy, ask_price=sell)]
        case Granted(what, of):
            return [Subscribed(what, of)]
        case Denied(of):
            return [Refused("subscribe", "denied", of)]
        case Joke():
            return [Chatter("joke")]


def _levels(offers):
    return [(one.p, one.q) for one in offers]
"""

MAIN = """
import sys

from services.__main__ import main

sys.exit(main(["ingest", "toy", *sys.argv[1:]]))
"""

FILES = {
    "__init__.py": '"""The exchange of the squirrels."""\n',
    "exchange.py": EXCHANGE,
    "parser.py": PARSER,
    "__main__.py": MAIN,
}

CONFIGURATION = """
[storage]
url = "file:data"
[state]
path = "var"
disk_free_min_bytes = 0
[writer]
flush_interval_s = 0.5
[exchanges.toy]
websocket_url = "{url}"
"""


def offers(**offers: str) -> list[dict[str, str]]:
    return [{"p": price.strip("_").replace("_", "."), "q": size} for price, size in offers.items()]


class Exchange:
    """Speaks the toy's language; what it sends of each symbol is here."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self._over = Event()
        self._server = serve(self._talk, "127.0.0.1", 0)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/stream"

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()

    def _talk(self, connection: ServerConnection) -> None:
        def say(kind: str, **body: Any) -> None:
            connection.send(json.dumps({"kind": kind, **body}))

        asked = json.loads(connection.recv())
        self.asked.append(asked)
        (raw_symbol,) = asked["of"]
        say("joke", text="a squirrel walks into a bar")
        for channel in asked["want"]:
            say("granted", what=channel, of=[raw_symbol])
        self._show(raw_symbol, say)
        self._over.wait(WAIT_S)

    def _show(self, raw_symbol: str, say: Callable[..., None]) -> None:
        of = {"of": raw_symbol}
        say("image", **of, rev=100, buy=offers(_9="1", _8_5="2.50"), sell=offers(_10="3"))
        say("change", **of, rev=101, buy=offers(_9="0"), sell=offers(_10_00="4", _11="1"))
        say("fill", **of, no=7, p="10", q="0.5", by="seller", at=1_795_356_000)
        say("fill", **of, no=7, p="10", q="0.5", by="seller", at=1_795_356_000)
        say("top", **of, buy="8.5", sell="10")
        if raw_symbol == "berry/nut":
            say("change", **of, rev=104, buy=offers(_7="1"))
            say("image", **of, rev=105, buy=offers(_6="1"), sell=offers(_12="1"))


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    exchange = Exchange()
    yield exchange
    exchange.close()


@pytest.fixture
def variables(tmp_path: Path, exchange: Exchange) -> dict[str, str]:
    """Put the folder where booktape finds it; return the environment in which it does."""
    folder = tmp_path / "exchanges" / "ingest_toy"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    found = f"import services\nservices.__path__.append({str(folder.parent)!r})\n"
    (tmp_path / "sitecustomize.py").write_text(found, encoding="utf-8")
    (tmp_path / "booktape.toml").write_text(CONFIGURATION.format(url=exchange.url))
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}


def wait_until(is_so: Callable[[], object], what: str) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end_s, what
        time.sleep(0.05)


def rows(root: Path, table: str, columns: str) -> list[tuple[Any, ...]]:
    return query(root, table, f"SELECT {columns} FROM tape ORDER BY symbol, event_number")


def record(folder: Path, variables: dict[str, str]) -> None:
    """Record until all that the exchange shows is on the tape."""
    started = [
        booktape(folder, variables, "write"),
        booktape(folder, variables, "ingest", "toy"),
    ]
    data = folder / "data"

    def is_stored(events: int) -> bool:
        manifests = [json.loads(path.read_bytes()) for path in data.glob("ledger/*/*/*.json")]
        return events == sum(int(one["last"]) - int(one["first"]) + 1 for one in manifests)

    try:
        # One session_start; of each symbol its connection, three subscriptions, two books, a trade
        # and a ticker; of one of them a gap, a resync and a book more.
        wait_until(lambda: is_stored(1 + 2 * 8 + 3), "it is not recorded")
        started[1].send_signal(signal.SIGTERM)
        said = started[1].communicate(timeout=WAIT_S)[1]
        assert 0 == started[1].returncode, said
        wait_until(lambda: is_stored(1 + 2 * 8 + 3 + 3), "its end is not stored")
    finally:
        for child in started:
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=WAIT_S)
    assert 0 == started[0].returncode


def test_an_exchange_in_a_folder_of_its_own_is_recorded(
    tmp_path: Path, exchange: Exchange, variables: dict[str, str]
) -> None:
    record(tmp_path, variables)
    data = tmp_path / "data"
    assert [["acorn/nut"], ["berry/nut"]] == sorted(asked["of"] for asked in exchange.asked)
    assert {
        "ACORN-NUT": {"bid": {8.5: 2.5}, "ask": {10.0: 4.0, 11.0: 1.0}},
        "BERRY-NUT": {"bid": {6.0: 1.0}, "ask": {12.0: 1.0}},
    } == rebuild_books(data, "toy")
    assert [
        ("ACORN-NUT", 100, True),
        ("ACORN-NUT", 101, False),
        ("BERRY-NUT", 100, True),
        ("BERRY-NUT", 101, False),
        ("BERRY-NUT", 105, True),
    ] == query(
        data,
        "book",
        "SELECT DISTINCT symbol, sequence, is_snapshot FROM tape ORDER BY symbol, sequence",
    )
    seen = "symbol, trade_id, side, price, size, epoch_ns(ts_event) // 1000000000"
    trade = ("7", "sell", 10.0, 0.5, 1_795_356_000)
    assert [("ACORN-NUT", *trade), ("BERRY-NUT", *trade)] == rows(data, "trades", seen)
    tickers = rows(data, "ticker", "symbol, bid_price, bid_size, ask_price")
    assert [("ACORN-NUT", 8.5, None, 10.0), ("BERRY-NUT", 8.5, None, 10.0)] == tickers
    events = rows(data, "feed_events", "symbol, kind, sequence_expected, sequence_received")
    assert ("BERRY-NUT", "gap", 102, 104) in events
    assert {"session_start", "connected", "subscribed", "gap", "resync"} <= {e[1] for e in events}
    assert {"disconnected", "session_end"} <= {e[1] for e in events}


def test_its_tape_proves_itself_and_the_command_line_knows_it(
    tmp_path: Path, exchange: Exchange, variables: dict[str, str]
) -> None:
    record(tmp_path, variables)
    assert exchange.asked
    for arguments, expected in (
        (["verify", "--json"], '"ok":true'),
        (["exchanges"], "toy"),
        (["ingest", "--help"], "toy"),
    ):
        child = booktape(tmp_path, variables, *arguments)
        said, complaints = child.communicate(timeout=WAIT_S)
        assert 0 == child.returncode, complaints
        assert expected in said.replace('": ', '":')
