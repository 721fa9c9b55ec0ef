"""Writes the output of a command: rows as a table, CSV, JSON or Parquet."""

import argparse
import csv
import datetime as dt
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec
from msgspec import Struct

from booktape.commands.command import Parser
from booktape.errors import BooktapeError

FORMATS: Final = ("table", "csv", "json", "parquet")
NULL: Final = "-"
ALIGNED_ROWS: Final = 10_000  # of a table, at once
_GAP: Final = "  "
_DIGITS: Final = 10  # of a number in a table
_WORDS: Final = {True: "yes", False: "no", None: NULL}


class Form(Struct, frozen=True):
    """The form of the output: one of `FORMATS`, and the file for Parquet."""

    name: str
    out: Path | None

    def check(self) -> None:
        """Raise `BooktapeError` unless Parquet has a file, and no other format has one."""
        if (self.name == "parquet") != (self.out is not None):
            raise BooktapeError("--format parquet and --out FILE go together")


def add_form(parser: Parser) -> None:
    """Add the arguments that choose a form."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help=f"table (the default; numbers to {_DIGITS} digits), csv, json, or parquet with --out",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the file of --format parquet")


def find_form(parsed: argparse.Namespace) -> Form:
    """Return the chosen form."""
    form = Form(parsed.format, parsed.out)
    form.check()
    return form


def write(schema: Any, batches: Iterable[Any], form: Form) -> None:
    """Write record batches of a schema."""
    match form.name:
        case "csv":
            _write_csv(schema, batches, sys.stdout)
        case "json":
            _write_json(schema, batches, sys.stdout)
        case "parquet":
            assert form.out is not None
            _write_parquet(schema, batches, form.out)
        case _:
            _write_table(schema, batches, sys.stdout)


def _write_table(schema: Any, batches: Iterable[Any], to: TextIO) -> None:
    """Align the columns of many rows at a time; later rows may only widen them."""
    widths = [len(name) for name in schema.names]
    numbers = list(_find_numbers(schema))
    held = [[name] for name in schema.names]
    for batch in batches:
        for column, values in zip(held, _columns(schema, batch), strict=True):
            column.extend(map(_to_cell, values))
        if len(held[0]) >= ALIGNED_ROWS:
            widths = _print_aligned(held, widths, numbers, to)
            held = [[] for _ in schema.names]
    _print_aligned(held, widths, numbers, to)


def _print_aligned(
    columns: list[list[str]], widths: list[int], numbers: list[bool], to: TextIO
) -> list[int]:
    """Print rows; return the widths that they took."""
    wide = [max([width, *map(len, column)]) for width, column in zip(widths, columns, strict=True)]
    aligned = [
        [cell.rjust(width) if is_number else cell.ljust(width) for cell in column]
        for column, width, is_number in zip(columns, wide, numbers, strict=True)
    ]
    to.writelines(f"{_GAP.join(row).rstrip()}\n" for row in zip(*aligned, strict=True))
    return wide


def _write_csv(schema: Any, batches: Iterable[Any], to: TextIO) -> None:
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow(schema.names)
    for batch in batches:
        columns = [[_to_field(value) for value in column] for column in _columns(schema, batch)]
        writer.writerows(zip(*columns, strict=True))


def _write_json(schema: Any, batches: Iterable[Any], to: TextIO) -> None:
    """Write one list, a row a line."""
    before = "[\n"
    for batch in batches:
        for values in zip(*_columns(schema, batch), strict=True):
            row = dict(zip(schema.names, values, strict=True))
            to.write(before + msgspec.json.encode(row).decode())
            before = ",\n"
    to.write("[]\n" if before == "[\n" else "\n]\n")


def _write_parquet(schema: Any, batches: Iterable[Any], path: Path) -> None:
    """Write the whole file or none: remove an unfinished one, which has another name."""
    from pyarrow import parquet

    partial = path.with_name(f"{path.name}.partial")
    try:
        with parquet.ParquetWriter(
            partial, schema, compression="zstd", write_page_checksum=True
        ) as writer:
            for batch in batches:
                writer.write_batch(batch)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _columns(schema: Any, batch: Any) -> list[list[Any]]:
    return [batch.column(place).to_pylist() for place in range(len(schema))]


def _find_numbers(schema: Any) -> Iterator[bool]:
    for field in schema:
        yield str(field.type) in {"double", "int64", "int32"}


def _to_cell(value: object) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else _to_text(value)


def _to_field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return _to_text(value)


def _to_text(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(value)
    return str(value)
