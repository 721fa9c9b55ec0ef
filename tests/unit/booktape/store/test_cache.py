import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from typing_extensions import override

from booktape.store import cache as cache_module
from booktape.store.cache import CachedStore
from booktape.store.protocol import ObjectInfo
from tests.support.writing import MemoryStore

THREADS = 4


def make(
    folder: Path, *, bytes_max: int = 1000, scope: str = "s3://tape"
) -> tuple[CachedStore, MemoryStore]:
    store = MemoryStore()
    store.objects = {f"tape/{name}": name.encode() * 100 for name in "abcdefgh"}
    return CachedStore(store, folder, scope=scope, bytes_max=bytes_max), store


def test_an_object_is_asked_for_once(tmp_path: Path) -> None:
    cached, store = make(tmp_path)
    for _ in range(2):
        assert b"a" * 100 == cached.get("tape/a")
        assert b"aaa" == cached.get_range("tape/a", 97, 9)
        assert b"bb" == cached.get_range("tape/b", 0, 2)
    assert ["get tape/a", "head tape/b", "get tape/b"] == store.calls
    again = CachedStore(store, tmp_path, scope="s3://tape")
    assert b"a" * 100 == again.get("tape/a")
    assert 3 == len(store.calls)


class TurnsStore(MemoryStore):
    """Lets whoever else wants to go on do so before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = threading.Barrier(THREADS)

    @override
    def head(self, key: str) -> ObjectInfo | None:
        with suppress(threading.BrokenBarrierError):
            self._turns.wait(0.1)  # for the others, if they are let in
        return super().head(key)


def test_of_an_object_that_many_ask_for_at_once_one_is_fetched(tmp_path: Path) -> None:
    store = TurnsStore()
    store.objects = {"tape/a": b"a" * 100}
    cached = CachedStore(store, tmp_path, scope="s3://tape")
    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(cached.get_range, "tape/a", first, 10) for first in range(THREADS)]
    assert {b"a" * 10} == {one.result() for one in asked}
    assert ["head tape/a", "get tape/a"] == store.calls


def test_another_store_has_another_folder(tmp_path: Path) -> None:
    make(tmp_path)[0].get("tape/a")
    other, store = make(tmp_path, scope="s3://other")
    other.get("tape/a")
    assert ["get tape/a"] == store.calls


def test_the_rest_is_the_stores(tmp_path: Path) -> None:
    cached, store = make(tmp_path)
    path = tmp_path / "new"
    path.write_bytes(b"new")
    cached.put(path, "tape/new")
    head = cached.head("tape/new")
    assert head is not None
    assert 3 == head.bytes
    assert ["tape"] == list(cached.folders(""))
    assert 9 == len(list(cached.list("tape/")))
    assert not (tmp_path / "tape").exists()
    assert 4 == len(store.calls)


def test_the_folder_is_bounded_and_what_was_used_last_stays(tmp_path: Path) -> None:
    cached, store = make(tmp_path, bytes_max=450)
    for age, name in enumerate("abcd"):
        cached.get(f"tape/{name}")
        kept = next(tmp_path.rglob(name))
        os.utime(kept, (age, age))
    cached.get("tape/a")
    cached.get("tape/e")
    assert ["a", "d", "e"] == sorted(path.name for path in tmp_path.rglob("?") if path.is_file())
    cached.get("tape/f")
    store.calls.clear()
    cached.get("tape/e")
    assert [] == store.calls


def test_a_large_object_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "OBJECT_BYTES_MAX", 99)
    cached, _ = make(tmp_path)
    assert b"a" * 100 == cached.get("tape/a")
    assert b"a" == cached.get_range("tape/a", 99, 9)
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_used_costs_one_line_and_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    cached, store = make(tmp_path)
    with pytest.warns(UserWarning, match=os.strerror(code).lower()):
        assert b"a" * 100 == cached.get("tape/a")
    assert b"b" * 100 == cached.get("tape/b")
    assert b"c" == cached.get_range("tape/c", 99, 1)
    assert ["get tape/a", "get tape/b", "get_range tape/c"] == store.calls
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_file_where_the_folder_should_be_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cached, _ = make(tmp_path / "file")
    with pytest.warns(UserWarning, match="reading goes on without it"):
        assert b"a" * 100 == cached.get("tape/a")
    assert b"a" * 100 == cached.get("tape/a")
