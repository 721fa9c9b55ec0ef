"""The listing commands `symbols` and `sessions`: print a tape's markets, or its runs."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from booktape.commands.asking import OpenTape, TapeRows, add_tape, ask
from booktape.commands.command import Command, Parser

if TYPE_CHECKING:
    from booktape.scan import Scan
    from booktape.tape import Tape


def find_rows(list_them: "Callable[[Tape], Scan]", what: str, opened: OpenTape) -> TapeRows:
    """Return the rows of one list."""
    scan = list_them(opened.tape)
    count = 0

    def read() -> Iterator[Any]:
        nonlocal count
        for batch in scan.batches():
            count += len(batch)
            yield batch

    return TapeRows(scan.schema, read(), lambda: [] if count else [f"no {what} on this tape"])


def _list_symbols(parsed: Namespace) -> int:
    return ask(parsed, partial(find_rows, lambda tape: tape.symbols(parsed.exchange), "market"))


def _list_sessions(parsed: Namespace) -> int:
    return ask(parsed, partial(find_rows, lambda tape: tape.sessions(parsed.exchange), "session"))


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("exchange", nargs="?", metavar="EXCHANGE", help="one of them (all)")
    add_tape(parser)


SYMBOLS: Final = Command(
    name="symbols",
    summary="prints the markets of a tape: first date, last date, recorded tables",
    example="booktape symbols --tape try",
    run=_list_symbols,
    add_arguments=_add_arguments,
)
SESSIONS: Final = Command(
    name="sessions",
    summary="prints the runs that recorded a tape: when they began and how they ended",
    example="booktape sessions bitvavo --tape try",
    run=_list_sessions,
    add_arguments=_add_arguments,
)
