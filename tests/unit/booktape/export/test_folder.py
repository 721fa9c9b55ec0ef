from pathlib import Path

import pytest

from booktape.errors import NotExported, TapeError
from booktape.export.folder import Folder


def write_whole(path: Path) -> None:
    path.write_bytes(b"whole")


def test_a_folder_remembers_which_days_are_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "out", "parquet", {"depth": 5})
    assert folder.find_done("day") is None
    folder.write("day.bin", write_whole)
    folder.finish("day", {"rows": 7})
    again = Folder(tmp_path / "out", "parquet", {"depth": 5})
    assert {"rows": 7} == again.find_done("day")
    assert b"whole" == (tmp_path / "out" / "day.bin").read_bytes()


def test_what_is_not_whole_is_not_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "out", "parquet", {})

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(OSError, match="No space"):
        folder.write("day.bin", fail)
    assert ["export.json"] == [path.name for path in (tmp_path / "out").iterdir()]


def test_two_exports_are_never_mixed(tmp_path: Path) -> None:
    Folder(tmp_path, "parquet", {"depth": 5})
    with pytest.raises(TapeError, match=r"another export \(target=parquet depth=5\), not target=h"):
        Folder(tmp_path, "hftbacktest", {"depth": 5})
    (tmp_path / "export.json").write_bytes(b"[1]")
    with pytest.raises(TapeError, match="is no file of an export"):
        Folder(tmp_path, "parquet", {"depth": 5})
    (tmp_path / "export.json").unlink()
    (tmp_path / "mine.txt").touch()
    with pytest.raises(TapeError, match="holds files of no export"):
        Folder(tmp_path, "parquet", {"depth": 5})


def test_a_day_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    one, other = (Folder(tmp_path, "parquet", {}) for _ in range(2))
    with one.claim("day"):
        with pytest.raises(NotExported, match="another process writes day"), other.claim("day"):
            pass
        with other.claim("next"):
            other.finish("next", {})
    with other.claim("day"):
        other.finish("day", {})
    assert {"export.json", "day.json", "next.json"} == {path.name for path in tmp_path.iterdir()}


def test_a_folder_that_another_process_has_just_begun_is_shared(tmp_path: Path) -> None:
    (tmp_path / "export.json.partial").touch()
    (tmp_path / "day.npz.partial").touch()
    Folder(tmp_path, "parquet", {"depth": 5})
    assert Folder(tmp_path, "parquet", {"depth": 5}).find_done("day") is None
