"""What stands in for time, sockets and the loop in the tests of the simulator."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.simulator import main
from services.simulator.connection import ClientConnection
from services.simulator.faults import Faults
from services.simulator.market import SimulatedMarket
from services.simulator.protocol import Clock
from services.simulator.simulation import Simulation
from services.simulator.truth import Truth

TS_START = 1_790_126_693_594_483_831


class FakeClock:
    def __init__(self) -> None:
        self.elapsed_ns = 0
        self.clock = Clock(ns=self.ns, monotonic=lambda: self.elapsed_ns / 1e9)
        self._later: list[tuple[int, Callable[[], None]]] = []

    def ns(self) -> int:
        return TS_START + self.elapsed_ns

    def later(self, delay_s: float, callback: Callable[[], None]) -> None:
        self._later.append((self.elapsed_ns + int(delay_s * 1e9), callback))

    def pass_time(self, seconds: float) -> None:
        self.elapsed_ns += int(seconds * 1e9)
        for due in [due for due in self._later if due[0] <= self.elapsed_ns]:
            self._later.remove(due)
            due[1]()


class FakeSocket:
    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.is_open = True
        self.code: int | None = None
        self.is_aborted = False
        self.unsent_bytes = 0
        self.on_withheld: Callable[[], None] | None = None

    def write(self, message: str | bytes) -> bool:
        if self.is_open:
            self.messages.append(message)
        return self.is_open

    def close(self, code: int) -> None:
        self.code = code
        self.is_open = False

    def abort(self) -> None:
        self.is_aborted = True
        self.is_open = False

    def leave_pings_unanswered(self, on_withheld: Callable[[], None] | None) -> None:
        self.on_withheld = on_withheld


class World:
    """A whole simulated exchange without a network, on a clock that the test moves."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
        self.time = FakeClock()
        self.path = path
        options: argparse.Namespace = main.parse([*arguments, "--truth", str(path)])
        self.truth = Truth(path, clock_ns=self.time.ns)
        monkeypatch.setattr(main, "call_later", self.time.later)
        self.simulation: Simulation
        self.faults: Faults
        self.simulation, self.faults = main.build(options, clock=self.time.clock, record=self.truth)
        self.exchange = self.simulation.exchange
        self._numbers = 0

    def connect(self) -> tuple[ClientConnection, FakeSocket]:
        self._numbers += 1
        socket = FakeSocket()
        connection = ClientConnection(self._numbers, socket, truth=self.truth)
        self.simulation.opened(connection)
        return connection, socket

    def say(self, connection: ClientConnection, message: object) -> None:
        self.exchange.received(connection, json.dumps(message))

    def run(self, seconds: float, *, step_s: float = 0.05) -> None:
        for _ in range(round(seconds / step_s)):
            self.time.pass_time(step_s)
            self.simulation.advance()

    def market(self, raw_symbol: str) -> SimulatedMarket:
        return next(m for m in self.exchange.markets if m.listing.raw_symbol == raw_symbol)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        self.truth.flush()
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in lines if line["type"] == kind]


def decoded(socket: FakeSocket) -> list[Any]:
    """Return the JSON messages of a socket; what is no JSON is left out."""
    messages = []
    for message in socket.messages:
        try:
            messages.append(json.loads(message))
        except ValueError:
            continue
    return messages


def shape(value: object) -> object:
    """Return the form of a JSON value: its keys in order, its types, the first of its elements."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__
