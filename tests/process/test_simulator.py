import abc
import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket
from typing_extensions import override

from tests.support.paths import ROOT

pytestmark = pytest.mark.process

TIMEOUT_S = 20.0
QUIET_S = 1.0
Book = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]


class Simulator:
    """A simulator in a process of its own."""

    def __init__(self, truth: Path, *arguments: str) -> None:
        self.truth = truth
        command = [sys.executable, "-m", "services.simulator", *arguments, "--truth", str(truth)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        self.websocket_url, self.rest_url = words[3], words[5]

    def get(self, path: str) -> requests.Response:
        return requests.get(self.rest_url + path, timeout=TIMEOUT_S)

    def end(self) -> int:
        self.process.terminate()
        status = self.process.wait(TIMEOUT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def lines(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.truth.read_text().splitlines()]
        return [line for line in lines if line["type"] == kind]


class Client(abc.ABC):
    """Follow the books of one websocket as the exchange's manual tells, and note each break."""

    def __init__(self, simulator: Simulator) -> None:
        self.socket = websocket.create_connection(simulator.websocket_url, timeout=TIMEOUT_S)
        self.books: dict[str, Book] = {}
        self.sequences: dict[str, int] = {}
        self.breaks: list[tuple[str, int, int]] = []
        self.texts: list[str] = []

    def send(self, message: object) -> None:
        self.socket.send(json.dumps(message))

    def receive(self) -> Any:
        text = self.socket.recv()
        assert isinstance(text, str)
        self.texts.append(text)
        return json.loads(text)

    def drain(self) -> None:
        """Take all that still comes; ask for what is missing; stop when nothing comes any more."""
        self.socket.settimeout(QUIET_S)
        with contextlib.suppress(websocket.WebSocketTimeoutException):
            while True:
                self.step()

    @abc.abstractmethod
    def start(self, names: list[str]) -> None:
        """Begin to follow these markets."""

    @abc.abstractmethod
    def step(self) -> None:
        """Take one message."""

    def is_next(self, name: str, sequence: int) -> bool:
        """Return whether a change continues the book; if not, note it and drop the book."""
        expected = self.sequences[name] + 1
        if sequence != expected:
            self.breaks.append((name, expected, sequence))
            del self.sequences[name]
            return False
        self.sequences[name] = sequence
        return True


class Bitvavo(Client):
    @override
    def start(self, names: list[str]) -> None:
        self.held: dict[str, list[Any]] = {name: [] for name in names}
        self.send({"action": "subscribe", "channels": [{"name": "book", "markets": names}]})
        for name in names:
            self.ask(name)

    def ask(self, name: str) -> None:
        self.held[name] = []
        self.send({"action": "getBook", "market": name})

    @override
    def step(self) -> None:
        message = self.receive()
        if message.get("action") == "getBook":
            book = message["response"]
            name = book["market"]
            self.books[name] = (levels(book["bids"]), levels(book["asks"]))
            self.sequences[name] = book["nonce"]
            for event in self.held[name]:
                if event["nonce"] > book["nonce"]:
                    self.apply(event)
        elif message.get("event") == "book":
            if message["market"] in self.sequences:
                self.apply(message)
            else:
                self.held[message["market"]].append(message)

    def apply(self, event: Any) -> None:
        name = event["market"]
        if not self.is_next(name, event["nonce"]):
            self.ask(name)
            return
        for side, changes in zip(self.books[name], (event["bids"], event["asks"]), strict=True):
            for price, size in levels(changes).items():
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)


class Btcturk(Client):
    @override
    def start(self, names: list[str]) -> None:
        for name in names:
            self.join(name, is_joining=True)

    def join(self, name: str, *, is_joining: bool) -> None:
        body = {"type": 151, "channel": "obdiff", "event": name, "join": is_joining}
        self.send([151, body])

    @override
    def step(self) -> None:
        kind, frame = self.receive()
        if kind == 431:
            sides = (frame["BO"], frame["AO"])
            bids, asks = ({Decimal(x["P"]): Decimal(x["A"]) for x in side} for side in sides)
            self.books[frame["event"]] = (bids, asks)
            self.sequences[frame["event"]] = frame["CS"]
        elif kind == 432 and frame["event"] in self.sequences:
            self.apply(frame)

    def apply(self, frame: Any) -> None:
        name = frame["event"]
        if not self.is_next(name, frame["CS"]):
            self.join(name, is_joining=False)
            self.join(name, is_joining=True)
            return
        for side, changes in zip(self.books[name], (frame["BO"], frame["AO"]), strict=True):
            for change in changes:
                if change["CP"] == 3:
                    del side[Decimal(change["P"])]
                else:
                    side[Decimal(change["P"])] = Decimal(change["A"])


def levels(rows: list[list[str]]) -> dict[Decimal, Decimal]:
    return {Decimal(price): Decimal(size) for price, size in rows}


CLIENTS: dict[str, type[Client]] = {"bitvavo": Bitvavo, "btcturk": Btcturk}
NAMES = {
    "bitvavo": ["BTC-EUR", "ETH-EUR", "USDT-EUR"],
    "btcturk": ["BTCTRY", "ETHTRY", "USDTTRY"],
}


@pytest.fixture
def simulator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Simulator]:
    arguments: list[str] = request.param
    simulator = Simulator(tmp_path / "truth.jsonl", *arguments)
    yield simulator
    if simulator.process.poll() is None:
        simulator.end()


