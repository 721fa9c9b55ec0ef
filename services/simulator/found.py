"""Finds the simulated exchanges: each is a folder here, named for its exchange."""

import pkgutil
from importlib import import_module

import services.simulator
from services.simulator.protocol import Simulated


def find_names() -> list[str]:
    """Return the names of the exchanges that have a folder, without loading them."""
    return sorted(
        found.name for found in pkgutil.iter_modules(services.simulator.__path__) if found.ispkg
    )


def load(name: str) -> Simulated:
    """Return what the folder of this exchange declares in `simulated.SIMULATED`."""
    declared: Simulated = import_module(f"services.simulator.{name}.simulated").SIMULATED
    return declared
