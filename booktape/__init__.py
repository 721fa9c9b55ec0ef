"""Read order books of crypto exchanges from a tape that proves itself whole.

    import booktape

    tape = booktape.open("data")
    book = tape.book_at("bitvavo:BTC-EUR", "2026-11-29T12:00:00Z")

The first call that needs a heavy library loads it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from booktape.errors import (
    DamagedSegment,
    MissingExtra,
    NewerSchema,
    NotATape,
    NotKnown,
    StoreError,
    TapeError,
    UnknownExchange,
    UnknownSymbol,
    UnknownTable,
)
from booktape.release import VERSION

if TYPE_CHECKING:
    from booktape.books.book import Book, Gap
    from booktape.opening import open_tape as open  # noqa: A004 (as one opens a file)
    from booktape.scan import Scan
    from booktape.tape import Tape

__version__ = VERSION
__all__ = [
    "Book",
    "DamagedSegment",
    "Gap",
    "MissingExtra",
    "NewerSchema",
    "NotATape",
    "NotKnown",
    "Scan",
    "StoreError",
    "Tape",
    "TapeError",
    "UnknownExchange",
    "UnknownSymbol",
    "UnknownTable",
    "__version__",
    "open",
]

_LATER = {
    "Book": ("booktape.books.book", "Book"),
    "Gap": ("booktape.books.book", "Gap"),
    "Scan": ("booktape.scan", "Scan"),
    "Tape": ("booktape.tape", "Tape"),
    "open": ("booktape.opening", "open_tape"),
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LATER[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
