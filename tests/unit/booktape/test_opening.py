from pathlib import Path

import pytest

from booktape.errors import NotATape
from booktape.opening import make_storage, open_tape
from booktape.store.storage import Storage
from tests.support.opened import make_tape


def test_a_tape_is_opened_by_its_path_or_its_url(tmp_path: Path) -> None:
    root = make_tape(tmp_path).root
    for url in (root, str(root), f"file:{root}"):
        assert ["bitvavo", "btcturk"] == open_tape(url, cache=tmp_path / "unused").exchanges()
    assert not (tmp_path / "unused").exists()


def test_a_folder_without_a_ledger_is_no_tape(tmp_path: Path) -> None:
    with pytest.raises(NotATape, match=f"nothing is recorded at file:{tmp_path}"):
        open_tape(tmp_path)


def test_arguments_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="memory_bytes is 0"):
        open_tape(tmp_path, memory_bytes=0)
    with pytest.raises(ValueError, match="cannot be opened: endpoint_url takes"):
        open_tape("s3://bucket", endpoint_url="localhost")


@pytest.mark.parametrize("url", ["", "s3://", "s3:/bucket", "https://host/tape", "s3://No_Such"])
def test_what_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match='cannot be opened: url takes "file:<folder>" or "s3://<b'):
        open_tape(url)


def test_settings_of_a_store_are_those_of_the_collector() -> None:
    given = make_storage("s3://tape/x", region="eu-central-1", endpoint_url="http://h:1")
    assert Storage("s3://tape/x", "eu-central-1", "http://h:1") == given
