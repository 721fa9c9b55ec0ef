"""Writes metrics in the text exposition formats that Prometheus reads."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

PREFIX: Final = "booktape_"
TOTAL: Final = "_total"

# https://prometheus.io/docs/instrumenting/exposition_formats/
TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
OPEN_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# For help texts and, with the quote, for label values.
_ESCAPES: Final = {"\\": r"\\", "\n": r"\n"}
_TEXT: Final = str.maketrans(_ESCAPES)
_VALUE: Final = str.maketrans({**_ESCAPES, '"': r"\""})


class Sample(Struct, frozen=True):
    """One series with its value; NaN if unknown."""

    labels: Mapping[str, str]
    value: float


class Family(Struct, frozen=True):
    """All series of one name, without the prefix; the name of a counter ends in `_total`."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str  # a sentence
    samples: list[Sample]


def format_text(families: Iterable[Family]) -> str:
    """Return the text format, which every Prometheus reads."""
    return "".join(line for family in families for line in _lines(family, family.name))


def format_open(families: Iterable[Family]) -> str:
    """Return the OpenMetrics format, which names a counter's family without `_total`."""
    texts = [
        line for family in families for line in _lines(family, family.name.removesuffix(TOTAL))
    ]
    return "".join([*texts, "# EOF\n"])


def _lines(family: Family, name: str) -> Iterable[str]:
    yield f"# HELP {PREFIX}{name} {family.help.translate(_TEXT)}\n"
    yield f"# TYPE {PREFIX}{name} {family.kind}\n"
    for sample in family.samples:
        yield f"{PREFIX}{family.name}{_labels(sample.labels)} {_number(sample.value)}\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = [f'{name}="{value.translate(_VALUE)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    if isinstance(value, int) or value.is_integer():  # no counter is written as 1e+16
        return str(int(value))
    return "NaN" if value != value else repr(value)  # noqa: PLR0124 (NaN differs from itself)
