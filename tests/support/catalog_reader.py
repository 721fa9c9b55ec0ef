"""Reads a catalog's changes back into books; each says what it does to its level."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from tests.support.tardis_reader import Sides

LAST = 128  # the flag of a message's last row, which has no other
NS_OF_US = 1_000


class CatalogRow(NamedTuple):
    """One row of a catalog's book; numbers are texts, times ns."""

    action: str
    side: str | None
    price: str
    size: str
    flags: int
    sequence: int
    ts_event: int
    ts_init: int


def read_catalog_books(rows: list[CatalogRow], moments: list[int]) -> Iterator[Sides]:
    """Yield the book at each moment; a row that cannot be applied to its book is a fault."""
    book: Sides = {"bid": {}, "ask": {}}
    place = 0
    for moment in moments:
        while place < len(rows) and rows[place].ts_init <= moment * NS_OF_US:
            _apply(book, rows[place])
            place += 1
        assert not place or rows[place - 1].flags == LAST
        yield {side: dict(levels) for side, levels in book.items()}


def _apply(book: Sides, row: CatalogRow) -> None:
    if row.action == "CLEAR":
        for levels in book.values():
            levels.clear()
        return
    assert row.side is not None
    levels, price = book[row.side], float(Decimal(row.price))
    assert (price in levels) == (row.action in {"UPDATE", "DELETE"}), row
    if row.action == "DELETE":
        del levels[price]
    else:
        levels[price] = float(Decimal(row.size))
