"""The command `spread`: prints the earnings of buying on one market and selling on another."""

import argparse
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from booktape.commands.asking import (
    EACH_CHANGE,
    OpenTape,
    TapeRows,
    add_range,
    add_tape,
    ask,
    watch,
)
from booktape.commands.command import Command, Parser, count

DEPTH: Final = 25


class _Known:
    """Counts all rows, and the rows with values."""

    def __init__(self) -> None:
        self.rows = self.known = 0

    def see(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            self.rows += len(batch)
            self.known += len(batch) - batch.column("mid_spread_bps").null_count
            yield batch

    def remarks(self) -> list[str]:
        if not self.rows:
            return ["no rows: the range is empty"]
        if not self.known:
            return ["at no moment of this range are all books known; see booktape coverage"]
        if self.known < self.rows:
            unknown = f"{self.rows - self.known:,} of {self.rows:,} rows"
            return [f"in {unknown} a book is unknown or has one side; see booktape coverage"]
        return []


def fee(text: str) -> tuple[str, float]:
    """Parse an argument that takes an exchange and a taker's share there."""
    exchange, sign, share = text.partition("=")
    if not (exchange and sign):
        raise argparse.ArgumentTypeError(f"takes EXCHANGE=SHARE, bitvavo=0.0025, not {text}")
    try:
        number = float(share)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"takes a share from 0 to below 1, not {share}")
    return exchange, number


def find_spread(parsed: Namespace, opened: OpenTape) -> TapeRows:
    """Return the chosen spread."""
    markets = [parsed.a, parsed.b, *(parsed.via or ())]
    exchanges = sorted({market.partition(":")[0] for market in markets})
    span = opened.reading.parse_range(exchanges, parsed.start, parsed.end)
    scan = opened.tape.spread(
        parsed.a,
        parsed.b,
        *span,
        via=parsed.via and tuple(parsed.via),
        fees=dict(parsed.fee),
        every=None if parsed.every == EACH_CHANGE else parsed.every,
        depth=parsed.depth,
    )
    known = _Known()
    batches = known.see(watch(iter(scan.batches()), span, opened.show))
    return TapeRows(scan.schema, batches, known.remarks)


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("a", metavar="A", help="bitvavo:BTC-EUR")
    parser.add_argument("b", metavar="B", help="btcturk:BTC-TRY")
    parser.add_argument(
        "--via",
        nargs=2,
        metavar=("X", "Y"),
        help="one currency in the quote of A and in that of B: bitvavo:USDT-EUR btcturk:USDT-TRY",
    )
    parser.add_argument(
        "--fee",
        type=fee,
        nargs="+",
        action="extend",
        required=True,
        metavar="E=F",
        help="a taker's share on each exchange: bitvavo=0.0025 is 0.25 %%",
    )
    add_range(parser)
    parser.add_argument(
        "--depth", type=count, default=DEPTH, metavar="N", help=f"levels to walk ({DEPTH})"
    )
    add_tape(parser)


def _run(parsed: Namespace) -> int:
    return ask(parsed, partial(find_spread, parsed))


fee.__name__ = "fee"
COMMAND: Final = Command(
    name="spread",
    summary="prints the earnings of buying on one market and selling on the other, after fees",
    example=(
        "booktape spread bitvavo:BTC-EUR btcturk:BTC-TRY "
        "--via bitvavo:USDT-EUR btcturk:USDT-TRY "
        "--fee bitvavo=0.0025 btcturk=0.0012 --tape try --every 1s"
    ),
    run=_run,
    add_arguments=_add_arguments,
)
