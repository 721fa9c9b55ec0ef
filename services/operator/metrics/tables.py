"""Collects samples in tables of metrics that are declared once, so that each is always there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from services.operator.metrics.exposition import Family, Sample


class Metric(NamedTuple):
    """A metric's name, with its meaning in a sentence."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str


class Table:
    """Collects samples of some metrics, in the order of their declaration."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        """Begin without a sample."""
        self._families = {
            metric.name: Family(metric.name, metric.kind, metric.help, []) for metric in metrics
        }

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """Add one sample of a declared metric."""
        self._families[name].samples.append(Sample(labels, value))

    def __iter__(self) -> Iterator[Family]:
        """Yield every family, those without a sample too."""
        return iter(self._families.values())


def seconds(ts: int | None) -> float:
    """Return a moment in seconds since 1970; 0 for never."""
    return (ts or 0) / 1e9
