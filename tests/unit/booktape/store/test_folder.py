import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from booktape.errors import AlreadyStored, StoreError
from booktape.store.folder import COPIES, FolderStore
from booktape.store.protocol import ObjectInfo


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "segment"
    path.write_bytes(b"data")
    return path


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "data")


def find_files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_what_was_put_can_be_had(store: FolderStore, path: Path) -> None:
    store.put(path, "tape/date=1/x")
    assert b"data" == store.get("tape/date=1/x")
    assert ObjectInfo("tape/date=1/x", 4) == store.head("tape/date=1/x")


def test_the_file_itself_stays(store: FolderStore, path: Path) -> None:
    store.put(path, "x")
    assert path.exists()


def test_what_is_there_is_never_replaced(store: FolderStore, path: Path) -> None:
    store.put(path, "x")
    path.write_bytes(b"other")
    with pytest.raises(AlreadyStored, match="x is already stored"):
        store.put(path, "x")
    assert b"data" == store.get("x")


def test_what_came_meanwhile_is_never_replaced(
    store: FolderStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def be_late(source: Path, target: Path) -> None:
        target.write_bytes(b"earlier")
        link(source, target)

    monkeypatch.setattr(os, "link", be_late)
    with pytest.raises(AlreadyStored):
        store.put(path, "x")
    assert b"earlier" == store.get("x")
    assert ["x"] == find_files(tmp_path / "data")


def test_the_object_is_synced_before_it_has_its_name_and_the_folder_after(
    store: FolderStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def note(step: str, do: Callable[..., None]) -> Callable[..., None]:
        def noted(*arguments: object) -> None:
            steps.append(step)
            do(*arguments)

        return noted

    monkeypatch.setattr(os, "fsync", note("fsync", os.fsync))
    monkeypatch.setattr(os, "link", note("link", os.link))
    monkeypatch.setattr("booktape.store.folder.sync_folder", lambda p: steps.append(p.name))
    monkeypatch.setattr(
        "booktape.store.files.sync_folder", lambda p: steps.append(f"new in {p.name}")
    )
    store.put(path, "a/x")
    assert ["new in data", f"new in {tmp_path.name}"] == steps[:2]
    assert ["fsync", "link", "a"] == steps[-3:]


def test_a_put_that_fails_leaves_nothing(
    store: FolderStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    store.put(path, "y")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError) as caught:
        store.put(path, "x")
    assert ["y"] == find_files(tmp_path / "data")
    where = f"{tmp_path}/data/x"
    assert f"cannot write {where}: no space left on device; free space on its disk" == str(
        caught.value
    )


def test_a_put_that_was_killed_is_no_object_and_can_be_put_again(
    store: FolderStore, path: Path, tmp_path: Path
) -> None:
    for folder in (tmp_path / "data", tmp_path / "data" / COPIES):
        folder.mkdir()
        (folder / "x.partial").write_bytes(b"half of something longer")
    assert [] == list(store.list(""))
    assert store.head("x") is None
    store.put(path, "x")
    assert b"data" == store.get("x")
    assert ["x"] == find_files(tmp_path / "data")


def test_at_no_moment_is_anything_but_whole_objects_where_readers_look(
    store: FolderStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[bytes]] = []

    def note(step: Callable[..., None]) -> Callable[..., None]:
        def noted(*arguments: object) -> None:
            for _ in range(2):
                tape = tmp_path / "data" / "tape"
                seen.append([p.read_bytes() for p in tape.rglob("*") if p.is_file()])
                if len(seen) % 2:
                    step(*arguments)

        return noted

    for name in ("fsync", "link", "unlink"):
        monkeypatch.setattr(os, name, note(getattr(os, name)))
    store.put(path, "tape/book/x.parquet")
    assert [b"data"] == seen[-1]
    assert all(found in ([], [b"data"]) for found in seen)
    assert 8 < len(seen)


def test_a_root_that_was_there_and_is_gone_is_not_made_anew(
    store: FolderStore, path: Path, tmp_path: Path
) -> None:
    store.put(path, "x")
    root = (tmp_path / "data").rename(tmp_path / "disk")
    for gone in (store, FolderStore(tmp_path / "data", is_used=True)):
        with pytest.raises(StoreError) as refused:
            gone.put(path, "y")
        data = tmp_path / "data"
        assert str(refused.value) == (
            f"cannot write {data}/y: {data} is empty or gone, and has held a tape; "
            f"mount its disk; to begin anew there: mkdir -p {data}/.partial"
        )
        with pytest.raises(StoreError, match="is empty or gone, and has held a tape"):
            list(gone.list(""))
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()  # where its disk is mounted
    with pytest.raises(StoreError, match="mount its disk"):
        store.put(path, "y")
    (tmp_path / "data").rmdir()
    root.rename(tmp_path / "data")
    store.put(path, "y")
    assert ["x", "y"] == find_files(tmp_path / "data")


def test_a_put_that_was_killed_behind_its_link_leaves_no_copy(
    store: FolderStore, tmp_path: Path, path: Path
) -> None:
    store.put(path, "x")
    copy = tmp_path / "data" / "x.partial"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(AlreadyStored):
        store.put(path, "x")
    assert not copy.exists()


def test_a_file_in_the_way_of_a_folder_is_explained(store: FolderStore, path: Path) -> None:
    store.put(path, "a")
    assert store.head("a/b") is None
    with pytest.raises(StoreError, match=r"correct .storage. url: a part of it is a file"):
        store.put(path, "a/b")


def test_a_missing_source_is_not_the_stores_fault(store: FolderStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put(tmp_path / "nothing", "x")


def test_what_is_not_there_has_no_head_and_no_body(store: FolderStore) -> None:
    assert store.head("x") is None
    with pytest.raises(StoreError, match=r"cannot read .*/x: no such file"):
        store.get("x")


def test_a_list_is_complete_sorted_and_below_the_prefix(store: FolderStore, path: Path) -> None:
    names = ["ledger/a/2", "ledger/a/3", "ledger/a=b/1"]
    for name in [*reversed(names), "ledges/a", "tape/a"]:
        store.put(path, name)
    assert [ObjectInfo(name, 4) for name in names] == list(store.list("ledger/"))
    assert ["ledger/a/2", "ledger/a/3"] == [info.key for info in store.list("ledger/a/")]
    assert ["ledger/a=b/1"] == [info.key for info in store.list("ledger/a=")]
    assert 5 == len(list(store.list("")))


@pytest.mark.parametrize("prefix", ["", "ledger/", "ledger/a/b"])
def test_an_empty_store_has_an_empty_list(store: FolderStore, prefix: str) -> None:
    assert [] == list(store.list(prefix))


def test_an_object_that_goes_while_it_is_listed_is_explained(
    store: FolderStore, path: Path, tmp_path: Path
) -> None:
    for name in "ab":
        store.put(path, name)
    found = store.list("")
    next(found)
    (tmp_path / "data" / "b").unlink()
    assert [] == list(found)


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot list .*: file name too long"):
        list(FolderStore(tmp_path).list(f"{'x' * 300}/"))


def test_some_bytes_of_an_object_can_be_had(tmp_path: Path) -> None:
    (tmp_path / "tape").mkdir()
    (tmp_path / "tape" / "x").write_bytes(b"abcdef")
    store = FolderStore(tmp_path)
    assert (b"cd", b"f", b"") == tuple(store.get_range("tape/x", first, 2) for first in (2, 5, 6))
    with pytest.raises(StoreError, match="cannot read"):
        store.get_range("tape/y", 0, 1)


def test_folders_are_those_right_below_a_prefix(tmp_path: Path) -> None:
    for name in ("exchange=b/date=1", "exchange=a", "other"):
        (tmp_path / "ledger" / name).mkdir(parents=True)
    (tmp_path / "ledger" / "exchange=file").write_bytes(b"")
    store = FolderStore(tmp_path)
    assert ["a", "b"] == store.folders("ledger/exchange=")
    assert ["1"] == store.folders("ledger/exchange=b/date=")
    assert [] == store.folders("nowhere/x=")
