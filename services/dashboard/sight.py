"""Decodes a sight of all processes from `booktape status --json`, as far as the page needs it."""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from shared.process.live_books import LiveBook

Books = dict[str, dict[str, LiveBook]]  # by exchange and symbol
Markets = dict[str, list[str]]  # the symbols of each exchange

# Parts of the status that no viewer needs, but that would fill most of each second's message.
_LEFT_OUT: Final = frozenset({"state_path", "conf", "is_supervisor_lost"})


class Complaint(Struct, frozen=True):
    """One trouble."""

    code: str
    text: str
    remedy: str
    process: str | None = None
    exchange: str | None = None

    @property
    def sentence(self) -> str:
        """Return the trouble and its remedy in one sentence."""
        return f"{self.text}; {self.remedy}"


class SeenRate(Struct, frozen=True):
    """The rate of a feed, from its report."""

    messages_per_s: float | None = None


class SeenProcess(Struct, frozen=True):
    """One feed or the writer."""

    name: str
    exchange: str | None
    report: SeenRate | None
    is_running: bool = True


class Sight(Struct, frozen=True):
    """The content of the last look."""

    ts: int
    troubles: list[Complaint]
    processes: list[SeenProcess]

    def rates(self) -> dict[str, float | None]:
        """Return the messages a second of each feed."""
        return {
            process.name: process.report.messages_per_s if process.report else None
            for process in self.processes
            if process.exchange is not None
        }

    def find_alive(self) -> set[str]:
        """Return the exchanges that have a running feed: only these have live books."""
        return {p.exchange for p in self.processes if p.exchange is not None and p.is_running}

    def exchanges(self) -> list[str]:
        """Return each exchange that has a feed, once."""
        return list(dict.fromkeys(p.exchange for p in self.processes if p.exchange is not None))


def read_sight(status: bytes) -> Sight:
    """Return the content of a status."""
    return _decoder.decode(status)


def make_message(status: bytes, books: Books) -> bytes:
    """Return the message for viewers: the status, the shown books."""
    values = _parts.decode(status)
    kept = {name: raw for name, raw in values.items() if name not in _LEFT_OUT}
    return msgspec.json.encode({**kept, "books": books})


def add_complaint(status: bytes, complaint: bytes) -> bytes:
    """Return a status with one more trouble in first place, without its books, which are old."""
    values = _parts.decode(status)
    if "books" in values:
        values["books"] = Raw(b"{}")
    troubles = [Raw(complaint), *msgspec.json.decode(values["troubles"], type=list[Raw])]
    return msgspec.json.encode({**values, "ok": False, "troubles": troubles})


_decoder: Final = msgspec.json.Decoder(Sight)
_parts: Final = msgspec.json.Decoder(dict[str, Raw])
