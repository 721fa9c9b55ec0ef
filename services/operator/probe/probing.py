"""Declares the parts of probing one exchange; each exchange has a folder here."""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import services.operator.probe
from services.operator.probe.facts import Fact
from services.operator.probe.levels import DecimalBook
from services.operator.probe.record import ProbeRecord
from services.operator.probe.steps import Script
from services.operator.probe.table import Assumption, AssumptionTable


class SecondReading(Protocol):
    """A second reading of an exchange, by code that shares nothing with the feed."""

    books: dict[tuple[str, str], DecimalBook]

    def see(self, record: ProbeRecord) -> Iterator[Fact]:
        """Yield the facts of one record."""
        ...


class Judge(Protocol):
    """Counts for and against some of the assumptions."""

    def see(self, fact: Fact) -> None:
        """Judge one fact."""
        ...

    def finish(self) -> None:
        """Judge what only the end shows; note the measurements."""
        ...


@dataclass(frozen=True, slots=True)
class Probing:
    """The declaration of a folder, `probe.PROBING`."""

    assumptions: tuple[Assumption, ...]
    reading: Callable[[], SecondReading]
    judges: tuple[Callable[[AssumptionTable, Any], Judge], ...]
    script: Script
    pings: str
    ping_s: float


def find_names() -> list[str]:
    """Return the exchanges that have a probe, without loading them."""
    path = services.operator.probe.__path__
    return sorted(found.name for found in pkgutil.iter_modules(path) if found.ispkg)


def load(name: str) -> Probing:
    """Return the declaration of this exchange's folder."""
    declared: Probing = import_module(f"services.operator.probe.{name}.probe").PROBING
    return declared
