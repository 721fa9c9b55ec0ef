"""What each command takes, and how it explains itself."""

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn

from typing_extensions import override

USAGE_STATUS = 2
LIMIT_DEFAULT = 10
DEMO_SYMBOLS, DEMO_RATE = 20, 100.0

_SYMBOL = re.compile(r"[A-Z0-9]+-[A-Z0-9]+\Z")
_LINE = re.compile(r"[a-z0-9]{1,8}\Z")


class Parser(argparse.ArgumentParser):
    """Answer wrong usage by one line."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_STATUS, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser(exchanges: Sequence[str]) -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="booktape",
        description="Records the order books of crypto exchanges as Parquet that proves itself.",
        epilog="Each command explains itself: booktape up --help",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="<command>", required=True)

    def add(name: str, what: str, example: str) -> Parser:
        command: Parser = commands.add_parser(
            name,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        return command

    _add_operating(add, exchanges)
    _add_reading(add, exchanges)
    _add_processes(add, exchanges)
    return parser


_Add = Callable[[str, str, str], Parser]


def _add_operating(add: _Add, exchanges: Sequence[str]) -> None:
    add("up", "records both feeds under supervisord until Ctrl-C, which drains", "booktape up")

    demo = add(
        "demo",
        "records the simulated exchanges on loopback, then proves the tape",
        "booktape demo --faults all --seconds 120",
    )
    demo.add_argument("--seconds", type=_positive, metavar="T", help="then drain (until Ctrl-C)")
    demo.add_argument("--faults", metavar="A,B|all", help="what the exchanges do wrong (nothing)")
    demo.add_argument(
        "--symbols", type=_count, default=DEMO_SYMBOLS, metavar="N",
        help="of each exchange (%(default)s)",
    )  # fmt: skip
    demo.add_argument(
        "--rate", type=_positive, default=DEMO_RATE, metavar="R",
        help="messages a second of each exchange (%(default)g)",
    )  # fmt: skip
    demo.add_argument(
        "--folder", type=Path, default=Path("demo"), metavar="FOLDER",
        help="of its own state and tape, beside the configuration (%(default)s)",
    )  # fmt: skip
    demo.add_argument(
        "--truth", type=Path, metavar="FOLDER", help="what the exchanges sent (<folder>/truth)"
    )
    demo.add_argument("--fresh", action="store_true", help="remove an earlier demo's folder first")

    status = add(
        "status",
        "shows each feed and the writer; exit status 0 all well, 1 something is not",
        "booktape status --json",
    )
    status.add_argument("--json", action="store_true", help="for programs")

    handover = add(
        "handover",
        "restarts one feed without a hole: a second line of it records meanwhile",
        "booktape handover bitvavo",
    )
    handover.add_argument("exchange", choices=exchanges)


def _add_reading(add: _Add, exchanges: Sequence[str]) -> None:
    verify = add(
        "verify",
        "proves a tape whole; exit status 0 whole, 1 not whole, 2 unreadable",
        "booktape verify s3://bucket/prefix --date 2026-09-21",
    )
    verify.add_argument(
        "url", nargs="?", metavar="URL", help="file:<folder> or s3://... ([storage] url)"
    )
    verify.add_argument("--date", type=_date, metavar="D", help="one UTC day, 2026-09-21")
    verify.add_argument("--json", action="store_true", help="for programs")

    book = add(
        "book",
        "fetches one order book over REST and prints it",
        f"booktape book {exchanges[0] if exchanges else '<exchange>'} BTC-EUR --limit 5",
    )
    book.add_argument("exchange", choices=exchanges)
    book.add_argument("symbol", type=_symbol, help="ours, such as BTC-EUR")
    book.add_argument(
        "--limit", type=_count, default=LIMIT_DEFAULT, metavar="N",
        help="levels a side (%(default)s)",
    )  # fmt: skip

    add(
        "exchanges",
        "lists the exchanges, and what is recorded by default",
        "booktape exchanges",
    )


def _add_processes(add: _Add, exchanges: Sequence[str]) -> None:
    ingest = add(
        "ingest",
        "runs the feed of one exchange, as supervisord does",
        f"booktape ingest {exchanges[0] if exchanges else '<exchange>'}",
    )
    ingest.add_argument("exchange", choices=exchanges)
    ingest.add_argument(
        "--line", type=_line, default="a", help="which of two feeds side by side (%(default)s)"
    )
    add("write", "runs the writer, as supervisord does", "booktape write")
    # It explains itself: its arguments are handed on as they are.
    add("simulate", "serves an exchange of its own on loopback", "booktape simulate bitvavo --help")


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"takes a number above 0, not {text}")
    return number


_positive.__name__ = "number"  # argparse: "invalid number value"


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"takes a whole number from 1, not {text}")
    return number


_count.__name__ = "whole number"


def _date(text: str) -> date:
    return date.fromisoformat(text)


_date.__name__ = "date"


def _symbol(text: str) -> str:
    symbol = text.upper()
    if not _SYMBOL.match(symbol):
        raise argparse.ArgumentTypeError(f"takes BASE-QUOTE, such as BTC-EUR, not {text}")
    return symbol


def _line(text: str) -> str:
    # It is part of the session's id, which it ends.
    if not _LINE.match(text):
        raise argparse.ArgumentTypeError(f"takes up to 8 small letters and digits, not {text}")
    return text
