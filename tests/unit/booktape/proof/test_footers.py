# pyright: reportAttributeAccessIssue=false
"""Segments whose footers are odd in every way that we could think of."""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from msgspec.structs import replace
from pyarrow import parquet

from booktape.checksum import crc32c
from booktape.errors import TapeError
from booktape.manifest import TableEntry
from booktape.proof.footers import read_table
from booktape.tables import FIELD_ID, SCHEMAS, parquet_options
from tests.support.tapes import Recording, Tape, record_minute

Change = Callable[[pa.Table], pa.Table]


class Segments:
    """The segments of one manifest, and what it says of them."""

    def __init__(self, root: Path, version: int = 2) -> None:
        root.mkdir(exist_ok=True)
        self.tape = Tape(root)
        recording = Recording()
        frames = record_minute(recording)
        if version > 1:
            recording.instrument()
            frames.append(recording.take())
        self.key = self.tape.write(frames, version=version)
        self.version = version

    def data(self, table: str) -> bytes:
        return self.tape.path(self.tape.segment(self.key, table)).read_bytes()

    def entry(self, table: str) -> TableEntry:
        return self.tape.manifest(self.key).tables[table][0]

    def read(self, table: str, data: bytes | None = None, **changes: Any) -> pa.Table:
        """Read a segment; by default what is there."""
        entry = replace(self.entry(table), **changes)
        return read_table(table, self.data(table) if data is None else data, entry, self.version)

    def read_changed(self, table: str, change: Change, **options: Any) -> pa.Table:
        """Read the segment with other rows or another schema, its footer's sum being right."""
        rows = change(parquet.ParquetFile(BytesIO(self.data(table))).read())
        file = BytesIO()
        options = parquet_options(table) | options
        with parquet.ParquetWriter(file, rows.schema, **options) as writer:
            writer.write_table(rows)
        return self.read(table, file.getvalue(), **sum_of(file.getvalue()))


def sum_of(data: bytes) -> dict[str, int]:
    size = int.from_bytes(data[-8:-4], "little") + 8
    return {"footer_bytes": size, "footer_crc32c": crc32c(data[-size:])}


@pytest.fixture
def segments(tmp_path: Path) -> Segments:
    return Segments(tmp_path)


@pytest.mark.parametrize("table", SCHEMAS)
def test_what_was_written_is_read(segments: Segments, table: str) -> None:
    assert segments.read(table).schema.equals(SCHEMAS[table])
    assert segments.entry(table).rows == segments.read(table).num_rows


@pytest.mark.parametrize("table", ["book", "trades", "ticker", "feed_events"])
def test_a_segment_of_the_first_version_has_the_newest_columns(tmp_path: Path, table: str) -> None:
    first = Segments(tmp_path / "1", version=1)
    second = Segments(tmp_path / "2")
    assert first.entry(table).footer_bytes is None
    assert first.read(table).equals(second.read(table))
    assert first.read(table).schema.equals(SCHEMAS[table])


def test_the_first_version_had_no_instruments(tmp_path: Path) -> None:
    first, second = Segments(tmp_path / "1", version=1), Segments(tmp_path / "2")
    entry = replace(second.entry("instruments"), footer_bytes=None, footer_crc32c=None)
    rows = parquet.ParquetFile(BytesIO(second.data("instruments"))).read()
    file = BytesIO()
    parquet.write_table(rows.replace_schema_metadata({"booktape.schema": "1"}), file)
    with pytest.raises(TapeError, match="instruments has other columns than the tape's"):
        read_table("instruments", file.getvalue(), entry, first.version)


def name_schema(name: bytes) -> Change:
    return lambda rows: rows.replace_schema_metadata({"booktape.schema": name})


def set_field(place: int, change: Callable[[pa.Field], pa.Field]) -> Change:
    def apply(rows: pa.Table) -> pa.Table:
        schema = rows.schema.set(place, change(rows.schema.field(place)))
        return pa.Table.from_arrays(rows.columns, schema=schema)

    return apply


def number(place: int, name: bytes | None) -> Change:
    return set_field(place, lambda field: field.with_metadata(name and {FIELD_ID: name}))


