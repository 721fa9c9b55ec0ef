"""Reads Tardis's CSV files as their documentation tells: what its users see of a book."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

Sides = dict[str, dict[float, float]]


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def read_books(path: Path, moments: list[int]) -> Iterator[Sides]:
    """Yield the book at each moment; a snapshot's first row behind another row begins anew."""
    book: Sides = {"bid": {}, "ask": {}}
    was_snapshot = False
    rows = read_rows(path)
    row = next(rows, None)
    for moment in moments:
        while row is not None and int(row["local_timestamp"]) <= moment:
            is_snapshot = {"true": True, "false": False}[row["is_snapshot"]]
            if is_snapshot and not was_snapshot:
                book = {"bid": {}, "ask": {}}
            was_snapshot = is_snapshot
            side, price, size = book[row["side"]], float(row["price"]), float(row["amount"])
            if size:
                side[price] = size
            else:
                del side[price]  # nothing is removed that is not there
            row = next(rows, None)
        yield {name: dict(levels) for name, levels in book.items()}
