import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from services.buffer_writer.reserve import Reserve, is_full
from tests.support.writing import Disk, disk_full

SIZE = 1 << 16
FLOOR = 1 << 20


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def reserve(tmp_path: Path, disk: Disk) -> Reserve:
    return Reserve(tmp_path / "reserve", SIZE, floor_bytes=FLOOR, disk_free=disk.free_bytes)


class Write:
    """Fails so many times, then says how often it was called."""

    def __init__(self, failures: int, error: int = errno.ENOSPC) -> None:
        self.calls = 0
        self._failures = failures
        self._errno = error

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise OSError(self._errno, "no")
        return self.calls


def test_the_reserve_takes_real_room(reserve: Reserve, tmp_path: Path) -> None:
    reserve.hold_room()
    assert SIZE <= (tmp_path / "reserve").stat().st_blocks * 512


def test_no_room_is_taken_that_is_not_there(reserve: Reserve, tmp_path: Path, disk: Disk) -> None:
    disk.free = FLOOR + SIZE - 1
    reserve.hold_room()
    assert not (tmp_path / "reserve").exists()


def test_a_reserve_that_the_disk_refuses_is_no_fault(
    reserve: Reserve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", disk_full)
    reserve.hold_room()
    assert not (tmp_path / "reserve").exists()


def test_a_smaller_reserve_of_earlier_is_made_whole(reserve: Reserve, tmp_path: Path) -> None:
    (tmp_path / "reserve").write_bytes(b"x")
    reserve.hold_room()
    assert SIZE == (tmp_path / "reserve").stat().st_size


def test_above_the_floor_every_flush_may_begin(reserve: Reserve, disk: Disk) -> None:
    disk.free = FLOOR
    reserve.admit()
    reserve.admit()


def test_below_the_floor_one_flush_may_begin(reserve: Reserve, disk: Disk) -> None:
    reserve.hold_room()
    disk.free = FLOOR - 1
    reserve.admit()
    with pytest.raises(OSError, match="less than 1048576 bytes of disk are free") as caught:
        reserve.admit()
    assert is_full(caught.value)


def test_a_write_that_fits_leaves_the_reserve(reserve: Reserve, tmp_path: Path) -> None:
    reserve.hold_room()
    assert 1 == reserve.lend(Write(0))
    assert (tmp_path / "reserve").exists()


def test_a_write_on_a_full_disk_gets_the_reserve(reserve: Reserve, tmp_path: Path) -> None:
    reserve.hold_room()
    assert 2 == reserve.lend(Write(1))
    assert not (tmp_path / "reserve").exists()


def test_a_reserve_is_lent_once(reserve: Reserve) -> None:
    reserve.hold_room()
    write = Write(9)
    with pytest.raises(OSError, match="no"):
        reserve.lend(write)
    assert 2 == write.calls


def test_a_disk_that_is_broken_does_not_get_it(reserve: Reserve, tmp_path: Path) -> None:
    reserve.hold_room()
    with pytest.raises(OSError, match="no"):
        reserve.lend(Write(1, errno.EIO))
    assert (tmp_path / "reserve").exists()


def test_without_a_reserve_a_full_disk_is_told(reserve: Reserve) -> None:
    def write() -> NoReturn:
        disk_full()

    with pytest.raises(OSError, match="No space left"):
        reserve.lend(write)


def test_a_quota_is_a_full_disk_too() -> None:
    assert is_full(OSError(errno.EDQUOT, "quota"))
    assert not is_full(OSError(errno.EIO, "broken"))
