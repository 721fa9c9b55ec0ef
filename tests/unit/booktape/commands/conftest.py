from pathlib import Path

import pytest

from tests.support.commands import Shell, make_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def shell(sample: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(sample, capsys)
