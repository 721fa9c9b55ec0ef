"""Loads kinds of answers later: each when a tape is first asked for it."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booktape.answers import bar_scan, lists, rows, tops

__all__ = ["bar_scan", "lists", "rows", "tops"]


def __getattr__(name: str) -> ModuleType:
    """Return the module of this kind of answers."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"booktape.answers.{name}")
