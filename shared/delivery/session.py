"""Names a session: one run of one ingest process."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from shared.process.state import StateFolder


def new_session(state: Path, exchange: str, line: str, *, clock_ns: Callable[[], int]) -> str:
    """Return a session id that is new on this disk, even if the clock was set back."""
    folder = StateFolder(state)
    while True:
        session = f"{_utc(clock_ns()):%Y%m%dT%H%M%S.%fZ}-{exchange}-{line}"
        known = (folder.journal(session), folder.session(session))
        if not any(path.exists() for path in known):
            return session


def _utc(ts: int) -> datetime:
    return datetime.fromtimestamp(ts // 10**9, UTC).replace(microsecond=ts // 1000 % 10**6)
