"""The command `export`: writes days of markets in other programs' formats."""

import os
import re
import sys
from argparse import ArgumentTypeError, Namespace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Final

from booktape.commands.asking import TAPE_HELP, UNREADABLE, open_reading_of, say_warnings
from booktape.commands.bar import Bar
from booktape.commands.command import Command, Parser, count, day
from booktape.commands.location import find_storage
from booktape.errors import (
    BooktapeError,
    DamagedSegment,
    NewerSchema,
    NotATape,
    StoreError,
    TapeError,
)
from booktape.store.storage import Storage

if TYPE_CHECKING:
    from booktape.export.exporting import Exported

NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
TARGETS: Final = ("hftbacktest", "parquet", "nautilus", "tardis-csv")


def step(text: str) -> str:
    """Parse an argument that takes a step above 0; return its text unchanged."""
    try:
        is_step = Decimal(text) > 0 and Decimal(text).is_finite()
    except InvalidOperation:
        is_step = False
    if not is_step:
        raise ArgumentTypeError(f"takes a number above 0, not {text}")
    return text


def latency(text: str) -> float:
    """Parse an argument that takes milliseconds from 0."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ArgumentTypeError(f"takes a number from 0, not {text}")
    return number


def plain_name(text: str) -> str:
    """Parse an argument that takes a name fit for a file's name."""
    if not NAME.fullmatch(text):
        raise ArgumentTypeError(f"takes letters, digits, '-' and '_', not {text}")
    return text


def describe(exported: "Exported") -> str:
    """Return a line on the result of a day."""
    facts = exported.facts
    remarks = [f"{facts['rows']} rows"]
    if "tick_size" in facts:
        remarks.append(f"tick {facts['tick_size']} ({facts['tick_from']})")
        remarks.append(f"lot {facts['lot_size']} ({facts['lot_from']})")
    if facts.get("latency_us") is not None:
        remarks.append(f"latency {facts['latency_us'] / 1000:g} ms where no time was sent")
    if not exported.is_new:
        remarks.append("was there")
    return f"{exported.market}  {facts['file']}  {', '.join(remarks)}"


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("markets", nargs="+", metavar="MARKET", help="bitvavo:BTC-EUR")
    parser.add_argument("--to", required=True, choices=TARGETS, help="whose format")
    parser.add_argument("--date", required=True, type=day, metavar="D", help="a UTC day")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="a folder of its own"
    )
    parser.add_argument("--depth", type=count, metavar="N", help="parquet: levels of a side (10)")
    parser.add_argument("--every", metavar="D", help="parquet: 100ms, 1s, change: each change (1s)")
    parser.add_argument(
        "--latency-ms",
        type=latency,
        metavar="L",
        help="hftbacktest: the delay of books without the exchange's time (that of its trades)",
    )
    parser.add_argument(
        "--stored",
        action="store_true",
        default=None,
        help="hftbacktest: uncompressed files, five times as large and sooner written",
    )
    for name in ("tick", "lot"):
        help_text = f"the least step of a {'price' if name == 'tick' else 'size'} (as is known)"
        parser.add_argument(f"--{name}", type=step, metavar="X", help=help_text)
    parser.add_argument(
        "--as-exchange",
        type=plain_name,
        metavar="NAME",
        help="tardis-csv: a name that the format's readers know (the exchange's own)",
    )
    parser.add_argument("--tape", metavar="URL", help=TAPE_HELP)


def _run(parsed: Namespace) -> int:
    storage = find_storage(parsed.tape, os.environ, Path.cwd())
    try:
        with say_warnings(), Bar(sys.stderr) as bar:
            _export(parsed, storage, bar)
    except (NotATape, StoreError, DamagedSegment, NewerSchema) as error:
        print(f"booktape: {storage.url} is unreadable: {error}", file=sys.stderr)
        return UNREADABLE
    except TapeError:
        raise
    except ValueError as error:
        raise BooktapeError(str(error)) from None
    return 0


def _export(parsed: Namespace, storage: Storage, bar: Bar) -> None:
    from booktape.export.exporting import Options, export

    names = Options.__struct_fields__
    options = Options(**{name: getattr(parsed, name, None) for name in names})
    reading = open_reading_of(storage)
    markets = list(dict.fromkeys(parsed.markets))
    date = parsed.date.isoformat()
    found = export(
        reading,
        parsed.to,
        markets,
        date=date,
        out=parsed.out,
        options=options,
        progress=lambda done: bar.show(done, len(markets)),
    )
    for done, exported in enumerate(found, 1):
        bar.wipe()
        print(describe(exported), flush=True)
        bar.show(done, len(markets))


COMMAND: Final = Command(
    name="export",
    summary="writes days of markets in the formats of backtests and tables",
    example="booktape export --to hftbacktest bitvavo:BTC-EUR --date 2026-09-21 --out days"
    " --tape try",
    run=_run,
    add_arguments=_add_arguments,
)
