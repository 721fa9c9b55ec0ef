"""Makes frames and tapes of the first version, which every later one reads."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pyarrow as pa
from msgspec.structs import replace
from pyarrow import parquet

from booktape.manifest import Manifest
from booktape.tables import SCHEMAS_BY_VERSION, parquet_options
from services.buffer_writer.segment import WrittenSegment
from shared.delivery.frame import Frame

SESSION = "20261122T091500.123456Z-toy-a"
# A frame that the first release itself wrote, events 3 to 8 with base 2: a row about the feed, a
# snapshot and two deltas of BTC-EUR, a trade and a ticker of ETH-EUR.
FRAME = bytes.fromhex(
    "9801bd3230323631313232543039313530302e3132333435365a2d746f792d6102030807cd512b9592a74254"
    "432d455552a74554482d4555529ac40c010000000200000003000000c418e8954cb13753ea18d0994cb13753"
    "ea18b89d4cb13753ea18c40c000000000000000000000000c4184d0000000000000000000000000000800000"
    "000000000080c418050000000000000006000000000000000700000000000000c41804000000000000000400"
    "0000000000000400000000000000c403010000c40c010000000000000000000000c40c010000000100000000"
    "000000c4300000000000002240000000000000f03f0000000000002440000000000000044000000000000024"
    "40000000000000000098910491cf18ea5337b14ca1a0910191c091a2743191c091cb400400000000000091cb"
    "3ff000000000000099910591cf18ea5337b14ca588910191c091cb400333333333333391c091c091c091c097"
    "910091cf18ea5337b14c920091c091a9636f6e6e656374656491c091c091ab7b2275726c223a2278227d"
)


def make_first_frame(frame: Frame) -> Frame:
    """Return the frame as the first release encoded it; it must hold nothing newer."""
    columns = msgspec.msgpack.decode(frame.events)
    assert columns.pop() is None, "it knew no instruments"
    if columns[1] is not None:
        assert columns[1].pop() == b"", "it knew no predecessors"
    events = msgspec.Raw(msgspec.msgpack.encode(columns))
    return replace(frame, version=1, events=events)


def make_first_manifest(manifest: Manifest, segments: Mapping[str, WrittenSegment]) -> Manifest:
    """Write the segments anew as the first release did; return their manifest."""
    tables = {}
    for table, [entry] in manifest.tables.items():
        data = write_first_segment(table, segments[table].path)
        digest = hashlib.sha256(data).hexdigest()
        changes = {"footer_bytes": None, "footer_crc32c": None}
        tables[table] = [replace(entry, bytes=len(data), sha256=digest, **changes)]
    return replace(manifest, version=1, tables=tables, writer="booktape 0.1.0")


def write_first_segment(table: str, path: Path) -> bytes:
    """Write a segment anew with the columns and the footer of the first release."""
    rows = parquet.ParquetFile(path).read()
    schema = SCHEMAS_BY_VERSION[1][table]
    columns = [rows[name] for name in schema.names]
    metadata = {b"booktape.schema": b"1", b"booktape.writer": b"booktape 0.1.0"}
    old = pa.Table.from_arrays(columns, schema=schema.with_metadata(metadata))
    with parquet.ParquetWriter(path, old.schema, **parquet_options(table)) as writer:
        writer.write_table(old)
    return path.read_bytes()
