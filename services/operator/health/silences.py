"""Keeps the silences of exchanges with announced maintenance."""

from pathlib import Path

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE
from shared.process.files import write_atomic
from shared.process.state import StateFolder


class Silence(Struct, frozen=True, kw_only=True):
    """An exchange whose own troubles call nobody before `until`, in ns since 1970."""

    exchange: str
    until: int
    ts: int  # the time of the command


def find_silences(state: StateFolder, now_ns: int) -> list[Silence]:
    """Return the silences that still hold; an unreadable file silences nothing."""
    found = [_read(path) for path in sorted(state.silences.glob("*.json"))]
    return [silence for silence in found if silence and silence.until > now_ns]


def write_silence(state: StateFolder, silence: Silence) -> None:
    """Silence an exchange; this replaces an earlier silence."""
    path = state.silence(silence.exchange)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, msgspec.json.encode(silence))


def end_silence(state: StateFolder, exchange: str) -> None:
    """End the silence of an exchange."""
    state.silence(exchange).unlink(missing_ok=True)


def _read(path: Path) -> Silence | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Silence)
    except (FileNotFoundError, *UNDECODABLE):
        return None
