"""Decodes what `booktape status --json` prints, as far as the page's process needs it."""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from shared.process.live_books import LiveBook

Books = dict[str, dict[str, LiveBook]]  # by exchange and symbol
Markets = dict[str, list[str]]  # the symbols of each exchange

# Of the status what a viewer does without: each second it would be most of the message.
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
        """Return what a person is told."""
        return f"{self.text}; {self.remedy}"


class SeenRate(Struct, frozen=True):
    """Of a report, how fast its feed is."""

    messages_per_s: float | None = None


class SeenProcess(Struct, frozen=True):
    """One feed or the writer."""

    name: str
    exchange: str | None
    report: SeenRate | None


class Sight(Struct, frozen=True):
    """What the last look saw."""

    ts: int
    troubles: list[Complaint]
    processes: list[SeenProcess]

    def rates(self) -> dict[str, float | None]:
        """Return how many messages a second each feed receives."""
        return {
            process.name: process.report.messages_per_s if process.report else None
            for process in self.processes
            if process.exchange is not None
        }

    def exchanges(self) -> list[str]:
        """Return those that have a feed, each once."""
        return list(dict.fromkeys(p.exchange for p in self.processes if p.exchange is not None))


def read_sight(status: bytes) -> Sight:
    """Return what a status says."""
    return _decoder.decode(status)


def make_message(status: bytes, books: Books) -> bytes:
    """Return what a viewer gets each second: the status, and the books that are looked at."""
    values = _parts.decode(status)
    kept = {name: raw for name, raw in values.items() if name not in _LEFT_OUT}
    return msgspec.json.encode({**kept, "books": books})


def add_complaint(status: bytes, complaint: bytes) -> bytes:
    """Return a status with one trouble more, which comes first: it is well no longer."""
    values = _parts.decode(status)
    troubles = [Raw(complaint), *msgspec.json.decode(values["troubles"], type=list[Raw])]
    return msgspec.json.encode({**values, "ok": False, "troubles": troubles})


_decoder: Final = msgspec.json.Decoder(Sight)
_parts: Final = msgspec.json.Decoder(dict[str, Raw])
