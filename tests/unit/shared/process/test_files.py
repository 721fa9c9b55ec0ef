import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import LockHeld
from shared.process.files import Lock, write_atomic
from tests.support.paths import ROOT


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_atomic(path, b"older and longer")
    write_atomic(path, b"newer")
    assert b"newer" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("fsync", [True, False])
def test_file_and_folder_are_synced_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fsync: bool
) -> None:
    names: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: names.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
    )
    write_atomic(tmp_path / "a", b"x", fsync=fsync)
    assert ([str(tmp_path / "a.partial"), str(tmp_path)] if fsync else []) == names


def test_a_failed_write_leaves_the_older_file_and_no_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_atomic(path, b"older")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"newer")
    assert b"older" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_a_second_holder_is_told_who_has_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "writer.lock"
    with Lock(path) as lock:
        assert lock.is_held
        with pytest.raises(LockHeld, match=rf"writer\.lock .* process {os.getpid()}\b"):
            Lock(path).acquire()


def test_a_released_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    lock = Lock(path)
    lock.acquire()
    lock.release()
    lock.release()
    with Lock(path) as another:
        assert another.is_held
    with lock, pytest.raises(LockHeld):
        another.acquire()
    assert [False, False] == [lock.is_held, another.is_held]


def test_a_longer_pid_of_an_earlier_holder_does_not_shine_through(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    path.write_text("999999999999")
    with Lock(path):
        assert str(os.getpid()) == path.read_text()


def test_a_holder_that_has_not_signed_yet_is_nobody_in_particular(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    with Lock(path):
        path.write_text("")
        with pytest.raises(LockHeld, match="another process"):
            Lock(path).acquire()


def test_a_refused_lock_leaks_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    with Lock(path):
        before = count_descriptors()
        with pytest.raises(LockHeld):
            Lock(path).acquire()
        assert before == count_descriptors()


def test_a_lock_that_cannot_be_signed_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", fail)
    lock = Lock(tmp_path / "writer.lock")
    with pytest.raises(OSError, match="No space left"):
        lock.acquire()
    assert not lock.is_held


def test_a_dead_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "writer.lock"
    code = (
        "import sys; from pathlib import Path; from shared.process.files import Lock\n"
        "Lock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()
        with pytest.raises(LockHeld, match=f"process {holder.pid}"):
            Lock(path).acquire()
        holder.kill()
        holder.wait()
    with Lock(path) as lock:
        assert lock.is_held
