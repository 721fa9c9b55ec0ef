"""Reads and spoils the packed columns of book events, as lists."""

from array import array
from collections.abc import Iterable
from typing import Any

from shared.delivery.frame import BOOK_CODES, LEVEL_CODE, PREVIOUS_CODE, BookColumns

CODES = {**BOOK_CODES, "levels": LEVEL_CODE, "previous": PREVIOUS_CODE}


def unpack(book: BookColumns | None, name: str) -> list[Any]:
    """Return the numbers of a column."""
    assert book is not None
    return array(CODES[name], getattr(book, name)).tolist()


def pack(book: BookColumns | None, name: str, numbers: Iterable[float]) -> None:
    """Replace a column."""
    code = CODES[name]
    whole = numbers if code == "d" else map(int, numbers)
    setattr(book, name, array(code, list(whole)).tobytes())


def set_at(book: BookColumns | None, name: str, place: int, number: float) -> None:
    """Replace one number of a column."""
    numbers = unpack(book, name)
    numbers[place] = number
    pack(book, name, numbers)
