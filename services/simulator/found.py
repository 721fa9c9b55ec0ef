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
    """Return what the folder of this exchange declares in `simulated.SIMULATED`."""
    declared: Simulated = import_module(f"services.simulator.{name}.simulated").SIMULATED
    return declared


def load_lies(name: str) -> Lies:
    """Return what the folder of this exchange declares in `lies.LIES`, if it has any."""
    module = f"services.simulator.{name}.lies"
    declared: Lies = import_module(module).LIES if find_spec(module) else {}
    return declared