FAULTY = ["--rate", "60", "--faults", "gap,nonce_reset", "--fault-interval-s", "0.2"]


@pytest.mark.parametrize(
    "simulator",
    [["bitvavo", *FAULTY], ["btcturk", *FAULTY]],
    indirect=True,
    ids=["bitvavo", "btcturk"],
)
def test_an_independent_client_holds_the_final_books_and_saw_each_gap(
    simulator: Simulator,
) -> None:
    name = "bitvavo" if "/v2" in simulator.rest_url else "btcturk"
    client = CLIENTS[name](simulator)
    client.start(NAMES[name])
    while len(client.breaks) < 6:
        client.step()
    simulator.process.send_signal(signal.SIGUSR1)
    client.drain()
    client.socket.close()
    assert 0 == simulator.end()
    for book in simulator.lines("book"):
        expected = (levels(book["bids"]), levels(book["asks"]))
        bids, asks = client.books[book["raw_symbol"]]
        best = sorted(bids, reverse=True)[: len(expected[0])], sorted(asks)[: len(expected[1])]
        assert expected == ({p: bids[p] for p in best[0]}, {p: asks[p] for p in best[1]})
    assert client.breaks == [
        (line["raw_symbol"], line["sequence_expected"], line["sequence_received"])
        for line in simulator.lines("fault")
        if line["is_gap"]
    ]
    sent = [line["message"] for line in simulator.lines("sent")]
    assert client.texts == sent[: len(client.texts)]  # chatter may have come after the last look
    assert ["end"] == [line["type"] for line in simulator.lines("end")]


@pytest.mark.parametrize("simulator", [["bitvavo", "--symbols", "437"]], indirect=True)
def test_all_markets_are_acknowledged_and_heard_on_one_socket(simulator: Simulator) -> None:
    names = [row["market"] for row in simulator.get("/markets").json()]
    assert 437 == len(names)
    client = Bitvavo(simulator)
    client.send({"action": "subscribe", "channels": [{"name": "book", "markets": names}]})
    assert names == client.receive()["subscriptions"]["book"]
    heard = {client.receive()["market"] for _ in range(1_000)}
    assert len(heard) > 150
    client.socket.close()
    assert 0 == simulator.end()


@pytest.mark.parametrize("simulator", [["bitvavo"]], indirect=True)
def test_a_usual_http_client_is_answered_and_told_of(simulator: Simulator) -> None:
    answers = [
        simulator.get(path)
        for path in ("/time", "/NOPE-EUR/book", "/BTC-EUR/book?depth=1", "/nope")
    ]
    assert [200, 400, 200, 404] == [answer.status_code for answer in answers]
    assert "997" == answers[2].headers["bitvavo-ratelimit-remaining"]
    assert 0 == simulator.end()
    assert [
        ("/v2/time", 200),
        ("/v2/NOPE-EUR/book", 400),
        ("/v2/BTC-EUR/book?depth=1", 200),
        ("/v2/nope", 404),
    ] == [(line["path"], line["status"]) for line in simulator.lines("request")]


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "services.simulator", "btcturk", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (1, "") == (done.returncode, done.stdout)
    assert 1 == done.stderr.count("\n")
