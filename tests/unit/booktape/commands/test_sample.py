from pathlib import Path

import pytest

from booktape.commands.main import main
from booktape.errors import BooktapeError


def test_what_it_writes_is_proven_by_what_it_says_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "try"
    assert 0 == main(["sample", str(folder)])
    said = capsys.readouterr().out
    assert "in 6 sessions, made by code\n" in said
    assert f"booktape verify {folder}\n" in said
    assert 0 == main(["verify", str(folder)])
    assert "The tape is whole." in capsys.readouterr().out


def test_a_folder_that_is_in_use_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("")
    assert BooktapeError.exit_status == main(["sample", str(tmp_path)])
    said = f"booktape: {tmp_path} is not empty; name a new folder for the sample\n"
    assert said == capsys.readouterr().err
