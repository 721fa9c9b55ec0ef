"""Declares the arguments of the collector's commands, with their help."""

import argparse
import re
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from booktape.commands.command import Command, Parser, count, positive
from shared.exchange import SYMBOL

LIMIT_DEFAULT: Final = 10
BOX_ACTIONS: Final = ("deploy", "rollback", "configure", "settle", "drain", "ready", "figures")
PROBE_MINUTES: Final = 10.0
DEMO_SYMBOLS, DEMO_RATE = 20, 100.0
WATCH_S: Final = 2.0

_SYMBOL: Final = re.compile(SYMBOL)
_TARGET: Final = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_LINE: Final = re.compile(r"[a-z0-9]{1,8}\Z")

RunCommand = Callable[[Namespace], int]


def operating(
    exchanges: Sequence[str],
    *,
    up: RunCommand,
    demo: RunCommand,
    status: RunCommand,
    silence: RunCommand,
    handover: RunCommand,
) -> list[Command]:
    """Return the commands that run a recording."""
    return [
        Command(
            name="up",
            summary="records all feeds under supervisord until Ctrl-C, then drains",
            example="booktape up",
            run=up,
            add_arguments=_add_no_dashboard,
        ),
        Command(
            name="demo",
            summary="records the simulated exchanges on loopback, then proves the tape",
            example="booktape demo --faults all --seconds 300",
            run=demo,
            add_arguments=_add_demo,
        ),
        Command(
            name="status",
            summary="shows each feed and the writer; exit status 0: all well, 1: a trouble",
            example="booktape status --json",
            run=status,
            add_arguments=_add_status,
        ),
        Command(
            name="silence",
            summary="silences an exchange's own troubles during announced maintenance",
            example=f"booktape silence {_first(exchanges)} --until 2h",
            run=silence,
            add_arguments=_add_silence(exchanges),
        ),
        Command(
            name="handover",
            summary="restarts one feed without a hole: a second line records meanwhile",
            example=f"booktape handover {_first(exchanges)}",
            run=handover,
            add_arguments=_add_exchange(exchanges),
        ),
    ]


def watching(*, metrics: RunCommand, dashboard: RunCommand) -> list[Command]:
    """Return the commands that show health and metrics."""
    return [
        Command(
            name="dashboard",
            summary="serves the page on 127.0.0.1, and reports troubles to the webhook of [alerts]",
            example="booktape dashboard",
            run=dashboard,
        ),
        Command(
            name="metrics",
            summary="prints every metric once, in the text format of Prometheus",
            example="booktape metrics",
            run=metrics,
        ),
    ]


def looking(
    exchanges: Sequence[str], *, book: RunCommand, listing: RunCommand, probe: RunCommand
) -> list[Command]:
    """Return the commands that inspect an exchange."""

    def add_book(parser: Parser) -> None:
        parser.add_argument("exchange", choices=exchanges)
        parser.add_argument("symbol", type=_symbol, help="our name of it, such as BTC-EUR")
        parser.add_argument(
            "--limit", type=count, default=LIMIT_DEFAULT, metavar="N",
            help="levels a side (%(default)s)",
        )  # fmt: skip

    return [
        Command(
            name="book",
            summary="fetches one order book over REST and prints it",
            example=f"booktape book {_first(exchanges)} BTC-EUR --limit 5",
            run=book,
            add_arguments=add_book,
        ),
        Command(
            name="exchanges",
            summary="lists the exchanges with their default symbols and channels",
            example="booktape exchanges",
            run=listing,
        ),
        Command(
            name="probe",
            summary="tests our assumptions on a live exchange; exit status 1: it refuted one,"
            " 2: it showed too little",
            example=f"booktape probe {_first(exchanges)} --minutes 10 --out probe",
            run=probe,
            add_arguments=_add_probe(exchanges),
        ),
    ]


def deploying(*, box: RunCommand) -> list[Command]:
    """Return the command that the scripts and units of a box run."""
    return [
        Command(
            name="box",
            summary="runs one step of a deploy, as the scripts of a box do",
            example="booktape box drain",
            run=box,
            add_arguments=_add_box,
        ),
    ]


def processes(
    exchanges: Sequence[str],
    *,
    ingest: RunCommand,
    write: RunCommand,
    simulate: RunCommand,
    sink: RunCommand,
) -> list[Command]:
    """Return the commands that supervisord and a demo run."""

    def add_ingest(parser: Parser) -> None:
        parser.add_argument("exchange", choices=exchanges)
        parser.add_argument(
            "--line", type=_line, default="a", help="which of two feeds side by side (%(default)s)"
        )

    return [
        Command(
            name="ingest",
            summary="runs the feed of one exchange, as supervisord does",
            example=f"booktape ingest {_first(exchanges)}",
            run=ingest,
            add_arguments=add_ingest,
        ),
        Command(
            name="write",
            summary="runs the writer, as supervisord does",
            example="booktape write",
            run=write,
        ),
        Command(
            name="sink",
            summary="feeds each row once to another store, as [sinks.<name>] says",
            example="booktape sink influx --once",
            run=sink,
            add_arguments=_add_sink,
        ),
        Command(
            name="simulate",
            summary="serves a simulated exchange on loopback",
            example=f"booktape simulate {_first(exchanges)} --help",
            run=simulate,
            explains_itself=True,
        ),
    ]


