import json
from datetime import date
from pathlib import Path

import pytest

from booktape.commands.verify import run
from booktape.store.storage import Storage


def make_storage(folder: Path) -> Storage:
    return Storage(f"file:{folder / 'data'}")


def put_foreign(folder: Path) -> None:
    path = folder / "data" / "tape" / "book" / "stranger.txt"
    path.parent.mkdir(parents=True)
    path.write_text("?")


def test_where_there_is_no_tape_nothing_is_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(make_storage(tmp_path), date=None, as_json=False)
    said = capsys.readouterr()
    assert "" == said.out
    assert f"booktape: file:{tmp_path / 'data'} holds no tape\n" == said.err
    day = date(2026, 11, 25)
    assert 2 == run(make_storage(tmp_path), date=day, as_json=False)
    expected = f"booktape: file:{tmp_path / 'data'} holds nothing of 2026-11-25\n"
    assert expected == capsys.readouterr().err


def test_a_tape_that_is_not_whole_is_told_to_people_and_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_foreign(tmp_path)
    assert 1 == run(make_storage(tmp_path), date=None, as_json=False)
    assert "NOT WHOLE" in capsys.readouterr().out
    assert 1 == run(make_storage(tmp_path), date=None, as_json=True)
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_store_that_cannot_be_read_has_its_own_status(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage = Storage("s3://bucket/prefix", "eu-central-1", "http://127.0.0.1:9")
    assert 2 == run(storage, date=None, as_json=False)
    assert "s3://bucket/prefix is unreadable: " in capsys.readouterr().err
