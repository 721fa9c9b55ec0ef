"""The command `probe`: tests on a live exchange what our code assumes of it."""

import signal
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from services.operator.probe import probing
from services.operator.probe.evaluation import Evaluation
from services.operator.probe.live import LiveWorld
from services.operator.probe.record import ProbeRecord
from services.operator.probe.recording import SUFFIX, ProbeRecording, read
from services.operator.probe.session import ProbePace, ProbeSession
from services.operator.probe.table import JudgedRow, exit_status, format_rows
from shared.exchange import Exchange
from shared.process.settings import Settings
from shared.process.signals import STOP_SIGNALS
from shared.transport.connection import Connection
from shared.transport.limits import Limits
from shared.transport.rest import RestClient

NONE_REFUTED, REFUTED, TOO_LITTLE = 0, 1, 2
NS_PER_S: Final = 1_000_000_000
BAN_S: Final = 60.0  # of a ban, if the exchange does not say how long


def run(exchanges: Mapping[str, Exchange], settings: Settings, *, minutes: float, out: Path) -> int:
    """Probe these exchanges in turn; return the worst exit status of `exit_status`."""
    stop = Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stop.set())
    statuses = []
    for name, exchange in exchanges.items():
        if name not in probing.find_names():
            print(f"{name}: no probe lists our assumptions about it")
            statuses.append(TOO_LITTLE)
        elif not stop.is_set():
            rows = _probe(exchange, settings, minutes=minutes, out=out, stop=stop)
            statuses.append(exit_status(rows))
    return _worst(statuses)


def run_again(exchanges: Mapping[str, Exchange], path: Path) -> int:
    """Judge the records of an earlier probe once more."""
    name = path.name.split("-")[0]
    if name not in exchanges or name not in probing.find_names():
        print(f"{path.name} is no recording of a probe: its name begins with no probed exchange")
        return TOO_LITTLE
    evaluation = Evaluation(exchanges[name], probing.load(name))
    for record in read(path):
        evaluation.see(record)
    rows = evaluation.rows()
    print(format_rows(rows))
    return exit_status(rows)


def _probe(
    exchange: Exchange, settings: Settings, *, minutes: float, out: Path, stop: Event
) -> list[JudgedRow]:
    own = settings.exchanges[exchange.name]
    limits = Limits(
        settings.state.folder.limits(exchange.name),
        exchange.limits,
        steady_s=time.monotonic,
        share=own.limit_share,
    )
    world = LiveWorld(
        partial(Connection, own.websocket_url, clock_ns=time.time_ns),
        RestClient(exchange, own.rest_url, limits),
        clock_ns=time.time_ns,
        steady_s=time.monotonic,
    )
    evaluation = Evaluation(exchange, probing.load(exchange.name))
    began = datetime.fromtimestamp(time.time_ns() // NS_PER_S, UTC)
    path = out / f"{exchange.name}-{began:%Y%m%dT%H%M%SZ}{SUFFIX}"
    print(f"{exchange.name}: {minutes:g} minutes; every message goes to {path}", flush=True)
    with closing(ProbeRecording(path)) as recording:

        def take(record: ProbeRecord) -> None:
            recording.append(record)
            evaluation.see(record)

        session = ProbeSession(
            world,
            ProbePace(exchange.limits, limits.spend, steady_s=time.monotonic),
            take,
            is_banned=partial(_find_ban, exchange, limits, evaluation),
            stop=stop,
        )
        is_whole = _play(session, world, evaluation, exchange.name, minutes)
        for record in world.wait(0.0):
            take(record)
    return _tell(evaluation.rows(), path, is_whole=is_whole)


def _play(
    session: ProbeSession, world: LiveWorld, evaluation: Evaluation, name: str, minutes: float
) -> bool:
    began_s = time.monotonic()
    script = probing.load(name).script(
        evaluation.reading, minutes, lambda: time.monotonic() - began_s
    )
    try:
        return session.play(script)
    finally:
        world.end()


def _find_ban(
    exchange: Exchange, limits: Limits, evaluation: Evaluation, record: ProbeRecord
) -> bool:
    """Return whether the exchange bans us; if so, make all our processes wait."""
    wait_s = None
    if evaluation.first.throttled is not None:
        wait_s = evaluation.first.throttled.wait_s or BAN_S
    elif record.kind == "answer":
        body = record.text.encode()
        wait_s = exchange.rest.ban_s(record.status, record.headers, body, record.ts)
    if wait_s is not None:
        limits.block(wait_s)
    return wait_s is not None


def _tell(rows: list[JudgedRow], path: Path, *, is_whole: bool) -> list[JudgedRow]:
    """Print the table, and keep it beside the records."""
    text = format_rows(rows)
    path.with_name(path.name.removesuffix(SUFFIX) + ".txt").write_text(text + "\n", "utf-8")
    print(text)
    if not is_whole:
        print("The probe ended early: you stopped it, or the exchange refuses more requests.")
    return rows


def _worst(statuses: list[int]) -> int:
    return next((one for one in (REFUTED, TOO_LITTLE) if one in statuses), NONE_REFUTED)
