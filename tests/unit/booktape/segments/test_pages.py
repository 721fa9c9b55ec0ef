import random
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.segments.pages import BadPage, Chunk, check_pages

ROWS = 500


def make(column: pa.Array, **options: Any) -> tuple[bytes, Chunk]:
    """Return a column as Parquet has it, and what its footer says of it."""
    sink = pa.BufferOutputStream()
    defaults: dict[str, Any] = {
        "write_page_checksum": True,
        "write_page_index": True,
        "data_page_size": 512,
    }
    table = pa.table({"c": column})
    with parquet.ParquetWriter(sink, table.schema, **defaults | options) as writer:
        writer.write_table(table)
    data = sink.getvalue().to_pybytes()
    found = parquet.read_metadata(pa.BufferReader(data)).row_group(0).column(0)
    first = found.dictionary_page_offset if found.has_dictionary_page else found.data_page_offset
    chunk = Chunk(
        found.num_values,
        found.total_compressed_size,
        found.total_uncompressed_size,
        found.encodings,
        found.has_dictionary_page,
    )
    return data[first : first + chunk.compressed], chunk


NUMBERS = pa.array(range(ROWS))
NAMES = pa.array([("bid", "ask", None)[n % 3] for n in range(ROWS)]).dictionary_encode()
COLUMNS = {
    "plain": make(NUMBERS, use_dictionary=False, write_batch_size=64),
    "delta": make(NUMBERS, use_dictionary=False, column_encoding={"c": "DELTA_BINARY_PACKED"}),
    "names": make(NAMES),
    "flags": make(pa.array([n % 7 == 0 for n in range(ROWS)])),
    "statistics": make(NUMBERS, use_dictionary=False, write_page_index=False),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_headers_that_are_the_footers_pass(name: str) -> None:
    assert {True} == check_pages(*COLUMNS[name])


def test_a_page_without_a_checksum_is_told() -> None:
    assert {False} == check_pages(*make(NUMBERS, write_page_checksum=False))


def test_the_footers_figures_must_be_those_of_the_pages() -> None:
    data, chunk = COLUMNS["plain"]
    with pytest.raises(BadPage, match="bytes, not"):
        check_pages(data[:-1], chunk)
    for values, uncompressed in ((1, 0), (0, 1)):
        wrong = Chunk(
            chunk.values + values,
            chunk.compressed,
            chunk.uncompressed + uncompressed,
            chunk.encodings,
            has_dictionary=False,
        )
        with pytest.raises(BadPage, match="do not add up"):
            check_pages(data, wrong)


@pytest.mark.parametrize("name", COLUMNS)
def test_no_bit_of_a_header_may_flip(name: str) -> None:
    """But those that Arrow holds against the page: a checksum, how many names a dictionary has."""
    data, chunk = COLUMNS[name]
    spoilt = bytearray(data)
    let_pass = set()
    for bit in range(8 * 19):  # up to the encodings of the first page
        spoilt[bit // 8] ^= 1 << bit % 8
        try:
            check_pages(bytes(spoilt), chunk)
        except BadPage:
            pass
        else:
            let_pass.add(bit // 8)
        spoilt[bit // 8] ^= 1 << bit % 8
    first = min(let_pass)
    assert b"\x15" == data[first - 1 : first]
    assert let_pass <= {*range(first, first + 5)} | ({14} if name == "names" else set())


def test_garbage_is_refused() -> None:
    data, chunk = COLUMNS["names"]
    dice = random.Random(5)
    for _ in range(2_000):
        garbage = dice.randbytes(dice.randrange(8, 40)) + data[40:]
        size = Chunk(
            chunk.values, len(garbage), chunk.uncompressed, chunk.encodings, has_dictionary=True
        )
        with pytest.raises(BadPage):
            check_pages(garbage, size)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"\x15", "does not end"),
        (b"\x15\xff\xff\xff\xff\xff", "too long"),
        (b"\x15\x80\x80\x80\x80\x80\x80", "without end"),
        (b"\x05\x00\x00", "out of order"),
        (b"\x19\x00\x00", "no known kind"),
        (b"\x1c\x1c\x1c\x1c\x1c\x00\x00", "nested too deeply"),
        (b"\x18\x01x\x00", "another header"),
        (b"\x11\x00", "another header"),
        (b"\x15\x00\x15\x00\x15\x00\x3c\x00\x00", "another header"),
        (b"\x15\x02\x15\x00\x15\x00\x2c\x00\x00", "another kind"),
        (b"\x15\x00\x15\x00\x15\x00\x2c\x00\x00", "page's header is none"),
        (b"\x15\x00\x15\x01\x15\x00\x2c\x15\x02\x15\x00\x15\x06\x15\x06\x00\x00", "no size"),
        (b"\x15\x00\x15\x00\x15\x00\x2c\x15\x02\x15\x04\x15\x06\x15\x06\x00\x00", "has not"),
        (b"\x15\x00\x15\x00\x15\x00\x2c\x15\x02\x15\x00\x15\x06\x15\x08\x00\x00", "levels"),
    ],
)
def test_a_header_is_refused_for_what_it_is(header: bytes, reason: str) -> None:
    chunk = Chunk(1, len(header), 0, ("PLAIN", "RLE"), has_dictionary=False)
    with pytest.raises(BadPage, match=reason):
        check_pages(header, chunk)


def test_a_dictionary_has_a_header_of_its_own() -> None:
    header = b"\x15\x04\x15\x00\x15\x00\x4c\x15\x02\x15\x02\x00\x00"
    chunk = Chunk(1, len(header), 0, ("PLAIN", "RLE", "RLE_DICTIONARY"), has_dictionary=True)
    with pytest.raises(BadPage, match="dictionary's header"):
        check_pages(header, chunk)
