"""What a tape is asked: the table that each call returns; each kind is loaded when first asked."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from booktape.answers import bar_scan as bar_scan
    from booktape.answers import lists as lists
    from booktape.answers import rows as rows
    from booktape.answers import tops as tops

_LATER: Final = frozenset({"bar_scan", "lists", "rows", "tops"})


def __getattr__(name: str) -> ModuleType:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
