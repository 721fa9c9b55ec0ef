import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.checksum import crc32c
from booktape.errors import DamagedSegment, NewerSchema
from booktape.flush import Flush
from booktape.segments import segment as segments_module
from booktape.segments.ranges import join_ranges
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore
from booktape.tables import SCHEMA_KEY, SCHEMAS, parquet_options
from tests.support.hand_tape import BTC, ETH, A, HandTape, delta, feed, snapshot, trade

FLIPS = 2_000
FOOTER_FLIPS = 600


def write(root: Path, version: int = 2) -> HandTape:
    """Write a tape of one flush with books of two symbols."""
    tape = HandTape(root)
    prices = random.Random(7)
    events = [feed(0, "session_start"), trade(0, "t1"), snapshot(1, 2, ("bid", 99.5, 1.0))]
    events.append(snapshot(1, 3, ("ask", 10.5, 1.0), symbol=ETH))
    for second in range(2, 300):
        level = "bid" if second % 3 else "ask", round(90 + prices.random() * 20, 2), second / 7
        events.append(delta(second, 3 - second % 2, level, symbol=(ETH, BTC)[second % 2]))
    tape.write(A, *events, version=version)
    return tape


def flush_of(tape: HandTape) -> Flush:
    ledger, _, _ = tape.reading()
    return ledger.day("bitvavo", "2026-11-22")[0]


def open_book(tape: HandTape, flush: Flush | None = None) -> Segment:
    return Segment(FolderStore(tape.root), (flush or flush_of(tape)).tables["book"], "book")


def read(tape: HandTape, flush: Flush | None = None) -> pa.Table:
    segment = open_book(tape, flush)
    columns = SCHEMAS["book"].names
    return pa.concat_tables([segment.read(group, columns) for group in segment.groups])


