"""Loads a module later: when somebody first uses a name of it."""

from importlib import import_module
from typing import Any


class LaterModule:
    """A module that loads once somebody uses a name of it."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)
