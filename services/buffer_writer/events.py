"""Decodes frames into Arrow columns with one entry for each event, checked on the way.

Python objects exist for `CHUNK_ROWS` rows of the tape at a time. Book events and levels never
become objects: their columns are packed as Arrow holds them.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from services.buffer_writer.columns import CONVERSIONS
from services.buffer_writer.gather import Codes, gather
from shared.delivery.frame import Frame
from shared.errors import FrameError

CHUNK_ROWS: Final = 32 * 1024


class BadFrame(FrameError):
    """Make the caller set this frame aside: it came whole, but contradicts itself."""

    def __init__(self, frame: Frame, reason: object) -> None:
        super().__init__(f"frame {frame.first} to {frame.last} of {frame.session}: {reason}")
        self.frame = frame


class EventColumns(Struct):
    """The events of each table as columns, in the order of their numbers.

    `symbol` is an index into `symbols`. A book event has the `count` of its levels, the number of
    `bids` among them (null if it has no levels), and the `start` of its levels among all.
    `levels` has two numbers for each level: price, size, price, size, ...
    """

    symbols: list[str]
    tables: dict[str, pa.RecordBatch]
    levels: pa.Array | None

    @property
    def names(self) -> list[str]:
        """Return the tables that have events."""
        return list(self.tables)

    def take(self, table: str) -> Iterator[tuple[pa.RecordBatch, pa.Array | None]]:
        """Yield a table's events with their levels; call it once for each table."""
        yield self.tables.pop(table), self.levels if table == "book" else None


def decode_events(frames: Sequence[Frame], codes: Codes | None = None) -> EventColumns:
    """Return the events of frames of one day; raise `BadFrame` for one that contradicts itself.

    `codes` has the symbols of earlier frames, and gets new ones.
    """
    codes = Codes() if codes is None else codes
    parts: dict[str, list[pa.RecordBatch]] = {}
    levels: list[pa.Array] = []
    for chunk in cut_chunks(frames, CHUNK_ROWS):
        for name, arrays in _decode_chunk(chunk, codes).items():
            if name == "book":
                levels.append(arrays.pop("levels"))
            parts.setdefault(name, []).append(pa.record_batch(arrays))
    tables = {name: pa.concat_batches(parts.pop(name)) for name in list(parts)}
    if "book" in tables:
        tables["book"] = add_starts(tables["book"])
    return EventColumns(list(codes), tables, pa.concat_arrays(levels) if levels else None)


def add_starts(book: pa.RecordBatch) -> pa.RecordBatch:
    """Return book events with `start`, which finds their levels after the sort."""
    count = book["count"]
    return book.append_column("start", pc.subtract(pc.cumulative_sum(count), count))


def cut_chunks(frames: Sequence[Frame], rows_min: int) -> Iterator[list[Frame]]:
    """Yield the frames in chunks of `rows_min` rows, or a frame more; the last may have fewer."""
    chunk: list[Frame] = []
    rows = 0
    for frame in frames:
        chunk.append(frame)
        rows += frame.rows
        if rows >= rows_min:
            yield chunk
            chunk, rows = [], 0
    if chunk:
        yield chunk


def _decode_chunk(frames: Sequence[Frame], codes: Codes) -> dict[str, dict[str, Any]]:
    """Return the columns of each table, and a book's levels; raise as `decode_events` does."""
    try:
        groups = gather(frames, codes)
        arrays = {name: CONVERSIONS[name](group) for name, group in groups.items()}
        numbers = [columns["event_number"] for columns in arrays.values()]
        _require_complete(numbers, frames[0].first, frames[-1].last)
    except (FrameError, pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        if len(frames) > 1:  # search for the bad frame only after an error
            for frame in frames:
                _decode_chunk([frame], codes)
        raise BadFrame(frames[0], error) from None
    return arrays


def _require_complete(tables: list[pa.Array], first: int, last: int) -> None:
    if not _is_complete(tables, first, last):
        raise ValueError("its events do not make up its range")


def _is_complete(tables: list[pa.Array], first: int, last: int) -> bool:
    """Return whether the tables together have each number of the range once; each is in order.

    The other tables must have exactly the numbers that the longest one lacks.
    """
    if sum(map(len, tables)) != last - first + 1:
        return False
    longest, *others = sorted(tables, key=len, reverse=True)
    place = pc.indices_nonzero(pc.not_equal(pc.subtract(longest[1:], longest[:-1]), 1))
    before = [first - 1, *longest.take(place).to_pylist(), longest[-1].as_py()]
    behind = [longest[0].as_py(), *longest.take(pc.add(place, 1)).to_pylist(), last + 1]
    left_out = chain(*(range(a + 1, b) for a, b in zip(before, behind, strict=True)))
    return sorted(chain(*(numbers.to_pylist() for numbers in others))) == list(left_out)
