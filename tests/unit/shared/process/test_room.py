import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.process.room import explain_refusal, is_lack_of_room, lacks_inodes

FULL = OSError(errno.ENOSPC, "No space left on device")


def say(patch: pytest.MonkeyPatch, files: int, available: int) -> None:
    patch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_files=files, f_favail=available))


def test_a_full_disk_and_a_used_quota_lack_room() -> None:
    assert is_lack_of_room(FULL)
    assert is_lack_of_room(OSError(errno.EDQUOT, "Disk quota exceeded"))
    assert not is_lack_of_room(OSError(errno.EIO, "Input/output error"))
    assert not is_lack_of_room(ValueError())
    assert not is_lack_of_room(None)


def test_a_disk_without_inodes_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, 1000, 0)
    assert lacks_inodes(tmp_path)
    assert "the disk has no inode left, and each file takes one; remove files" in explain_refusal(
        FULL, tmp_path / "new"
    )
    say(monkeypatch, 1000, 7)
    assert "[Errno 28] No space left on device; make room on this disk" == explain_refusal(
        FULL, tmp_path
    )


def test_a_disk_that_does_not_count_them_lacks_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, 0, 0)
    assert not lacks_inodes(tmp_path)


def test_where_nothing_can_be_asked_nothing_is_said(tmp_path: Path) -> None:
    assert not lacks_inodes(tmp_path / "a" / "b")


def test_another_refusal_stays_what_it_is(tmp_path: Path) -> None:
    error = OSError(errno.EIO, "Input/output error")
    assert "[Errno 5] Input/output error" == explain_refusal(error, tmp_path)
