import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.delivery.frame import FRAME_BYTES_MAX, encode
from shared.delivery.journal_file import FrameReader, JournalFile, find_files
from shared.errors import UnknownFrameVersion
from shared.process.record_file import HEADER, MAGIC, READ_BYTES, pack
from tests.support.frames import SESSION, make_foreign, make_frame


@pytest.fixture
def file(tmp_path: Path) -> Iterator[JournalFile]:
    file = JournalFile(tmp_path, first=0)
    file.create()
    yield file
    file.close()


def write(folder: Path, *records: bytes) -> Path:
    path = folder / "000000000000.journal"
    path.write_bytes(b"".join(records))
    return path


def record(number: int, detail: str = "{}") -> bytes:
    return pack(encode(make_frame(number, detail=detail)))


def scan(path: Path, offset: int = 0, limit: int | None = None) -> list[int]:
    reader = FrameReader(path, SESSION)
    try:
        size = path.stat().st_size if limit is None else limit
        return [found.frame.first for found in reader.scan(offset, size)]
    finally:
        reader.close()


def test_records_come_back_in_order_and_say_where_they_lie(file: JournalFile) -> None:
    frames = [make_frame(0, 3), make_frame(3), make_frame(4, 2)]
    for frame in frames:
        file.append(encode(frame))
    reader = FrameReader(file.path, SESSION)
    found = list(reader.scan(0, file.size))
    reader.close()
    assert frames == [each.frame for each in found]
    assert [0, *(each.end for each in found)] == [*(each.offset for each in found), file.size]
    assert file.path.stat().st_size == file.size


def test_records_longer_than_what_is_read_at_once_come_back(file: JournalFile) -> None:
    file.append(encode(make_frame(0)))
    file.append(encode(make_frame(1, detail="x" * (2 * READ_BYTES))))
    file.append(encode(make_frame(2)))
    assert [0, 1, 2] == scan(file.path)


def test_nothing_is_read_beyond_the_limit(file: JournalFile) -> None:
    file.append(encode(make_frame(0)))
    limit = file.size
    file.append(encode(make_frame(1)))
    assert [0] == scan(file.path, limit=limit)
    assert [] == scan(file.path, limit=limit - 1)


def test_a_reader_sees_what_was_appended_since_it_last_looked(file: JournalFile) -> None:
    file.append(encode(make_frame(0)))
    reader = FrameReader(file.path, SESSION)
    (first,) = reader.scan(0, file.size)
    file.append(encode(make_frame(1)))
    (second,) = reader.scan(first.end, file.size)
    reader.close()
    assert 1 == second.frame.first


def test_a_flipped_bit_anywhere_costs_the_record_it_hits_and_no_other(tmp_path: Path) -> None:
    records = [record(number, detail="x" * number) for number in range(4)]
    whole = b"".join(records)
    owner = [number for number, each in enumerate(records) for _ in each]
    for offset in range(len(whole)):
        damaged = bytearray(whole)
        damaged[offset] ^= 1 << offset % 8
        expected = [number for number in range(4) if number != owner[offset]]
        assert expected == scan(write(tmp_path, bytes(damaged))), offset


def test_a_cut_anywhere_leaves_the_records_before_it(tmp_path: Path) -> None:
    records = [record(number, detail="x" * number) for number in range(4)]
    whole = b"".join(records)
    ends = [len(b"".join(records[: number + 1])) for number in range(4)]
    for size in range(len(whole)):
        path = write(tmp_path, whole[:size])
        expected = [number for number in range(4) if ends[number] <= size]
        assert expected == scan(path), size
        reader = FrameReader(path, SESSION)
        end = ends[expected[-1]] if expected else 0
        assert reader.is_torn(end, size), size
        reader.close()


def test_what_only_looks_like_the_end_of_a_file_is_not_taken_for_a_torn_record(
    tmp_path: Path,
) -> None:
    whole = record(0)
    damaged = whole[:-1] + bytes([whole[-1] ^ 1])
    for tail in (damaged, bytes(5), bytes(100), b"garbage, and a lot of it"):
        path = write(tmp_path, whole, tail)
        reader = FrameReader(path, SESSION)
        assert not reader.is_torn(len(whole), len(whole) + len(tail))
        reader.close()


@pytest.mark.parametrize("before", range(-len(MAGIC) - 1, 2))
def test_a_record_is_found_behind_garbage_of_any_length(tmp_path: Path, before: int) -> None:
    garbage = b"?" * (READ_BYTES + before)
    assert [7] == scan(write(tmp_path, garbage, record(7)))
    assert [7] == scan(write(tmp_path, b"?", garbage, record(7)))


def test_a_record_inside_a_damaged_one_is_not_of_this_session(tmp_path: Path) -> None:
    inner = pack(encode(make_frame(9, session="other")))
    outer = bytearray(pack(b"?" + inner + b"?"))
    outer[-1] ^= 1
    assert [8] == scan(write(tmp_path, bytes(outer), record(8)))


def test_a_magic_without_a_record_is_passed_over(tmp_path: Path) -> None:
    too_long = HEADER.pack(MAGIC, FRAME_BYTES_MAX + 1, 0)
    assert [3] == scan(write(tmp_path, MAGIC, MAGIC[:2], too_long, record(3), MAGIC))


def test_a_record_that_is_no_frame_is_passed_over(tmp_path: Path) -> None:
    assert [3] == scan(write(tmp_path, pack(b"no frame"), record(3)))


def test_a_record_of_another_release_is_nobodys_to_skip(tmp_path: Path) -> None:
    path = write(tmp_path, record(0), pack(encode(make_foreign(99))), record(1))
    with pytest.raises(UnknownFrameVersion, match="99"):
        scan(path)


def test_a_refusal_to_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(OSError, match="Input/output error"):
        scan(write(tmp_path, record(0)))


def test_a_file_that_somebody_cut_short_ends_there(tmp_path: Path) -> None:
    path = write(tmp_path, record(0), record(1)[:-1])
    assert [0] == scan(path, limit=path.stat().st_size + 10_000_000)


def test_files_are_found_in_the_order_of_their_events(tmp_path: Path) -> None:
    for name in ("000000000020", "1000000000000", "000000000003", "0000000000003", "x"):
        (tmp_path / f"{name}.journal").write_bytes(b"1234")
    (tmp_path / "lock").touch()
    files = find_files(tmp_path)
    assert [3, 20, 1_000_000_000_000] == [file.first for file in files]
    assert [4, 4, 4] == [file.size for file in files]
    assert "1000000000000.journal" == files[2].path.name
