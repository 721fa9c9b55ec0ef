"""What a probe of one exchange is made of; each has a folder here, named for its exchange."""

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
    """Another hand's reading of an exchange."""

    books: dict[tuple[str, str], DecimalBook]

    def see(self, record: ProbeRecord) -> Iterator[Fact]:
        """Yield what one record says."""
        ...


class Judge(Protocol):
    """Who counts for and against some of the assumptions."""

    def see(self, fact: Fact) -> None:
        """Judge what there is to judge."""
        ...

    def finish(self) -> None:
        """Judge what only the end shows; say what was measured."""
        ...


@dataclass(frozen=True, slots=True)
class Probing:
    """What a folder declares in `probe.PROBING`."""

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
    """Return what the folder of this exchange declares."""
    declared: Probing = import_module(f"services.operator.probe.{name}.probe").PROBING
    return declared
