from pathlib import Path

import pytest

from booktape.store.files import make_folder, sync_folder


def test_syncing_a_folder_that_is_not_there_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")


def test_every_folder_is_synced_into_the_one_above_whoever_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("booktape.store.files.sync_folder", synced.append)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "a" / "b", Path("a") / "b"):
        make_folder(path)
        assert (tmp_path / "a" / "b").is_dir()
        assert [tmp_path / "a", tmp_path, tmp_path.parent] == synced[:3]
        synced.clear()


def test_what_others_mounted_or_hide_is_not_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def refuse(path: Path) -> None:
        synced.append(path)
        if path == tmp_path:
            raise PermissionError

    monkeypatch.setattr("booktape.store.files.sync_folder", refuse)
    make_folder(tmp_path / "a" / "b")
    assert [tmp_path / "a", tmp_path] == synced
    synced.clear()
    make_folder(Path("/proc/self"))
    assert [Path("/proc")] == synced
