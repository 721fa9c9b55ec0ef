from pathlib import Path

from booktape.certify.overlay import Overlay
from booktape.store.folder import FolderStore
from booktape.store.protocol import ObjectInfo


def make(root: Path) -> Overlay:
    for key in ("ledger/day/one", "ledger/day/two", "ledger/next/one", "tape/one"):
        path = root / "store" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(key.encode())
    (root / "file").write_bytes(b"a file")
    files: dict[str, Path | bytes] = {"daily/a/file": root / "file", "daily/b/bytes": b"bytes"}
    names = frozenset({"ledger/day/one"})
    return Overlay(FolderStore(root / "store"), files, fixed="ledger/day/", names=names)


def test_its_own_objects_are_there_beside_the_stores(tmp_path: Path) -> None:
    store = make(tmp_path)
    assert b"a file" == store.get("daily/a/file")
    assert b"bytes" == store.get("daily/b/bytes")
    assert b"tape/one" == store.get("tape/one")
    assert b"fil" == store.get_range("daily/a/file", 2, 3)
    assert b"yte" == store.get_range("daily/b/bytes", 1, 3)
    assert b"pe" == store.get_range("tape/one", 2, 2)
    assert ObjectInfo("daily/a/file", 6) == store.head("daily/a/file")
    assert ObjectInfo("tape/one", 8) == store.head("tape/one")
    assert store.head("daily/c") is None


def test_lists_have_both_and_what_came_meanwhile_is_not_seen(tmp_path: Path) -> None:
    store = make(tmp_path)
    assert ["a", "b"] == list(store.folders("daily/"))
    assert ["day", "next"] == list(store.folders("ledger/"))
    keys = ["daily/a/file", "daily/b/bytes"]
    assert keys == [info.key for info in store.list("daily/")]
    assert ["ledger/day/one", "ledger/next/one"] == [info.key for info in store.list("ledger/")]


def test_what_is_put_goes_to_the_store(tmp_path: Path) -> None:
    store = make(tmp_path)
    store.put(tmp_path / "file", "tape/two")
    assert b"a file" == (tmp_path / "store/tape/two").read_bytes()
