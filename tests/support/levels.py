"""Levels as an exchange writes them and as a book has them."""

from collections.abc import Iterable

from booktape.ladder import Level

Texts = Iterable[tuple[str, str]]


def levels(bids: Texts, asks: Texts) -> tuple[list[Level], list[Level]]:
    """Return the numbers of these texts."""
    return _read(bids), _read(asks)


def _read(side: Texts) -> list[Level]:
    return [(float(price), float(size)) for price, size in side]
