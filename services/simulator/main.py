"""The simulator's command: builds it from the arguments and runs it."""

import argparse
import asyncio
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from typing_extensions import override

from services.simulator import truth
from services.simulator.book_faults import __doc__ as book_faults_doc
from services.simulator.faults import Faults, FaultTimes
from services.simulator.faults import __doc__ as faults_doc
from services.simulator.found import find_names, load, load_lies
from services.simulator.lies import Liar
from services.simulator.market import SimulatedMarket
from services.simulator.market_faults import __doc__ as market_faults_doc
from services.simulator.protocol import Clock
from services.simulator.rest_faults import __doc__ as rest_faults_doc
from services.simulator.server import HOST, Server
from services.simulator.simulation import Simulation
from services.simulator.truth import Truth

EXAMPLE: str = (
    "booktape simulate bitvavo --port 0 --symbols 20 --faults gap,drop --truth truth.jsonl"
)
DESCRIPTION = """\
Serve an exchange's own websocket and REST protocol on one loopback port, from a generated market.

It prints one line when it listens. On USR1, and after --seconds, the markets stop moving and it
writes the final books to the truth file; it keeps the sockets open and answers questions, so that a
client can drain. After --seconds and --quiet-s it ends. TERM and INT do both at once.
"""
SYMBOLS_DEFAULT = 3


def run(arguments: list[str]) -> int:
    """Run `booktape simulate`; return its exit status: 0 ended well, 1 failed, 2 misused."""
    try:
        options = parse(arguments)
    except SystemExit as exit_:  # argparse has printed the fault or the help
        return int(exit_.code or 0)
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        print(f"booktape simulate: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    clock = Clock(ns=time.time_ns, monotonic=loop.time)
    record = Truth(options.truth, clock_ns=clock.ns)
    simulation, faults = build(options, clock=clock, record=record)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, simulation.quiesce)
    if options.seconds is not None:
        loop.call_later(options.seconds, simulation.quiesce)
        loop.call_later(options.seconds + options.quiet_s, stop.set)
    exchange = simulation.exchange

    def say(port: int) -> None:
        address = f"{HOST}:{port}"
        print(
            f"{exchange.name} simulator on ws://{address}{exchange.websocket_path} "
            f"and http://{address}{exchange.rest_path}",
            flush=True,
        )

    liar = Liar([load_lies(options.exchange)[name]() for name in options.lies])
    server = Server(simulation, faults=faults, truth=record, liar=liar)
    try:
        await server.run(port=options.port, on_listening=say, stop=stop)
    finally:
        record.end()


def build(options: argparse.Namespace, *, clock: Clock, record: Truth) -> tuple[Simulation, Faults]:
    """Return the simulation that the options describe, and its faults."""
    kind = load(options.exchange)
    listings = kind.list_markets(options.symbols, levels=options.levels or kind.levels)
    record.start(
        exchange=options.exchange,
        seed=options.seed,
        symbols=[one.symbol for one in listings],
    )
    markets = [SimulatedMarket(one, seed=options.seed, ts=clock.ns()) for one in listings]
    exchange = kind.build(
        markets,
        clock=clock,
        later=call_later,
        rng=random.Random(f"{options.seed} exchange"),
        truth=record,
        is_limited=not options.unlimited,
    )
    faults = Faults(
        options.faults,
        markets=markets,
        times=FaultTimes(options.fault_interval_s, options.stall_s, options.halt_s),
        rng=random.Random(f"{options.seed} faults"),
        clock=clock,
        truth=record,
        exchange=exchange,
    )
    rate = options.rate or sum(one.messages_per_s for one in listings)
    return Simulation(exchange, rate=rate, faults=faults, truth=record, clock=clock), faults


def call_later(delay_s: float, callback: Callable[[], None]) -> None:
    """Call a function on the loop after a delay."""
    asyncio.get_running_loop().call_later(delay_s, callback)


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options; on a fault print it in one line and exit with status 2."""
    docs = book_faults_doc, market_faults_doc, rest_faults_doc, truth.__doc__
    parts = f"faults: {faults_doc}", *docs, f"example:\n  {EXAMPLE}"
    parser = _Parser(
        prog="booktape simulate",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=DESCRIPTION,
        epilog="\n\n".join(str(part) for part in parts),
    )
    _add_arguments(parser)
    options = parser.parse_args(arguments)
    kind = load(options.exchange)
    if options.symbols > kind.symbols_max:
        parser.error(f"argument --symbols: {options.exchange} lists {kind.symbols_max} at most")
    options.faults = _names("faults", options.faults, known=kind.faults, parser=parser)
    lies = tuple(load_lies(options.exchange))
    options.lies = _names("lies", options.lies, known=lies, parser=parser)
    return options


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exchange", choices=find_names())
    parser.add_argument("--port", type=_port, default=0, help="0 (the default): any free port")
    parser.add_argument(
        "--symbols", type=_count, default=SYMBOLS_DEFAULT, metavar="N", help="the N busiest; 3"
    )
    parser.add_argument(
        "--rate", type=_positive, metavar="R", help="book messages a second over all symbols"
    )
    parser.add_argument("--levels", type=_count, metavar="N", help="a side, in the busiest book")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="seed of all moves; 1")
    parser.add_argument(
        "--seconds", type=_positive, metavar="T", help="move the markets for so long"
    )
    parser.add_argument("--quiet-s", type=_positive, default=5.0, metavar="T", help="then ends; 5")
    parser.add_argument(
        "--faults", default="", metavar="A,B|all", help="faults to inject by turns, for ever"
    )
    parser.add_argument(
        "--fault-interval-s",
        type=_positive,
        default=10.0,
        metavar="T",
        help="time between two faults; about 10",
    )
    parser.add_argument(
        "--stall-s", type=_positive, default=30.0, metavar="T", help="how long a stall lasts; 30"
    )
    parser.add_argument(
        "--halt-s",
        type=_positive,
        default=10.0,
        metavar="T",
        help="how long a market is halted; 10",
    )
    parser.add_argument("--lies", default="", metavar="A,B", help="break these assumptions of ours")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="record of its true acts")
    parser.add_argument(
        "--unlimited", action="store_true", help="no limits on requests and connections"
    )


def _names(option: str, text: str, *, known: tuple[str, ...], parser: _Parser) -> list[str]:
    if text == "all":
        return list(known)
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            parser.error(f"argument --{option}: {name!r} is none of {', '.join(known)}")
    return names


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text} is not a port")
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return count


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number
