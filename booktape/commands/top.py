"""The command `top`: prints the best prices of a market through time."""

from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

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
from booktape.errors import BooktapeError, NotKnown

if TYPE_CHECKING:
    from booktape.scan import Scan

DEPTH: Final = 1


_NOTHING: Final = "nothing is known in this range"


class _Known:
    """Counts the rows with a known book."""

    def __init__(self) -> None:
        self.rows = self.known = 0
        self.first_unknown: int | None = None

    def see(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            sessions = batch.column("session")
            self.rows += len(batch)
            self.known += len(batch) - sessions.null_count
            if self.first_unknown is None and sessions.null_count:
                place = sessions.is_null().to_pylist().index(True)
                self.first_unknown = batch.column("ts").cast("int64")[place].as_py()
            yield batch


def find_top(parsed: Namespace, opened: OpenTape) -> TapeRows:
    """Return the chosen best prices."""
    known = _Known()
    if parsed.at:
        scan = opened.tape.top(parsed.market, at=parsed.at, depth=parsed.depth)
        batches = known.see(iter(scan.batches()))
    else:
        scan, span = _scan_range(parsed, opened)
        batches = known.see(watch(iter(scan.batches()), span, opened.show))
    return TapeRows(scan.schema, batches, partial(_find_remarks, parsed, opened, known))


def _scan_range(parsed: Namespace, opened: OpenTape) -> "tuple[Scan, tuple[int, int]]":
    exchange = parsed.market.partition(":")[0]
    span = opened.reading.parse_range([exchange], parsed.start, parsed.end)
    every = None if parsed.every == EACH_CHANGE else parsed.every
    return opened.tape.top(parsed.market, *span, depth=parsed.depth, every=every), span


def _find_remarks(parsed: Namespace, opened: OpenTape, known: _Known) -> list[str]:
    """Return remarks on unknown rows; for named moments, one on each unknown moment."""
    if parsed.at:
        return [line for at in parsed.at for line in _explain(parsed.market, opened, at)]
    if not known.rows:
        return [f"no rows of {parsed.market}: the range is empty"]
    if known.first_unknown is None:
        return []
    reasons = _explain(parsed.market, opened, known.first_unknown)
    unknown = known.rows - known.known
    said = f"{unknown:,} of {known.rows:,} rows are unknown" if known.known else _NOTHING
    return [f"{said}: {reason}" for reason in reasons]


def _explain(market: str, opened: OpenTape, moment: str | int) -> list[str]:
    try:
        opened.tape.book_at(market, moment)
    except NotKnown as error:
        return [str(error)]
    return []


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("market", metavar="MARKET", help="bitvavo:BTC-EUR")
    parser.add_argument(
        "--at",
        action="append",
        metavar="T",
        help="a moment instead of a range, 2026-09-21T12:00:00Z; may be repeated",
    )
    add_range(parser)
    parser.add_argument(
        "--depth", type=count, default=DEPTH, metavar="N", help=f"levels of each side ({DEPTH})"
    )
    add_tape(parser)


def _run(parsed: Namespace) -> int:
    if parsed.at and (parsed.start or parsed.end):
        raise BooktapeError("--at takes the place of --start and --end")
    return ask(parsed, partial(find_top, parsed))


COMMAND: Final = Command(
    name="top",
    summary="prints the best prices of a market through time, empty where the book is unknown",
    example="booktape top bitvavo:BTC-EUR --tape try --every 10s",
    run=_run,
    add_arguments=_add_arguments,
)
