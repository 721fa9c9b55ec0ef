"""Asks a tape for a command: opens the tape, writes rows, reports an error in one line."""

import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from booktape.commands.bar import Bar
from booktape.commands.command import Parser
from booktape.commands.location import find_storage
from booktape.commands.output import add_form, find_form, write
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
    from booktape.answers.reading import Reading
    from booktape.tape import Tape

UNREADABLE: Final = 2
EACH_CHANGE: Final = "change"
TAPE_HELP: Final = (
    "a folder, file:<folder> or s3://<bucket>/<prefix> (BOOKTAPE_TAPE, [storage] url)"
)

Show = Callable[[int, int], None]  # the work done, and all of it


class OpenTape(Struct, frozen=True):
    """An open tape, and a way to show the progress of its reading."""

    tape: "Tape"
    reading: "Reading"
    show: Show


class TapeRows(Struct, frozen=True):
    """Rows that answer a question, and the lines to print after them."""

    schema: Any
    batches: Iterator[Any]
    remarks: Callable[[], list[str]]


def add_tape(parser: Parser) -> None:
    """Add the arguments of every command that reads a tape."""
    parser.add_argument("--tape", metavar="URL", help=TAPE_HELP)
    add_form(parser)


def add_range(parser: Parser) -> None:
    """Add the arguments that choose a range of time and its steps."""
    parser.add_argument("--start", metavar="T", help="2026-09-21T12:00:00Z (the first row)")
    parser.add_argument("--end", metavar="T", help="the first moment after it (the last row)")
    parser.add_argument(
        "--every", default="1s", metavar="D", help=f"100ms, 1s, 1m, 1h; {EACH_CHANGE}: each change"
    )


def ask(parsed: Namespace, find: Callable[[OpenTape], TapeRows]) -> int:
    """Write the found rows; return 0, 1 for a wrong question, 2 for no readable tape."""
    form = find_form(parsed)
    storage = find_storage(parsed.tape, os.environ, Path.cwd())
    is_between_rows = form.out is None and sys.stdout.isatty()
    try:
        with say_warnings(), Bar(sys.stderr) as bar:
            show = _show_nothing if is_between_rows else bar.show
            rows = find(_open(storage, show))
            write(rows.schema, rows.batches, form)
    except (NotATape, StoreError, DamagedSegment, NewerSchema) as error:
        print(f"booktape: {storage.url} is unreadable: {error}", file=sys.stderr)
        return UNREADABLE
    except TapeError:
        raise
    except ValueError as error:
        raise BooktapeError(str(error)) from None
    for remark in rows.remarks():
        print(f"booktape: {remark}", file=sys.stderr)
    return 0


def watch(batches: Iterator[Any], span: tuple[int, int], show: Show) -> Iterator[Any]:
    """Yield batches with a `ts`, and show the seconds of the range that they have passed."""
    second = 1_000_000
    total = (span[1] - span[0]) // second
    for batch in batches:
        if len(batch):
            last = batch.column("ts").cast("int64")[-1].as_py()
            show(min((last - span[0]) // second, total), total)
        yield batch


def open_reading_of(storage: Storage) -> "Reading":
    """Return the reading of a tape, on which every answer stands."""
    from booktape.opening import open_reading

    return open_reading(storage.url, region=storage.region, endpoint_url=storage.endpoint_url)


def _open(storage: Storage, show: Show) -> OpenTape:
    from booktape.tape import Tape

    reading = open_reading_of(storage)
    return OpenTape(Tape(reading), reading, show)


@contextmanager
def say_warnings() -> Iterator[None]:
    """Print each warning of the library as a line of our own."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", UserWarning)
        try:
            yield
        finally:
            for warning in caught:
                print(f"booktape: {warning.message}", file=sys.stderr)


def _show_nothing(_done: int, _total: int) -> None:
    """Leave the terminal to the rows."""
