"""The table of a probe shows how often each assumption held, with examples where it did not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Verdict = Literal["CONFIRMED", "REFUTED", "not seen"]

EXAMPLES_MAX: Final = 3
EXAMPLE_CHARACTERS_MAX: Final = 160


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing that our code believes of an exchange.

    `unit` is the thing counted. At least `enough` must be seen, of which `share` must agree.
    `is_rare`: the exchange may give no occasion to see it.
    """

    id: str
    text: str
    unit: str
    enough: int = 1
    share: float = 1.0
    is_rare: bool = False


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """The verdict on one assumption."""

    assumption: Assumption
    seen: str
    verdict: Verdict
    examples: tuple[str, ...]


@dataclass(slots=True)
class _Tally:
    agreed: int = 0
    differed: int = 0
    note: str = ""
    examples: list[str] = field(default_factory=list)


class AssumptionTable:
    """Counts for and against each assumption."""

    def __init__(self, assumptions: Sequence[Assumption]) -> None:
        """Start with nothing seen."""
        self._assumptions = assumptions
        self._tallies = {one.id: _Tally() for one in assumptions}
        assert len(self._tallies) == len(assumptions)

    def agree(self, name: str, count: int = 1) -> None:
        """Count an agreement."""
        self._tallies[name].agreed += count

    def differ(self, name: str, example: str) -> None:
        """Count a difference; keep the first examples."""
        tally = self._tallies[name]
        tally.differed += 1
        if len(tally.examples) < EXAMPLES_MAX:
            tally.examples.append(example[:EXAMPLE_CHARACTERS_MAX])

    def judge(self, name: str, example: str, *, holds: bool) -> None:
        """Count an agreement or a difference."""
        if holds:
            self.agree(name)
        else:
            self.differ(name, example)

    def note(self, name: str, text: str) -> None:
        """Put a measurement beside the counts, in place of an earlier note."""
        self._tallies[name].note = text

    def rows(self) -> list[JudgedRow]:
        """Return the present table."""
        return [_row(one, self._tallies[one.id]) for one in self._assumptions]


def exit_status(rows: Sequence[JudgedRow]) -> int:
    """Return 1 if any assumption is refuted, 2 if the probe saw too little, else 0."""
    if any(row.verdict == "REFUTED" for row in rows):
        return 1
    missing = (row.verdict == "not seen" and not row.assumption.is_rare for row in rows)
    return 2 if any(missing) else 0


def format_rows(rows: Sequence[JudgedRow]) -> str:
    """Return the table as text, with examples of differences below each row."""
    widths = [max(len(row.assumption.text) for row in rows), max(len(row.seen) for row in rows)]
    lines = []
    for row in rows:
        one = row.assumption
        line = f"{one.id:<4} {one.text:<{widths[0]}}  seen: {row.seen:<{widths[1]}}  {row.verdict}"
        lines += [line, *(f"       {example}" for example in row.examples)]
    return "\n".join(lines)


def _row(assumption: Assumption, tally: _Tally) -> JudgedRow:
    seen = tally.agreed + tally.differed
    parts = [f"{seen:,} {assumption.unit}"]
    if tally.note:
        parts.append(tally.note)
    if seen:
        parts.append(f"{tally.differed:,} differ")
    return JudgedRow(
        assumption, ", ".join(parts), _verdict(assumption, tally), tuple(tally.examples)
    )


def _verdict(assumption: Assumption, tally: _Tally) -> Verdict:
    seen = tally.agreed + tally.differed
    if assumption.share == 1.0 and tally.differed:
        return "REFUTED"
    if seen < assumption.enough:
        return "not seen"
    return "CONFIRMED" if tally.agreed >= assumption.share * seen else "REFUTED"
