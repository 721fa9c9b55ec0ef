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
