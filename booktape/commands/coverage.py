"""The command `coverage`: prints the times when books are known, and the cause of each gap."""

import datetime as dt
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from booktape.commands.asking import OpenTape, TapeRows, add_tape, ask
from booktape.commands.command import Command, Parser, day


def find_coverage(parsed: Namespace, opened: OpenTape) -> TapeRows:
    """Return the coverage of the chosen markets, one by one."""
    exchanges, _ = opened.reading.parse_scope(parsed.scope)
    end = parsed.date and parsed.date + dt.timedelta(days=1)
    span = opened.reading.parse_range(exchanges, parsed.date, end)
    markets = _find_markets(parsed.scope, opened)

    def read() -> Iterator[Any]:
        for done, market in enumerate(markets):
            opened.show(done, len(markets))
            yield from opened.tape.coverage(market, *span).batches()

    schema = opened.tape.coverage(parsed.scope, *span).schema
    return TapeRows(schema, read(), lambda: [] if markets else ["no book of it is on this tape"])


def _find_markets(scope: str | None, opened: OpenTape) -> list[str]:
    exchanges, symbol = opened.reading.parse_scope(scope)
    if scope and symbol:
        return [scope]
    for exchange in exchanges:
        opened.reading.sessions.expect_all(exchange)
    symbols = opened.reading.catalog.book_symbols
    return [f"{exchange}:{name}" for exchange in exchanges for name in symbols(exchange)]


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "scope", nargs="?", metavar="EXCHANGE|MARKET", help="bitvavo or bitvavo:BTC-EUR (all)"
    )
    parser.add_argument("--date", type=day, metavar="D", help="one UTC day, 2026-09-21 (all)")
    add_tape(parser)


def _run(parsed: Namespace) -> int:
    return ask(parsed, partial(find_coverage, parsed))


COMMAND: Final = Command(
    name="coverage",
    summary="prints when books are known, and the cause of each gap",
    example="booktape coverage bitvavo:BTC-EUR --tape try --date 2026-09-21",
    run=_run,
    add_arguments=_add_arguments,
)
