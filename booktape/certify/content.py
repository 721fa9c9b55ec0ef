"""Sums the content of a table, its decoded rows: always the same, whatever release wrote them.

It hashes two streams of each column. Numbers: the values, little-endian, eight bytes each (one byte
for true and false, zero for null); and for each row one byte, 1 for a value, 0 for null. Texts:
the UTF-8 of each run of equal values; and for each run the text's length (-1: null) and its rows,
eight bytes each. The sum hashes the lines "<column> <first> <second>".
"""

import hashlib
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_INT64: Final = pa.int64()
_UINT8: Final = pa.uint8()
_NULL_BYTES: Final = -1


class ContentSum:
    """Adds up tables of one schema, in their order."""

    def __init__(self, schema: pa.Schema) -> None:
        self._columns = {
            field.name: _Texts() if _is_text(field.type) else _Numbers() for field in schema
        }

    def add(self, table: pa.Table) -> None:
        """Add the next rows."""
        for name, column in self._columns.items():
            for chunk in table[name].chunks:
                if len(chunk):
                    column.add(chunk)

    def hexdigest(self) -> str:
        """Return the sum of all rows; add no rows after this call."""
        digest = hashlib.sha256()
        for name, column in self._columns.items():
            digest.update(" ".join((name, *column.close())).encode() + b"\n")
        return digest.hexdigest()


class _Numbers:
    """The two streams of a column of numbers, times or truths."""

    def __init__(self) -> None:
        self._values, self._valid = hashlib.sha256(), hashlib.sha256()

    def add(self, chunk: pa.Array) -> None:
        if pa.types.is_boolean(chunk.type):
            chunk = chunk.cast(_UINT8)
        elif pa.types.is_int32(chunk.type) or pa.types.is_timestamp(chunk.type):
            chunk = chunk.cast(_INT64)
        if chunk.null_count:
            self._valid.update(_find_bytes(chunk.is_valid().cast(_UINT8)))
            chunk = pc.fill_null(chunk, pa.scalar(0, chunk.type))
        else:
            self._valid.update(b"\x01" * len(chunk))
        self._values.update(_find_bytes(chunk))

    def close(self) -> tuple[str, str]:
        return self._values.hexdigest(), self._valid.hexdigest()


class _Texts:
    """The two streams of a column of texts; a run may go on in the next chunk."""

    def __init__(self) -> None:
        self._texts, self._runs = hashlib.sha256(), hashlib.sha256()
        self._last: str | None = None
        self._rows = 0  # of the last run, not hashed yet

    def add(self, chunk: pa.Array) -> None:
        is_named = pa.types.is_dictionary(chunk.type)
        codes = chunk.indices if is_named else chunk
        is_new = pc.fill_null(pc.not_equal(codes[1:], codes[:-1]), fill_value=False)
        if codes.null_count:
            is_new = pc.or_(is_new, pc.xor(codes[1:].is_valid(), codes[:-1].is_valid()))
        starts = pa.concat_arrays([_FIRST, pc.add(pc.indices_nonzero(is_new).cast(_INT64), 1)])
        ends = pa.concat_arrays([starts[1:], pa.array([len(chunk)], _INT64)])
        texts, rows = chunk.take(starts).cast(pa.string()), pc.subtract(ends, starts)
        begin = 0
        if self._rows and texts[0].as_py() == self._last:
            self._rows += rows[0].as_py()
            begin = 1
        if begin == len(texts):
            return
        self._close_run()
        self._hash(texts[begin:-1], rows[begin:-1])
        self._last, self._rows = texts[-1].as_py(), rows[-1].as_py()

    def close(self) -> tuple[str, str]:
        self._close_run()
        self._rows = 0
        return self._texts.hexdigest(), self._runs.hexdigest()

    def _close_run(self) -> None:
        if self._rows:
            self._hash(pa.array([self._last], pa.string()), pa.array([self._rows], _INT64))

    def _hash(self, texts: pa.Array, rows: pa.Array) -> None:
        if not len(texts):
            return
        lengths = pc.fill_null(pc.binary_length(texts).cast(_INT64), _NULL_BYTES)
        self._texts.update(_find_text(texts))
        pairs = pa.FixedSizeListArray.from_arrays(_interleave(lengths, rows), 2)
        self._runs.update(_find_bytes(pairs.flatten()))


def _interleave(first: pa.Array, second: pa.Array) -> pa.Array:
    """Return the values of both, by turns."""
    count = len(first)
    order = pc.add(
        pc.shift_right(pa.arange(0, 2 * count), 1),
        pc.multiply(pc.bit_wise_and(pa.arange(0, 2 * count), 1), count),
    )
    return pa.concat_arrays([first, second]).take(order)


def _find_bytes(array: pa.Array) -> pa.Buffer:
    """Return the bytes of an array's values in memory."""
    width = array.type.bit_width // 8
    return array.buffers()[1].slice(array.offset * width, len(array) * width)


def _find_text(texts: pa.Array) -> bytes:
    """Return all texts, one after the other."""
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(texts)], pc.fill_null(texts, "")), "")
    return bytes(joined[0].as_buffer())


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(type_) or pa.types.is_string(type_))


_FIRST: Final = pa.array([0], _INT64)
