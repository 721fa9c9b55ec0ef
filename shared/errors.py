"""Defines every error that the collector raises on purpose, named for what happened."""

from booktape.errors import BooktapeError


class LockHeld(BooktapeError):
    """Tell the operator which process holds the lock; supervisord tries again."""

    exit_status = 75  # EX_TEMPFAIL of sysexits.h

    def __init__(self, name: str, *, holder: str) -> None:
        super().__init__(f"{name} is already held by {holder}; stop that process or wait for it")
        self.name = name
        self.holder = holder


class ExchangeError(BooktapeError):
    """Make the feed reconnect: the exchange broke its protocol."""


class ConnectionLost(ExchangeError):
    """Make the feed reconnect, not before `retry_after_s` if the exchange named a wait."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class Stale(ConnectionLost):
    """Make the feed reconnect: the connection is open, but has been silent for too long."""


class RateLimited(ExchangeError):
    """Make the caller send no request to this exchange for `retry_after_s`."""

    def __init__(self, reason: str, *, retry_after_s: float) -> None:
        super().__init__(f"{reason}; wait {retry_after_s:g} s")
        self.reason = reason
        self.retry_after_s = retry_after_s


class MalformedMessage(BooktapeError):
    """Make the feed write a `malformed` row, resync the book it concerns, and go on."""

    EXCERPT_CHARACTERS_MAX = 200

    def __init__(
        self,
        reason: str,
        *,
        raw: bytes | str,
        raw_symbol: str | None = None,
        channel: str | None = None,
    ) -> None:
        text = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
        self.reason = reason
        self.excerpt = text[: self.EXCERPT_CHARACTERS_MAX]
        self.raw_symbol = raw_symbol
        self.channel = channel
        super().__init__(f"{reason}: {self.excerpt}")

    @property
    def facts(self) -> dict[str, str]:
        """Return the details of its row, with the channel if that is known."""
        of = {} if self.channel is None else {"channel": self.channel}
        return {**of, "reason": self.reason, "raw": self.excerpt}


class FrameError(BooktapeError):
    """Make the receiver hold back the session: it cannot read a frame."""


class UnknownFrameVersion(FrameError):
    """Make the receiver hold back the session, without a loss, until a newer release reads it."""

    def __init__(self, version: int) -> None:
        super().__init__(f"frame version {version} is unknown to this release; deploy a newer one")
        self.version = version


class JournalError(BooktapeError):
    """Make the ingest stop and start again: its disk refuses the journal."""


class SpoolError(BooktapeError):
    """Make the writer stop and start again, so that it reads its disk anew."""
