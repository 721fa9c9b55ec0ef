"""Keeps the book events of a large flush packed: by stretches of symbols, each compressed.

Decoded events take three times the memory of their frames. We unpack each stretch only to write it,
so that a flush of five minutes takes little more memory than one of a minute.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from services.buffer_writer.columns import run_out
from services.buffer_writer.events import add_starts, decode_chunks
from services.buffer_writer.gather import Codes
from services.buffer_writer.stretches import Stretch
from shared.delivery.frame import LEVEL_BYTES, Frame

_PAIR: Final = pa.binary(LEVEL_BYTES)  # price and size of one level
_OPTIONS: Final = pa.ipc.IpcWriteOptions(
    compression=pa.Codec("zstd", compression_level=1), use_threads=False
)


class PackedEvents:
    """The events of one flush: book events packed, those of other tables not."""

    def __init__(self, frames: Sequence[Frame], stretches: Sequence[Stretch]) -> None:
        """Decode frames of one day; raise `BadFrame` for one that contradicts itself."""
        self._codes = Codes()
        self._stretches = stretches
        self._books: list[list[pa.Buffer]] = [[] for _ in stretches]
        self._pairs: list[list[pa.Buffer]] = [[] for _ in stretches]
        self._others: dict[str, list[pa.RecordBatch]] = {}
        for tables in decode_chunks(frames, self._codes):
            for table, arrays in tables.items():
                if table == "book":
                    self._pack(arrays)
                else:
                    self._others.setdefault(table, []).append(pa.record_batch(arrays))

    @property
    def names(self) -> list[str]:
        """Return the tables that have events."""
        return [*(["book"] if any(self._books) else []), *self._others]

    @property
    def symbols(self) -> list[str]:
        """Return the symbols; the column `symbol` holds indexes into them."""
        return list(self._codes)

    def take(self, table: str) -> Iterator[tuple[pa.RecordBatch, pa.Array | None]]:
        """Yield a table's events with their levels, one stretch after the other, each once."""
        if table != "book":
            yield pa.concat_batches(self._others.pop(table)), None
            return
        while self._books:
            books, pairs = self._books.pop(0), self._pairs.pop(0)
            if books:
                levels = pa.concat_batches(map(_unpack, pairs))["pair"]
                yield add_starts(pa.concat_batches(map(_unpack, books))), _as_numbers(levels)

    def _pack(self, arrays: dict[str, Any]) -> None:
        pairs = _as_pairs(arrays.pop("levels"))
        places = pa.array(map(self._find_stretch, self._codes), pa.int32()).take(arrays["symbol"])
        order = pc.sort_indices(places)  # stable: a symbol's events keep their order
        events = add_starts(pa.record_batch(arrays)).take(order)
        ends = pc.cumulative_sum(events["count"])
        sorted_pairs = pa.record_batch({"pair": pairs.take(_find_levels(events, ends))})
        events = events.drop_columns("start")
        first = first_level = 0
        for place, count in enumerate(_count(places, len(self._stretches))):
            if count:
                end_level = ends[first + count - 1].as_py()
                self._books[place].append(_pack(events.slice(first, count)))
                self._pairs[place].append(
                    _pack(sorted_pairs.slice(first_level, end_level - first_level))
                )
                first, first_level = first + count, end_level

    def _find_stretch(self, symbol: str) -> int:
        return next(i for i, stretch in enumerate(self._stretches) if stretch.has(symbol))


def _find_levels(events: pa.RecordBatch, ends: pa.Array) -> pa.Array:
    """Return the places of sorted events' levels among all levels."""
    has_levels = pc.greater(events["count"], 0)
    ends = ends.filter(has_levels)
    begins = pc.subtract(ends, events["count"].filter(has_levels))
    moved = pc.subtract(events["start"].filter(has_levels), begins)
    count = ends[-1].as_py() if len(ends) else 0
    return pc.add(pa.arange(0, count), run_out(moved, ends))


def _count(places: pa.Array, stretches: int) -> list[int]:
    """Return how many events each stretch has."""
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(places).to_pylist()}
    return [counts.get(place, 0) for place in range(stretches)]


def _pack(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_OPTIONS) as writer:
        writer.write_batch(batch)
    # The growing stream took up to twice its bytes; a copy frees the rest.
    return pa.py_buffer(sink.getvalue().to_pybytes())


def _unpack(data: pa.Buffer) -> pa.RecordBatch:
    return pa.ipc.open_stream(data).read_next_batch()


def _as_pairs(numbers: pa.Array) -> pa.Array:
    return pa.Array.from_buffers(_PAIR, len(numbers) // 2, [None, numbers.buffers()[1]])


def _as_numbers(pairs: pa.Array) -> pa.Array:
    return pa.Array.from_buffers(pa.float64(), 2 * len(pairs), [None, pairs.buffers()[1]])