@pytest.fixture(params=[0, 1 << 20], ids=["by ranges", "whole"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments_module, "WHOLE_BYTES_MAX", request.param)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("version", [1, 2])
def test_a_flipped_bit_is_damage_and_never_another_answer(tmp_path: Path, version: int) -> None:
    tape = write(tmp_path, version)
    flush = flush_of(tape)
    path = tmp_path / flush.tables["book"].key
    good, data = read(tape), bytearray(path.read_bytes())
    dice = random.Random(version)
    for _ in range(FLIPS // 4):
        place, bit = dice.randrange(end_of_pages(path)), 1 << dice.randrange(8)
        data[place] ^= bit
        path.write_bytes(data)
        data[place] ^= bit
        with pytest.raises(DamagedSegment):
            read(tape, flush)
    path.write_bytes(data)
    assert good.equals(read(tape, flush))


@pytest.mark.usefixtures("_way")
def test_what_nobody_reads_may_be_damaged(tmp_path: Path) -> None:
    tape = write(tmp_path)
    good = read(tape)
    path = tmp_path / flush_of(tape).tables["book"].key
    data = bytearray(path.read_bytes())
    data[end_of_pages(path)] ^= 1  # an index of pages
    path.write_bytes(data)
    assert good.equals(read(tape))


def end_of_pages(path: Path) -> int:
    metadata = parquet.read_metadata(path)
    ends: list[int] = [
        (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size
        for group in range(metadata.num_row_groups)
        for place in range(metadata.num_columns)
        if (column := metadata.row_group(group).column(place))
    ]
    return max(ends)


IN_A_CHILD = """
import random, sys
from pathlib import Path
from typing import Any
from booktape.checksum import crc32c
from booktape.errors import DamagedSegment
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore

store = FolderStore(Path(sys.argv[1]))
flush, = Ledger(store, "file:here").day("bitvavo", "2026-11-22")
path = Path(sys.argv[1]) / flush.tables["book"].key
data = bytearray(path.read_bytes())
footer = int.from_bytes(data[-8:-4], "little") + 8
dice = random.Random(3)
noticed = 0
for _ in range(int(sys.argv[2])):
    place, bit = len(data) - 1 - dice.randrange(footer), 1 << dice.randrange(8)
    data[place] ^= bit
    path.write_bytes(data)
    data[place] ^= bit
    try:
        segment = Segment(store, flush.tables["book"], "book")
        for group in segment.groups:
            segment.read(group, segment.schema.names)
    except DamagedSegment:
        noticed += 1
print(noticed)
"""


@pytest.mark.parametrize("version", [1, 2])
def test_a_flipped_bit_in_a_footer_ends_no_process(tmp_path: Path, version: int) -> None:
    write(tmp_path, version)
    command = [sys.executable, "-c", IN_A_CHILD, str(tmp_path), str(FOOTER_FLIPS)]
    child = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (0, str(FOOTER_FLIPS)) == (child.returncode, child.stdout.strip()), child.stderr


def test_a_symbol_is_a_slice_of_its_own(tmp_path: Path) -> None:
    segment = open_book(write(tmp_path))
    ((rows, table),) = segment.read_symbol(ETH, ["event_number", "price"])
    assert (150, 0, 150) == (rows.first, rows.group, rows.count)
    assert table.equals(segment.read_rows(rows, ["event_number", "price"]))
    assert [3, 4, 6] == table["event_number"].to_pylist()[:3]
    assert [] == list(segment.read_symbol("XRP-EUR", ["price"]))
    assert frozenset({BTC, ETH}) == segment.find_symbols()


def test_few_rows_of_many_keep_nothing_else(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    books = [snapshot(n, n, ("bid", 1.0, 1.0), symbol=f"C{n:03}-EUR") for n in range(100)]
    tape.write(A, *books)
    ((rows, table),) = open_book(tape).read_symbol("C050-EUR", ["price"])
    assert (50, 1) == (rows.first, rows.count)
    assert 8 == table["price"].chunk(0).nbytes


def test_a_column_that_came_later_is_null_in_an_older_segment(tmp_path: Path) -> None:
    assert 300 == read(write(tmp_path, version=1))["previous"].null_count


def damage(tape: HandTape, reason: str, **changes: object) -> None:
    flush = flush_of(tape)
    entry = msgspec.structs.replace(flush.tables["book"], **changes)
    with pytest.raises(DamagedSegment, match=reason):
        read(tape, msgspec.structs.replace(flush, tables={"book": entry}))


@pytest.mark.usefixtures("_way")
def test_a_manifest_that_says_otherwise_is_damage(tmp_path: Path) -> None:
    tape = write(tmp_path)
    size = flush_of(tape).tables["book"].bytes
    damage(tape, "rows, not 7", rows=7)
    damage(tape, "bytes, not|before its footer", bytes=size + 9)
    damage(tape, "longer footer|bytes, not", bytes=7)
    damage(tape, "what its checksum says", footer_crc32c=7)


def test_a_footer_must_be_one_even_where_its_sum_is_right(tmp_path: Path) -> None:
    tape = write(tmp_path)
    entry = flush_of(tape).tables["book"]
    path = tmp_path / entry.key
    assert entry.footer_bytes is not None
    whole = path.read_bytes()
    for tail, reason in (
        (b"x" * entry.footer_bytes, "no footer"),
        (b"x" * (entry.footer_bytes - 8) + whole[-8:], "Thrift|thrift|deserialize|metadata"),
    ):
        path.write_bytes(whole[: -entry.footer_bytes] + tail)
        damage(tape, reason, footer_crc32c=crc32c(tail))


def rewrite(tape: HandTape, schema: pa.Schema, **options: Any) -> Flush:
    """Write the book again otherwise; return the flush that names it."""
    flush = flush_of(tape)
    entry = flush.tables["book"]
    path = tape.root / entry.key
    rows = parquet.ParquetFile(path).read()
    rows = rows.select([name for name in schema.names if name in rows.schema.names])
    with parquet.ParquetWriter(path, schema, **parquet_options("book") | options) as writer:
        writer.write_table(rows.cast(schema))
    data = path.read_bytes()
    footer = data[-int.from_bytes(data[-8:-4], "little") - 8 :]
    entry = msgspec.structs.replace(
        entry,
        bytes=len(data),
        rows=rows.num_rows,
        footer_bytes=len(footer),
        footer_crc32c=crc32c(footer),
    )
    return msgspec.structs.replace(flush, tables={"book": entry})


def test_a_newer_schema_is_refused_and_another_is_damage(tmp_path: Path) -> None:
    tape = write(tmp_path)
    newer = SCHEMAS["book"].with_metadata({SCHEMA_KEY: "3"})
    with pytest.raises(NewerSchema, match="version 3"):
        read(tape, rewrite(tape, newer))
    for metadata in ({SCHEMA_KEY: "no"}, {}):
        with pytest.raises(DamagedSegment, match="other columns"):
            read(tape, rewrite(tape, SCHEMAS["book"].with_metadata(metadata)))


def test_pages_have_checksums_all_or_none(tmp_path: Path) -> None:
    tape = write(tmp_path)
    good = read(tape)
    flush = rewrite(tape, SCHEMAS["book"], write_page_checksum=False)
    assert good.equals(read(tape, flush))


def test_rows_out_of_order_are_damage(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, *(snapshot(n, n, ("bid", 1.0, 1.0), symbol=(BTC, ETH)[n % 2]) for n in range(4)))
    flush = flush_of(tape)
    path = tmp_path / flush.tables["book"].key
    rows = parquet.ParquetFile(path).read().take([0, 2, 1, 3])
    with parquet.ParquetWriter(path, rows.schema, **parquet_options("book")) as writer:
        writer.write_table(rows)
    flush = rewrite(tape, SCHEMAS["book"])
    with pytest.raises(DamagedSegment, match="sorted by symbol"):
        list(open_book(tape, flush).read_symbol(BTC, ["price"]))


def test_an_object_that_ends_too_early_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments_module, "WHOLE_BYTES_MAX", 0)
    tape = write(tmp_path)
    segment = open_book(tape)
    (tmp_path / segment.key).write_bytes(b"PAR1")
    with pytest.raises(DamagedSegment, match="before its rows"):
        segment.read(0, ["price"])


def test_columns_that_lie_apart_are_asked_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments_module, "WHOLE_BYTES_MAX", 0)
    monkeypatch.setattr(segments_module, "join_ranges", partial(join_ranges, gap_bytes_max=0))
    tape = write(tmp_path)
    wanted = read(tape).select(["ts_recv", "size"])
    asked: list[int] = []

    def gather(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        asked.append(len(items))
        return [work(item) for item in items]

    entry = flush_of(tape).tables["book"]
    segment = Segment(FolderStore(tape.root), entry, "book", gather)
    assert wanted.equals(segment.read(0, ["ts_recv", "size"]))
    assert [2] == asked
