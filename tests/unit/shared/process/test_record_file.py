import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import JournalError
from shared.process.record_file import (
    HEADER,
    MAGIC,
    PAYLOAD_BYTES_MAX,
    RecordFile,
    RecordReader,
    pack,
)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[RecordFile]:
    file = RecordFile(tmp_path / "records")
    file.create()
    yield file
    file.close()


@pytest.fixture
def file_bytes_max() -> Iterator[None]:
    """Take away any limit that a test sets on the size of files."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def scan(path: Path) -> list[bytes]:
    reader, limit = RecordReader(path), path.stat().st_size
    found: list[bytes] = []
    offset: int | None = 0
    try:
        while offset is not None:
            record = reader.read(offset, limit)
            if record:
                found.append(record.payload)
            offset = record.end if record else reader.find(offset + 1, limit)
    finally:
        reader.close()
    return found


def test_records_are_found_behind_damage(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.write_bytes(pack(b"0") + MAGIC + b"?" + pack(b"1")[:-1] + b"?" + pack(b"2"))
    assert [b"0", b"2"] == scan(path)


def test_a_length_that_no_record_has_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "records"
    path.write_bytes(HEADER.pack(MAGIC, PAYLOAD_BYTES_MAX + 1, 0) + pack(b"3"))
    assert [b"3"] == scan(path)


def test_a_record_cut_anywhere_is_torn(tmp_path: Path) -> None:
    whole = pack(b"0123")
    for size in range(len(whole)):
        path = tmp_path / "records"
        path.write_bytes(whole[:size])
        reader = RecordReader(path)
        assert reader.is_torn(0, size), size
        reader.close()


@pytest.mark.usefixtures("file_bytes_max")
def test_a_short_write_is_cut_back_and_may_be_tried_again(file: RecordFile) -> None:
    file.append(b"0")
    size = file.size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    frame = b"1" * 1000
    with pytest.raises(JournalError, match=r"only 100 of 1\d\d\d bytes were taken; make room"):
        file.append(frame)
    assert size == file.size == file.path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    file.append(frame)
    assert [b"0", frame] == scan(file.path)


@pytest.mark.usefixtures("file_bytes_max")
def test_a_refused_write_names_the_file_and_the_reason(file: RecordFile) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    with pytest.raises(JournalError, match=r"records: .*File too large"):
        file.append(b"x")
    assert 0 == file.size


def test_what_a_failed_cut_left_is_written_over(
    file: RecordFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite

    def fail(*_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", lambda fd, data, offset: pwrite(fd, data[:5], offset))
        broken.setattr(os, "ftruncate", fail)
        with pytest.raises(JournalError, match="cannot cut"):
            file.append(b"0")
    file.append(b"0")
    assert [b"0"] == scan(file.path)


def test_a_closed_file_is_opened_again_where_needed(file: RecordFile) -> None:
    file.append(b"0")
    file.close()
    file.close()
    file.append(b"1")
    file.close()
    file.sync()
    assert [b"0", b"1"] == scan(file.path)


def test_a_file_is_synced_up_to_where_its_owner_says(file: RecordFile) -> None:
    seen = [file.is_synced]
    file.append(b"0")
    file.sync()
    seen.append(file.is_synced)
    file.synced_size = file.size
    seen.append(file.is_synced)
    assert [True, False, True] == seen


def test_a_file_is_never_made_twice(file: RecordFile) -> None:
    with pytest.raises(FileExistsError):
        RecordFile(file.path).create()
