"""Every error that a tape's library raises on purpose, named for what happened."""

from typing import ClassVar, Final

# What msgspec raises for bytes that are not what was asked for: its own errors, which are
# ValueErrors, as is the one for a text that is no UTF-8; and one for what is nested too deeply.
UNDECODABLE: Final = (ValueError, RecursionError)


class BooktapeError(Exception):
    """Stand for any error raised on purpose; a command ends with `exit_status` by it."""

    exit_status: ClassVar[int] = 1


class ConfigError(BooktapeError):
    """Tell the operator to correct the configuration; supervisord never retries it."""

    exit_status = 78  # EX_CONFIG of sysexits.h

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class StoreError(BooktapeError):
    """Make the uploader keep the object and retry for ever; name to the operator what helps."""

    def __init__(self, action: str, *, where: str, reason: str, remedy: str) -> None:
        super().__init__(f"cannot {action} {where}: {reason}; {remedy}")
        self.action = action
        self.where = where
        self.reason = reason
        self.remedy = remedy


class AlreadyStored(BooktapeError):
    """Make the uploader compare: an object of that key is there, and it is never overwritten."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is already stored")
        self.key = key


class TapeError(BooktapeError):
    """Tell the reader of a tape which object is unreadable or breaks its promise."""