def _first(exchanges: Sequence[str]) -> str:
    return exchanges[0] if exchanges else "<exchange>"


def _add_exchange(exchanges: Sequence[str]) -> Callable[[Parser], None]:
    def add(parser: Parser) -> None:
        parser.add_argument("exchange", choices=exchanges)

    return add


def _add_probe(exchanges: Sequence[str]) -> Callable[[Parser], None]:
    def add(parser: Parser) -> None:
        parser.add_argument(
            "exchange", nargs="?", choices=exchanges, help="the exchange to probe (all, in turn)"
        )
        parser.add_argument(
            "--minutes", type=positive, default=PROBE_MINUTES, metavar="T", help="(%(default)g)"
        )
        parser.add_argument(
            "--out", type=Path, default=Path("probe"), metavar="FOLDER",
            help="folder for every message and the table (%(default)s)",
        )  # fmt: skip
        parser.add_argument(
            "--again", type=Path, metavar="FILE", help="judge an earlier recording again"
        )

    return add


def _add_status(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--watch", nargs="?", type=positive, const=WATCH_S, metavar="S",
        help="repeat every S seconds (%(const)g) until Ctrl-C; each JSON takes one line",
    )  # fmt: skip


def _add_silence(exchanges: Sequence[str]) -> Callable[[Parser], None]:
    def add(parser: Parser) -> None:
        parser.add_argument("exchange", choices=exchanges)
        when = parser.add_mutually_exclusive_group(required=True)
        when.add_argument("--until", metavar="T", help="2026-11-30T06:00:00Z (UTC), or 2h from now")
        when.add_argument("--end", action="store_true", help="end the silence")

    return add


def _add_sink(parser: Parser) -> None:
    parser.add_argument("name", help="its name in [sinks.<name>] of booktape.toml")
    parser.add_argument("--once", action="store_true", help="feed all present rows, then end")


def _add_box(parser: Parser) -> None:
    parser.add_argument("action", choices=BOX_ACTIONS)
    parser.add_argument(
        "target", nargs="?", type=_target, metavar="TARGET",
        help="a release's commit, or the SHA-256 of a configuration",
    )  # fmt: skip


def _add_no_dashboard(parser: Parser) -> None:
    parser.add_argument(
        "--no-dashboard", action="store_true", help="run without the page and the calls of [alerts]"
    )


def _add_demo(demo: Parser) -> None:
    _add_no_dashboard(demo)
    demo.add_argument("--seconds", type=positive, metavar="T", help="record so long (until Ctrl-C)")
    demo.add_argument("--faults", metavar="A,B|all", help="faults to simulate (none)")
    ways = "websocket", "rest"
    demo.add_argument("--transport", choices=ways, default=ways[0], help="of books (%(default)s)")
    demo.add_argument(
        "--symbols", type=count, default=DEMO_SYMBOLS, metavar="N",
        help="symbols of each exchange (%(default)s)",
    )  # fmt: skip
    demo.add_argument(
        "--rate", type=positive, default=DEMO_RATE, metavar="R",
        help="messages a second from each exchange (%(default)g)",
    )  # fmt: skip
    demo.add_argument(
        "--folder", type=Path, default=Path("demo"), metavar="FOLDER",
        help="folder for the demo's configuration, state and tape (%(default)s)",
    )  # fmt: skip
    demo.add_argument(
        "--truth", type=Path, metavar="FOLDER",
        help="folder for a record of all sent messages (<folder>/truth)",
    )  # fmt: skip
    demo.add_argument("--fresh", action="store_true", help="remove an earlier demo's folder first")


def _symbol(text: str) -> str:
    symbol = text.upper() if text.isascii() else text
    if not _SYMBOL.fullmatch(symbol):
        raise argparse.ArgumentTypeError(f"takes BASE-QUOTE, such as BTC-EUR, not {text}")
    return symbol


def _target(text: str) -> str:
    if not _TARGET.match(text):
        raise argparse.ArgumentTypeError(f"takes a commit or a SHA-256, not {text}")
    return text


def _line(text: str) -> str:
    # A session's id ends with it.
    if not _LINE.match(text):
        raise argparse.ArgumentTypeError(f"takes up to 8 small letters and digits, not {text}")
    return text
