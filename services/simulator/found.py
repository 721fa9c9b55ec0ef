"""Lists the simulated exchanges found here: each is a folder, named for its exchange."""

import pkgutil
from importlib import import_module
from importlib.util import find_spec

import services.simulator
from services.simulator.lies import Lies
from services.simulator.protocol import Simulated


def find_names() -> list[str]:
    """Return the names of the exchanges that have a folder, without loading them."""
    return sorted(
        found.name for found in pkgutil.iter_modules(services.simulator.__path__) if found.ispkg
    )


def load(name: str) -> Simulated:
    """Return the declaration `simulated.SIMULATED` of this exchange's folder."""
    declared: Simulated = import_module(f"services.simulator.{name}.simulated").SIMULATED
    return declared


def load_lies(name: str) -> Lies:
    """Return the declaration `lies.LIES` of this exchange's folder, or an empty one."""
    module = f"services.simulator.{name}.lies"
    declared: Lies = import_module(module).LIES if find_spec(module) else {}
    return declared
