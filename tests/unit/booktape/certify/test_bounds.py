import errno
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from booktape.certify.bounds import check_room, clear_left, hold_folder
from booktape.errors import StoreError, TapeError
from tests.support.paths import ROOT

BOUNDED = """
import resource, os
from pathlib import Path
from booktape.certify.bounds import bound_process
bound_process()
print(resource.getrlimit(resource.RLIMIT_DATA)[0], os.nice(0))
print(Path("/proc/self/oom_score_adj").read_text().strip())
try:
    bytearray(500 << 20)
except MemoryError:
    print("refused")
print(len(set(resource.getrlimit(resource.RLIMIT_NOFILE))))
"""


def test_a_process_is_bounded() -> None:
    command = [sys.executable, "-c", BOUNDED]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert [str(400 << 20), "19", "1000", "refused", "1"] == said.split()


def test_a_file_is_no_folder_to_work_in(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file/below"):
        with (
            pytest.raises(TapeError, match=r"cannot work in .*file.*: .*--temp DIR"),
            hold_folder(path, "day"),
        ):
            pass


def test_a_folder_is_empty_and_leaves_nothing(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "temp", "day") as folder:
        (folder / "file").touch()
        assert tmp_path / "temp/day" == folder
    assert [] == list((tmp_path / "temp").iterdir())


def test_one_certifier_works_on_a_day(tmp_path: Path) -> None:
    with hold_folder(tmp_path, "day") as folder:
        (folder / "file").touch()
        with (
            pytest.raises(TapeError, match="another certifier works on day"),
            hold_folder(tmp_path, "day"),
        ):
            pass
        with hold_folder(tmp_path, "other"):
            clear_left(tmp_path)
        assert (folder / "file").exists()
    assert [] == list(tmp_path.iterdir())


def test_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day/file").touch()
    (tmp_path / "day.lock").touch()
    (tmp_path / "somebody-elses").touch()
    clear_left(tmp_path)
    assert ["somebody-elses"] == [path.name for path in tmp_path.iterdir()]


class Usage(NamedTuple):
    """What a disk has."""

    free: int


def test_a_day_that_does_not_fit_is_told_before_it_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(3_000_000_000))
    check_room(tmp_path / "day", 1_400_000_000)
    wanted = "it needs 3.1 GB, and 3.0 GB are free; run this on a bigger machine"
    with pytest.raises(TapeError, match=wanted):
        check_room(tmp_path / "day", 1_500_000_000)


def test_a_disk_that_fills_meanwhile_is_told_too(tmp_path: Path) -> None:
    with (
        pytest.raises(TapeError, match="the disk is full; run this on a bigger machine"),
        hold_folder(tmp_path, "day"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    for error in (
        OSError(errno.EIO, "bad disk"),
        StoreError("write", where="there", reason="no space left", remedy="free space"),
    ):
        with pytest.raises(type(error)), hold_folder(tmp_path, "day"):
            raise error
