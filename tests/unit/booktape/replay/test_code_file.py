import errno
import os
from pathlib import Path
from typing import Any

import pytest

from booktape.replay.code_file import FILES_MAX, CodeFile

CODE = bytes(range(256)) * 9


def keep(folder: Path, made_of: str = "one") -> Path:
    CodeFile(folder, made_of).write(CODE)
    [path] = folder.iterdir()
    return path


def test_what_was_written_is_read_by_whoever_asks_for_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    assert CodeFile(folder, "one").read() is None
    keep(folder)
    assert CODE == CodeFile(folder, "one").read()
    assert CodeFile(folder, "two").read() is None


def test_a_file_of_other_code_is_none_whatever_its_name(tmp_path: Path) -> None:
    path = keep(tmp_path / "two", "two")
    other = CodeFile(tmp_path / "one", "one")
    path.rename(keep(tmp_path / "one"))
    assert other.read() is None
    other.write(CODE)
    assert CODE == other.read()


def test_no_damage_is_read(tmp_path: Path) -> None:
    path = keep(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert CodeFile(tmp_path, "one").read() is None
    for length in (0, 1, 31, 32, 33, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert CodeFile(tmp_path, "one").read() is None
    path.write_bytes(whole + b"0")
    assert CodeFile(tmp_path, "one").read() is None
    path.write_bytes(whole)
    assert CODE == CodeFile(tmp_path, "one").read()


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_can_write_is_not_run(tmp_path: Path, mode: int) -> None:
    path = keep(tmp_path)
    assert 0o600 == path.stat().st_mode & 0o777
    path.chmod(mode)
    assert CodeFile(tmp_path, "one").read() is None


def test_what_somebody_else_wrote_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path)
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert CodeFile(tmp_path, "one").read() is None


def test_the_oldest_files_beyond_the_bound_go(tmp_path: Path) -> None:
    for number in range(FILES_MAX + 3):
        kept = CodeFile(tmp_path, str(number))
        kept.write(CODE)
        for path in tmp_path.iterdir():
            status = path.stat()
            os.utime(path, (status.st_atime - 9, status.st_mtime - 9))  # an age each
    held = [CodeFile(tmp_path, str(number)).read() for number in range(FILES_MAX + 3)]
    assert [None] * 3 + [CODE] * FILES_MAX == held


def test_what_a_killed_process_left_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_arguments: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        patch.setattr(Path, "unlink", lambda _path: None)
        with pytest.raises(Killed):
            CodeFile(tmp_path, "one").write(CODE)
    [left] = tmp_path.iterdir()
    os.utime(left, (1, 1))
    for number in range(FILES_MAX):
        CodeFile(tmp_path, str(number)).write(CODE)
    assert not left.exists()


def test_a_file_that_another_process_removed_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(FILES_MAX):
        CodeFile(tmp_path, str(number)).write(CODE)
    unlink = Path.unlink

    def unlink_twice(path: Path) -> None:
        unlink(path)
        unlink(path)

    monkeypatch.setattr(Path, "unlink", unlink_twice)
    CodeFile(tmp_path, "last").write(CODE)
    assert FILES_MAX == len(list(tmp_path.iterdir()))


def test_a_folder_that_cannot_be_made_is_told_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = CodeFile(tmp_path / "file" / "booktape", "one")
    assert kept.read() is None
    with pytest.warns(UserWarning, match=r"booktape cannot keep compiled code: not a directory"):
        kept.write(CODE)


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.warns(UserWarning, match="no space left on device"):
        CodeFile(tmp_path, "one").write(CODE)
    assert [] == list(tmp_path.iterdir())
