"""The code that builds Grafana's dashboard, which is no package."""

import importlib.util
from types import ModuleType

from tests.support.paths import ROOT


def load_builder() -> ModuleType:
    """Return monitoring/build.py as a module."""
    path = ROOT / "monitoring" / "build.py"
    spec = importlib.util.spec_from_file_location("build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
