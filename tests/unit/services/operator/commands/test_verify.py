import json
from datetime import date
from pathlib import Path

import pytest

from booktape.store.storage import Storage
from services.operator.commands.verify import find_storage, run
from shared.errors import ConfigError
from shared.process.settings import Settings, load


def make_settings(folder: Path) -> Settings:
    return load({}, folder, exchanges={})


def put_foreign(folder: Path) -> None:
    path = folder / "data" / "tape" / "book" / "stranger.txt"
    path.parent.mkdir(parents=True)
    path.write_text("?")


def test_where_there_is_no_tape_nothing_is_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(make_settings(tmp_path), None, date=None, as_json=False)
    said = capsys.readouterr()
    assert "" == said.out
    assert f"booktape: file:{tmp_path / 'data'} holds no tape\n" == said.err
    day = date(2026, 11, 25)
    assert 2 == run(make_settings(tmp_path), None, date=day, as_json=False)
    expected = f"booktape: file:{tmp_path / 'data'} holds nothing of 2026-11-25\n"
    assert expected == capsys.readouterr().err


def test_a_tape_that_is_not_whole_is_told_to_people_and_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_foreign(tmp_path)
    assert 1 == run(make_settings(tmp_path), None, date=None, as_json=False)
    assert "NOT WHOLE" in capsys.readouterr().out
    assert 1 == run(make_settings(tmp_path), f"file:{tmp_path / 'data'}", date=None, as_json=True)
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_store_that_cannot_be_read_has_its_own_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    given = {
        "BOOKTAPE__STORAGE__URL": "s3://bucket/prefix",
        "BOOKTAPE__STORAGE__ENDPOINT_URL": "http://127.0.0.1:9",
        "BOOKTAPE__STORAGE__REGION": "eu-central-1",
    }
    settings = load(given, tmp_path, exchanges={})
    assert 2 == run(settings, None, date=None, as_json=False)
    assert "s3://bucket/prefix is unreadable: " in capsys.readouterr().err


def test_a_path_starts_at_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configured = Storage(url="s3://live", region="eu-central-1")
    assert configured == find_storage(configured, None)
    assert f"file:{tmp_path / 'x'}" == find_storage(configured, "file:x").url
    assert Storage("s3://other/d", "eu-central-1") == find_storage(configured, "s3://other/d")


@pytest.mark.parametrize("url", ["data", "s3://", "http://x", "file:"])
def test_what_is_no_store_is_a_fault_of_the_caller(url: str) -> None:
    with pytest.raises(ConfigError, match=f"'{url}': takes"):
        find_storage(Storage(), url)