NO_COLUMNS = "has other columns than the tape's"
ODD: list[tuple[str, str, Change]] = [
    ("ticker", "names no schema, its", lambda rows: rows.replace_schema_metadata({})),
    ("ticker", "names no schema, its", lambda rows: rows.replace_schema_metadata(None)),
    ("book", "names schema 1, its manifest is of version 2", name_schema(b"1")),
    ("book", "names schema 3, its manifest is of version 2", name_schema(b"3")),
    ("book", "names schema 02, its", name_schema(b"02")),
    ("book", "names schema two, its", name_schema(b"two")),
    ("book", "names schema \ufffd, its", name_schema(b"\xff")),
    ("book", "names schema , its", name_schema(b"")),
    ("ticker", NO_COLUMNS, set_field(5, lambda field: field.with_name("bid"))),
    ("ticker", NO_COLUMNS, set_field(5, lambda field: field.with_nullable(nullable=False))),
    ("ticker", NO_COLUMNS, lambda rows: rows.drop_columns(["bid_size"])),
    ("ticker", NO_COLUMNS, lambda rows: rows.append_column("more", rows["bid_size"])),
    ("trades", "has column price under the id 99", number(7, b"99")),
    ("trades", "has column price under the id none", number(7, None)),
    (
        "trades",
        "has column price under the id 9",
        lambda rows: number(8, b"8")(number(7, b"9")(rows)),
    ),
    ("ticker", "has no rows", lambda rows: rows.slice(0, 0)),
]


@pytest.mark.parametrize(("table", "reason", "change"), ODD)
def test_an_odd_footer_is_told_for_what_it_is(
    segments: Segments, table: str, reason: str, change: Change
) -> None:
    with pytest.raises(TapeError) as caught:
        segments.read_changed(table, change)
    assert f"{table} {reason}" in str(caught.value)


def test_a_footer_without_the_types_of_arrow_is_odd(segments: Segments) -> None:
    with pytest.raises(TapeError, match=r"feed_events (names no schema|has other columns)"):
        segments.read_changed("feed_events", lambda rows: rows, store_schema=False)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"PAR1", b"PAR1PAR1", b"PAR1 and no more PAR1", bytes(100)),
        *(b"\xff\xff\xff\xffPAR1", b"PAR1" + bytes(50) + b"\x64\x00\x00\x00PAR1"),
    ],
)
def test_what_ends_in_no_footer_is_no_segment(segments: Segments, data: bytes) -> None:
    with pytest.raises(TapeError, match=r"book (has no footer|has a footer of|cannot be read)"):
        segments.read("book", data)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1PAR1", b"PAR1 and no more PAR1", bytes(100)])
def test_what_ends_in_no_footer_is_none_of_the_first_version_either(
    tmp_path: Path, data: bytes
) -> None:
    with pytest.raises(TapeError, match="book cannot be read as Parquet"):
        Segments(tmp_path, version=1).read("book", data)


def test_a_footer_that_is_not_the_one_of_the_manifest_is_named(segments: Segments) -> None:
    size = segments.entry("book").footer_bytes
    assert size is not None
    with pytest.raises(TapeError, match=rf"book has a footer of {size} bytes, its .* says 9"):
        segments.read("book", footer_bytes=9)
    with pytest.raises(TapeError, match="book has a footer that is not what its checksum says"):
        segments.read("book", footer_crc32c=7)


def test_no_flipped_bit_of_a_footer_reaches_arrow(segments: Segments) -> None:
    good, size = segments.data("trades"), segments.entry("trades").footer_bytes
    assert size is not None
    for place in range(len(good) - size, len(good)):
        data = bytearray(good)
        data[place] ^= 1 << place % 8
        with pytest.raises(TapeError, match=r"trades has (no footer|a footer)"):
            segments.read("trades", bytes(data))


def test_a_footer_that_was_damaged_before_it_was_summed_is_a_finding_and_no_crash(
    segments: Segments,
) -> None:
    good, size = segments.data("feed_events"), segments.entry("feed_events").footer_bytes
    assert size is not None
    random = Random(7)
    for _ in range(200):
        data = bytearray(good)
        data[len(good) - size + random.randrange(size - 8)] ^= 1 << random.randrange(8)
        with suppress(TapeError):
            segments.read("feed_events", bytes(data), **sum_of(bytes(data)))


@pytest.mark.parametrize("version", [1, 2])
def test_a_page_that_is_damaged_is_found_although_its_file_was_summed_behind_that(
    tmp_path: Path, version: int
) -> None:
    segments = Segments(tmp_path, version=version)
    good = segments.data("book")
    column = parquet.ParquetFile(BytesIO(good)).metadata.row_group(0).column(11)
    assert column.path_in_schema == "price" if version > 1 else "size"
    last = column.data_page_offset + column.total_compressed_size - 1
    for bit in range(8):
        data = bytearray(good)
        data[last] ^= 1 << bit
        with pytest.raises(TapeError, match="book cannot be read as Parquet"):
            segments.read("book", bytes(data))
