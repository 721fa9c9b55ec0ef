import sys
from pathlib import Path

import pytest

from tests.support.small_tapes import SMALL_TAPES
from tests.support.tape_maker import make_tape


@pytest.fixture(scope="session")
def small_tapes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folder of each small tape."""
    return {
        name: make_tape(tmp_path_factory.mktemp(name), text) for name, text in SMALL_TAPES.items()
    }


@pytest.fixture(params=["compiled", "plain"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the library replay by its compiled engine, and as if there were none."""
    name: str = request.param
    if name == "plain":
        monkeypatch.setitem(sys.modules, "numba", None)
        # They chose their engine when they were loaded: load them again, now and afterwards.
        for module in [one for one in sys.modules if one.startswith("booktape.replay")]:
            monkeypatch.delitem(sys.modules, module)
    return name
