from pathlib import Path

import pytest

from booktape.commands.location import find_storage
from booktape.errors import ConfigError
from booktape.store.storage import Storage

S3 = {"BOOKTAPE__STORAGE__URL": "s3://live", "BOOKTAPE__STORAGE__REGION": "eu-central-1"}


def test_an_argument_comes_before_all_and_keeps_the_region(tmp_path: Path) -> None:
    environment = {**S3, "BOOKTAPE_TAPE": "elsewhere"}
    expected = Storage("s3://other/d", "eu-central-1")
    assert expected == find_storage("s3://other/d", environment, tmp_path)


@pytest.mark.parametrize("url", ["x", "file:x"])
def test_a_path_starts_at_the_current_folder(tmp_path: Path, url: str) -> None:
    assert f"file:{tmp_path / 'x'}" == find_storage(url, {}, tmp_path).url
    assert f"file:{tmp_path / 'x'}" == find_storage(None, {"BOOKTAPE_TAPE": url}, tmp_path).url
    assert "file:/x" == find_storage("/x", {}, tmp_path).url


def test_the_configuration_of_the_collector_is_followed(tmp_path: Path) -> None:
    text = "[storage]\nurl = 'file:tape'\n[exchanges.nowhere]\nsymbols = 7\n"
    (tmp_path / "booktape.toml").write_text(text)
    assert f"file:{tmp_path / 'tape'}" == find_storage(None, {}, tmp_path).url
    assert Storage("s3://live", "eu-central-1") == find_storage(None, S3, tmp_path)


def test_without_any_word_a_tape_is_in_data(tmp_path: Path) -> None:
    assert f"file:{tmp_path / 'data'}" == find_storage(None, {}, tmp_path).url


@pytest.mark.parametrize("url", ["s3://", "http://x", "file:", "file://host/x"])
def test_what_is_no_store_is_a_fault_of_the_caller(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=f"'{url}': takes"):
        find_storage(url, {}, tmp_path)


def test_every_fault_of_the_configuration_is_told(tmp_path: Path) -> None:
    given = {"BOOKTAPE__STORAGE__URL": "7", "BOOKTAPE__STORAGE__REGION": "no region"}
    with pytest.raises(ConfigError) as error:
        find_storage(None, given, tmp_path)
    assert 2 == len(error.value.faults)
    assert "storage.url = 7 in BOOKTAPE__STORAGE__URL: takes" in error.value.faults[0]
