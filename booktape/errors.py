"""Defines every error that the library raises on purpose, named for what happened."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

# The errors of msgspec for bytes of another type: its own, which are ValueErrors, as is the one for
# text that is no UTF-8; and a RecursionError for data nested too deeply.
UNDECODABLE: Final = (ValueError, RecursionError)
NAMES_MAX: Final = 12  # existing names in one message


class BooktapeError(Exception):
    """The base of every error raised on purpose; a command ends with its `exit_status`."""

    exit_status: ClassVar[int] = 1


class ConfigError(BooktapeError):
    """Tell the operator to correct the configuration; supervisord never retries it."""

    exit_status = 78  # EX_CONFIG of sysexits.h

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class TapeError(BooktapeError):
    """Tell the reader of a tape which object is unreadable or breaks its promise."""


class StoreError(TapeError, OSError):
    """Make the uploader keep the object and retry for ever; name a remedy to the operator."""

    def __init__(self, action: str, *, where: str, reason: str, remedy: str) -> None:
        super().__init__(f"cannot {action} {where}: {reason}; {remedy}")
        self.action = action
        self.where = where
        self.reason = reason
        self.remedy = remedy


class AlreadyStored(BooktapeError):
    """Make the uploader compare: the store has an object of that key, and never overwrites it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is already stored")
        self.key = key


class NotATape(TapeError, ValueError):
    """Tell the reader that the URL has no tape."""


class UnknownExchange(TapeError, LookupError):
    """Name the exchanges of the tape."""

    def __init__(self, exchange: str, known: Iterable[str]) -> None:
        super().__init__(f"no exchange {exchange!r} on this tape; it has {name_some(known)}")


class UnknownSymbol(TapeError, LookupError):
    """Name the markets with the most similar names."""

    def __init__(self, market: str, nearest: Sequence[str]) -> None:
        near = f"; the nearest: {', '.join(nearest)}" if nearest else ""
        super().__init__(f"no market {market!r} on this tape{near}")
        self.nearest = tuple(nearest)


class UnknownTable(TapeError, LookupError):
    """Name the tables that a tape has."""

    def __init__(self, table: str, known: Iterable[str]) -> None:
        super().__init__(f"no table {table!r} on a tape; it has {name_some(known)}")


class NotKnown(TapeError, LookupError):
    """Tell why a book is unknown at a moment: `gap` is a `Gap`, with its cause."""

    def __init__(self, reason: str, gap: Any) -> None:
        super().__init__(reason)
        self.gap = gap


class NotExported(TapeError):
    """Tell why a day of a market cannot be exported in the wanted format."""


class DamagedSegment(TapeError, OSError):
    """Name the object whose bytes have changed, and the failed check."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} is damaged: {reason}")
        self.key = key
        self.reason = reason


class NewerSchema(TapeError, NotImplementedError):
    """Tell the reader that a newer release wrote the object."""

    def __init__(self, key: str, version: object) -> None:
        super().__init__(f"{key} has version {version}: read it with a newer release of booktape")


class MissingExtra(TapeError, ImportError):
    """Name the packages that a call needs."""

    def __init__(self, what: str, *packages: str) -> None:
        super().__init__(f"{what} needs {' and '.join(packages)}: pip install {' '.join(packages)}")
        self.packages = packages


def name_some(names: Iterable[str]) -> str:
    """Return the first names as text, with the number of the rest."""
    listed = list(names)
    rest = f" and {len(listed) - NAMES_MAX} more" if len(listed) > NAMES_MAX else ""
    return (", ".join(listed[:NAMES_MAX]) or "none") + rest
