"""Runs a probing of a simulated exchange on a clock of its own: minutes in a second or two."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from threading import Event
from unittest.mock import patch

from msgspec.structs import replace

from services.__main__ import find_exchanges
from services.operator.probe import probing
from services.operator.probe.evaluation import Evaluation
from services.operator.probe.record import REST, ProbeRecord
from services.operator.probe.session import ProbePace, ProbeSession
from services.operator.probe.table import JudgedRow
from services.simulator import main
from services.simulator.connection import ClientConnection
from services.simulator.found import load_lies
from services.simulator.lies import Lie
from services.simulator.protocol import Answer, Clock
from services.simulator.truth import Truth
from shared.exchange import Cost

START_NS = 1_795_356_000_000_000_000  # 2026-11-22 14:00:00 UTC
TICK_S = 0.02
MINUTES = 2.0


class _Socket:
    unsent_bytes = 0

    def __init__(self, put: Callable[[str | bytes], None]) -> None:
        self._put = put

    def write(self, message: str | bytes) -> bool:
        self._put(message)
        return True

    def close(self, code: int) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError

    def leave_pings_unanswered(self, on_withheld: Callable[[], None] | None) -> None:
        raise NotImplementedError


class SimulatedWorld:
    """The world of one probe."""

    def __init__(self, exchange: str, *options: str) -> None:
        self.now_s = 0.0
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._records: list[ProbeRecord] = []
        self._doors: dict[str, tuple[ClientConnection, float]] = {}
        parsed = main.parse([exchange, *options])
        clock = Clock(ns=self.clock_ns, monotonic=lambda: self.now_s)
        truth = Truth(None, clock_ns=self.clock_ns)
        with patch.object(main, "call_later", self._call_later):
            self._simulation, _ = main.build(parsed, clock=clock, record=truth)
        self._exchange = self._simulation.exchange
        self._truth = truth

    def clock_ns(self) -> int:
        return START_NS + round(self.now_s * 1e9)

    def halt_last(self) -> None:
        self._exchange.markets[-1].is_halted = True

    def open(self, door: str) -> None:
        self.close(door)
        refusal = self._exchange.handshake(self._exchange.websocket_path)
        if refusal is not None:
            self._put(door, "refused", status=refusal.status)
            return
        self._put(door, "opened")

        def put(message: str | bytes) -> None:
            assert isinstance(message, str)
            self._put(door, "text", text=message)

        connection = ClientConnection(next(self._numbers), _Socket(put), truth=self._truth)
        self._doors[door] = connection, self.now_s + self._exchange.ping_interval_s
        self._simulation.opened(connection)

    def close(self, door: str) -> None:
        if door in self._doors:
            self._simulation.closed(self._doors.pop(door)[0])
            self._put(door, "closed")

    def send(self, door: str, text: str) -> None:
        self._put(door, "sent", text=text)
        self._exchange.received(self._doors[door][0], text)

    def get(self, path: str) -> None:
        answer = self._exchange.request(self._exchange.rest_path + path)
        self._put(
            REST,
            "answer",
            path=path,
            text=answer.body.decode(),
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers.items()},
        )

    def wait(self, seconds: float) -> Iterator[ProbeRecord]:
        until_s = self.now_s + seconds
        while True:
            yield from self._records
            self._records.clear()
            if self.now_s >= until_s:
                return
            self.now_s = min(self.now_s + TICK_S, until_s)
            while self._later and self._later[0][0] <= self.now_s:
                heapq.heappop(self._later)[2]()
            self._simulation.advance()
            self._ping()

    def _ping(self) -> None:
        for door, (connection, due_s) in self._doors.items():
            if due_s <= self.now_s:
                self._put(door, "ping")
                self._doors[door] = connection, due_s + self._exchange.ping_interval_s

    def _call_later(self, delay_s: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self.now_s + delay_s, next(self._numbers), callback))

    def _put(self, door: str, kind: str, **more: object) -> None:
        self._records.append(ProbeRecord(ts=self.clock_ns(), door=door, kind=kind, **more))  # type: ignore[arg-type]


def play(world: SimulatedWorld, exchange: str, minutes: float) -> list[ProbeRecord]:
    """Return the records of a probe of so many minutes."""
    declared = find_exchanges()[exchange]
    evaluation = Evaluation(declared, probing.load(exchange))
    records: list[ProbeRecord] = []

    def take(record: ProbeRecord) -> None:
        records.append(record)
        evaluation.see(record)

    def spend(_cost: Cost) -> float:
        return 0.0

    session = ProbeSession(
        world,
        ProbePace(declared.limits, spend, steady_s=lambda: world.now_s),
        take,
        is_banned=lambda _record: False,
        stop=Event(),
    )
    script = probing.load(exchange).script(evaluation.reading, minutes, lambda: world.now_s)
    assert session.play(script)
    return records


@cache
def honest(exchange: str) -> tuple[ProbeRecord, ...]:
    """Return the records of a probe of an exchange that keeps our assumptions."""
    world = SimulatedWorld(exchange, *OPTIONS[exchange])
    if exchange in HALTING:
        world.halt_last()
    return tuple(play(world, exchange, MINUTES))


OPTIONS = {
    "bitvavo": ("--symbols", "4", "--rate", "5", "--levels", "40"),
    "btcturk": ("--symbols", "4", "--rate", "4", "--levels", "160"),
}

HALTING = {"bitvavo"}  # whose words of a market that stands still are known


def judge(
    exchange: str, records: "tuple[ProbeRecord, ...] | list[ProbeRecord]"
) -> dict[str, JudgedRow]:
    """Return the rows of these records by their names."""
    evaluation = Evaluation(find_exchanges()[exchange], probing.load(exchange))
    for record in records:
        evaluation.see(record)
    return {row.assumption.id: row for row in evaluation.rows()}


def lie(exchange: str, name: str) -> list[ProbeRecord]:
    """Return the records of the same probe of an exchange that tells this lie."""
    return tell(load_lies(exchange)[name](), honest(exchange))


def tell(one: Lie, records: Iterable[ProbeRecord]) -> list[ProbeRecord]:
    told: list[ProbeRecord] = []
    refused: set[str] = set()
    pings: dict[str, int] = {}
    for record in records:
        if record.kind == "opened":
            refused.discard(record.door)
            if refusal := one.handshake():
                refused.add(record.door)
                told.append(replace(record, kind="refused", status=refusal.status))
                continue
        if record.kind == "opened":
            pings[record.door] = record.ts
        if record.door in refused:
            continue
        if record.kind == "ping" and one.ping_s is not None:
            pings[record.door] += round(one.ping_s * 1e9)
            told.append(replace(record, ts=pings[record.door]))
        elif record.kind == "answer":
            headers = dict(record.headers)
            honest_answer = Answer(record.status, record.text.encode(), headers=headers)
            answer = one.answer(record.path, honest_answer)
            text = answer.body.decode()
            told.append(replace(record, status=answer.status, headers=answer.headers, text=text))
        elif record.kind == "text":
            told += _told(one, record)
        else:
            told.append(record)
    return told


def _told(one: Lie, record: ProbeRecord) -> Iterator[ProbeRecord]:
    for message in one.message(record.door, record.text):
        if isinstance(message, bytes):
            yield replace(record, kind="binary", text="")
            yield replace(record, text=message.decode())
        elif isinstance(message, tuple):
            yield replace(record, kind="fragmented", text="")
            yield replace(record, text="".join(message))
        else:
            yield replace(record, text=message)


@dataclass(frozen=True)
class Silence:
    """Suppresses records of an exchange: of these kinds and doors, with this part in them."""

    part: str = ""
    kinds: tuple[str, ...] = ("text", "answer")
    door: str = ""


def without(exchange: str, silence: Silence) -> list[ProbeRecord]:
    """Return the records without these."""
    return [
        record
        for record in honest(exchange)
        if not (
            record.kind in silence.kinds
            and silence.part in record.path + record.text
            and record.door.startswith(silence.door)
        )
    ]


def check_honesty(exchange: str, *, unseen: set[str]) -> dict[str, str]:
    """Return the rows of an honest exchange that lack the expected verdict."""
    rows = judge(exchange, honest(exchange))
    return {
        name: row.seen + " ".join(row.examples)
        for name, row in rows.items()
        if row.verdict != ("not seen" if name in unseen else "CONFIRMED")
    }
