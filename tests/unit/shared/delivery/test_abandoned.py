from pathlib import Path

from shared.delivery.abandoned import LOCK_NAME, leftovers
from shared.process.files import Lock


def test_a_journal_is_left_over_once_nobody_holds_its_lock(tmp_path: Path) -> None:
    for name in ("2-toy-a", "1-toy-a", "3-toy-a.removed", "4-toy-a.partial"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes").write_bytes(b"")
    lock = Lock(tmp_path / "1-toy-a" / LOCK_NAME)
    lock.acquire()
    assert [tmp_path / "2-toy-a"] == leftovers(tmp_path)
    lock.release()
    assert [tmp_path / "1-toy-a", tmp_path / "2-toy-a"] == leftovers(tmp_path)


def test_of_an_exchange_that_never_ran_nothing_is_left(tmp_path: Path) -> None:
    assert [] == leftovers(tmp_path / "toy")
