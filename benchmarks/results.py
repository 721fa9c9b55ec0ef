"""Prints results with their goals, as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

FOLDER = Path(__file__).parents[1] / ".benchmarks"


class Figure(Struct, frozen=True):
    """One measured figure; `goal` is its lower or upper bound."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    better: Literal["more", "less"] = "less"

    @property
    def is_met(self) -> bool:
        """Return whether the goal is reached; True without a goal."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.better == "more" else self.value <= self.goal


class Machine(Struct, frozen=True):
    """The measuring machine."""

    cores: int
    cpu: str
    python: str
    system: str


class Run(Struct, frozen=True):
    """All figures of one run of the benchmarks."""

    date: str
    machine: Machine
    figures: dict[str, list[Figure]]


def machine() -> Machine:
    """Return a description of this machine."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return Machine(
        cores=os.cpu_count() or 1,
        cpu=names[0] if names else platform.machine(),
        python=platform.python_version(),
        system=platform.release(),
    )


def save(figures: dict[str, list[Figure]]) -> Path:
    """Write a run to `.benchmarks`; return the file."""
    now = datetime.now(UTC)  # noqa: TID251 (the edge)
    run = Run(now.isoformat(timespec="seconds"), machine(), figures)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{now:%Y%m%dT%H%M%SZ}-{'-'.join(figures)}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    return path


def format_table(figures: dict[str, list[Figure]]) -> str:
    """Return all figures as lines."""
    rows = [("benchmark", "figure", "measured", "goal", "")]
    for name, measured in figures.items():
        rows += [(name, *_cells(figure)) for figure in measured]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    measured = f"{format_number(figure.value)} {figure.unit}".rstrip()
    if figure.goal is None:
        return figure.name, measured, "", ""
    sign = ">=" if figure.better == "more" else "<="
    goal = f"{sign} {format_number(figure.goal)}"
    return figure.name, measured, goal, "met" if figure.is_met else "MISSED"


def format_number(value: float) -> str:
    """Return a number with as many digits as matter."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, figure, measured, goal, verdict = row
    return (
        f"{name:<{widths[0]}}  {figure:<{widths[1]}}  {measured:>{widths[2]}}  "
        f"{goal:>{widths[3]}}  {verdict}"
    ).rstrip()
