from pathlib import Path

import pytest
from pyarrow import parquet

from booktape.certificate import DailyEntry
from booktape.certify.stored import adopt, find_content, hash_stored
from booktape.errors import TapeError
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all
from tests.support.hand_tape import A, HandTape, snapshot


@pytest.fixture
def stored(tmp_path: Path) -> tuple[FolderStore, DailyEntry, Path]:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, ("bid", 99.0, 1.0), ("bid", 98.0, 2.0)))
    [certificate] = certify_all(tape.root, tmp_path / "temporary")
    [entry] = certificate.files
    return FolderStore(tape.root), entry, tape.root / entry.key


def test_what_is_the_same_is_taken(stored: tuple[FolderStore, DailyEntry, Path]) -> None:
    store, entry, _ = stored
    assert (entry.bytes, entry.sha256) == hash_stored(store, entry.key)
    assert entry.content_sha256 == find_content(store, entry)
    assert entry == adopt(store, entry)


def test_the_same_rows_in_other_bytes_are_taken_as_they_are(
    stored: tuple[FolderStore, DailyEntry, Path],
) -> None:
    store, entry, path = stored
    rows = parquet.ParquetFile(path).read()
    with parquet.ParquetWriter(path, rows.schema, write_page_checksum=True) as writer:
        writer.write_table(rows)
    found = adopt(store, entry)
    assert found.sha256 != entry.sha256
    assert (found.bytes, found.sha256) == hash_stored(store, entry.key)
    assert found.content_sha256 == find_content(store, found)


def test_other_rows_are_refused(stored: tuple[FolderStore, DailyEntry, Path]) -> None:
    store, entry, path = stored
    rows = parquet.ParquetFile(path).read().take([1, 0])
    with parquet.ParquetWriter(path, rows.schema, write_page_checksum=True) as writer:
        writer.write_table(rows)
    with pytest.raises(TapeError, match="already, with other rows; set it aside"):
        adopt(store, entry)
