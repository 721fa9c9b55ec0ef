"""Packs events that wait for a flush: a chunk by its stretches of symbols, each compressed.

A waiting frame takes 29 bytes for each row, packed events take 13. Packing decodes and checks
them, once; a flush unpacks one stretch after the other.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from services.buffer_writer.columns import run_out
from services.buffer_writer.events import add_starts, decode_events
from services.buffer_writer.gather import Codes
from services.buffer_writer.stretches import Stretch, find_stretches, join_stretches
from shared.delivery.frame import LEVEL_BYTES, Frame
from shared.errors import SpoolError

PORTION_ROWS_MAX: Final = 128 * 1024  # of stretches to unpack at once
_PAIR: Final = pa.binary(LEVEL_BYTES)  # price and size of one level
_OPTIONS: Final = pa.ipc.IpcWriteOptions(
    compression=pa.Codec("zstd", compression_level=1), use_threads=False
)


class PackedEvents:
    """The events of a run's oldest frames: book events by stretches, other tables in their order.

    `event_bytes` is the size of the frames' events before packing.
    """

    def __init__(self) -> None:
        self.first = self.last = -1  # event numbers
        self.frames = self.rows = self.event_bytes = 0
        self._codes = Codes()
        self._stretches: list[Stretch] = []  # found by the first book events
        self._rows: list[int] = []  # of each stretch
        self._places: list[int] = []  # of each symbol's stretch
        self._books: list[list[pa.Buffer]] = []
        self._pairs: list[list[pa.Buffer]] = []
        self._others: dict[str, list[pa.Buffer]] = {}

    def add(self, frames: Sequence[Frame]) -> None:
        """Decode and pack the next frames.

        Raise `BadFrame` for a frame that contradicts itself, and pack nothing.
        """
        decoded = decode_events(frames, self._codes)
        for table in list(decoded.names):
            for events, levels in decoded.take(table):
                if levels is None:
                    self._others.setdefault(table, []).append(_pack(events))
                else:
                    self._add_book(events, levels)
        if self.is_empty:
            self.first = frames[0].first
        self.last = frames[-1].last
        self.frames += len(frames)
        self.rows += sum(frame.rows for frame in frames)
        self.event_bytes += sum(len(frame.events) for frame in frames)

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is packed."""
        return not self.frames

    @property
    def names(self) -> list[str]:
        """Return the tables that have events."""
        return [*(["book"] if self._books else []), *self._others]

    @property
    def symbols(self) -> list[str]:
        """Return the symbols; the column `symbol` holds indexes into them."""
        return list(self._codes)

    def take(self, table: str) -> Iterator[tuple[pa.RecordBatch, pa.Array | None]]:
        """Yield a table's events with their levels, some stretches after the other.

        Raise `SpoolError` if the memory was damaged: the journal still has these events.
        """
        if table != "book":
            yield _unpack(self._others[table]), None
            return
        for places in join_stretches(self._rows, PORTION_ROWS_MAX):
            books = [piece for place in places for piece in self._books[place]]
            pairs = [piece for place in places for piece in self._pairs[place]]
            if books:
                levels = _as_numbers(_unpack(pairs)["pair"])
                yield add_starts(_unpack(books)), levels

    def _add_book(self, events: pa.RecordBatch, levels: pa.Array) -> None:
        rows = pc.max_element_wise(events["count"], 1)
        if not self._stretches:
            self._cut_symbols(events["symbol"], rows)
        new = self.symbols[len(self._places) :]
        self._places += map(self._find_stretch, new)
        places = pa.array(self._places, pa.int32()).take(events["symbol"])
        order = pc.sort_indices(places)  # stable: a symbol's events keep their order
        events, sorted_rows = events.take(order), rows.take(order)
        ends = pc.cumulative_sum(events["count"])
        sorted_pairs = _as_pairs(levels).take(_find_levels(events, ends))
        sorted_levels = pa.record_batch({"pair": sorted_pairs})
        events = events.drop_columns("start")
        first = first_level = 0
        for place, count in enumerate(_count(places, len(self._stretches))):
            if count:
                end_level = ends[first + count - 1].as_py()
                self._rows[place] += pc.sum(sorted_rows.slice(first, count)).as_py()
                self._books[place].append(_pack(events.slice(first, count)))
                self._pairs[place].append(
                    _pack(sorted_levels.slice(first_level, end_level - first_level))
                )
                first, first_level = first + count, end_level

    def _cut_symbols(self, codes: pa.Array, rows: pa.Array) -> None:
        """Find the stretches by the rows of each symbol in these events."""
        symbols = self.symbols
        weights: Counter[str] = Counter()
        for code, count in zip(codes.to_pylist(), rows.to_pylist(), strict=True):
            weights[symbols[code]] += count
        self._stretches = find_stretches(weights)
        self._rows = [0 for _ in self._stretches]
        self._books = [[] for _ in self._stretches]
        self._pairs = [[] for _ in self._stretches]

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


def _unpack(pieces: Sequence[pa.Buffer]) -> pa.RecordBatch:
    try:
        return pa.concat_batches([pa.ipc.open_stream(piece).read_next_batch() for piece in pieces])
    except (pa.ArrowException, OSError) as error:
        raise SpoolError(f"events in memory were damaged: {error}") from error


def _as_pairs(numbers: pa.Array) -> pa.Array:
    return pa.Array.from_buffers(_PAIR, len(numbers) // 2, [None, numbers.buffers()[1]])


def _as_numbers(pairs: pa.Array) -> pa.Array:
    return pa.Array.from_buffers(pa.float64(), 2 * len(pairs), [None, pairs.buffers()[1]])
