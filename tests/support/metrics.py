"""Metrics, read by name and labels."""

import re
from collections.abc import Iterable

from services.operator.metrics.exposition import PREFIX, Family

_LINE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Samples(dict[tuple[str, frozenset[tuple[str, str]]], float]):
    """Each series with its value, by its name without the prefix."""

    def of(self, name: str, **labels: str) -> float:
        """Return the value of one series, which must be there."""
        return self[name, frozenset(labels.items())]

    def pull(self, name: str, **labels: str) -> float:
        """Return the value of one series and forget it."""
        return self.pop((name, frozenset(labels.items())))


def read_samples(families: Iterable[Family]) -> Samples:
    """Return the samples of these families, each series once."""
    found = Samples()
    for family in families:
        for sample in family.samples:
            key = family.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def read_text(text: str) -> Samples:
    """Return the samples of a text; labels have no quotes of their own here."""
    found = Samples()
    for line in text.splitlines():
        if not line.startswith("#"):
            match = _LINE.fullmatch(line)
            assert match is not None, line
            name, labels, value = match.groups()
            key = name.removeprefix(PREFIX), frozenset(_LABEL.findall(labels or ""))
            assert key not in found
            found[key] = float(value)
    return found
