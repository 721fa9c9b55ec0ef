"""Finds runs of a book's rows: adjacent rows of one epoch and one kind."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.books.spans import Run

_INT64: Final = pa.int64()


def find_runs(table: pa.Table, flush: int, cuts: Iterable[int]) -> list[Run]:
    """Return the runs of one symbol's rows; no run crosses an event number of `cuts`."""
    table = table.combine_chunks()
    numbers = table["event_number"].chunk(0)
    begins = {0, *_find_changes(table), *_find_places(numbers, cuts, 0, len(numbers))}
    return list(_make_runs(table, sorted(begins - {len(numbers)}), flush))


def find_all_runs(
    table: pa.Table, flush: int, find_cuts: Callable[[str], Iterable[int]]
) -> Iterator[tuple[str, int, list[Run]]]:
    """Yield each symbol in order, with its first row and its runs.

    The places of a run count from the symbol's first row.
    """
    table = table.combine_chunks()
    names, numbers = table["symbol"].chunk(0), table["event_number"].chunk(0)
    encoded = pc.run_end_encode(names.indices, run_end_type=_INT64)
    ends = encoded.run_ends.to_pylist()
    firsts = [0, *ends[:-1]]
    symbols = [names.dictionary[place].as_py() for place in encoded.values.to_pylist()]
    begins = {*firsts, *_find_changes(table)}
    for symbol, first, end in zip(symbols, firsts, ends, strict=True):
        begins.update(place for place in _find_places(numbers, find_cuts(symbol), first, end))
    runs = _make_runs(table, sorted(begins - {len(numbers)}), flush, firsts)
    held = next(runs, None)
    for symbol, first, end in zip(symbols, firsts, ends, strict=True):
        found = []
        while held is not None:
            found.append(held)
            is_last = first + held.end == end
            held = next(runs, None)
            if is_last:
                break
        yield symbol, first, found


def _find_places(numbers: pa.Array, cuts: Iterable[int], first: int, end: int) -> Iterator[int]:
    """Yield the places at which rows from an event number on begin."""
    for cut in cuts:
        yield first + bisect_left(range(first, end), cut, key=lambda row: numbers[row].as_py())


def _find_changes(table: pa.Table) -> list[int]:
    """Return the rows of another kind or epoch than the row before, or of a new snapshot."""
    is_snapshot = table["is_snapshot"].chunk(0)
    epochs = pc.min_max(table["epoch"])
    if epochs["min"] == epochs["max"] and not pc.any(is_snapshot).as_py():
        return []  # nearly always: changes of one epoch; a checkpoint is a snapshot too
    is_new = pc.or_(
        pc.or_(_differs(table["epoch"].chunk(0)), _differs(table["is_checkpoint"].chunk(0))),
        pc.or_(
            _differs(is_snapshot),
            pc.and_(is_snapshot[1:], _differs(table["event_number"].chunk(0))),
        ),
    )
    changes: list[int] = pc.add(pc.indices_nonzero(is_new), pa.scalar(1, pa.uint64())).to_pylist()
    return changes


def _make_runs(
    table: pa.Table, begins: Sequence[int], flush: int, bases: Sequence[int] = (0,)
) -> Iterator[Run]:
    """Yield the runs that begin at these rows, with places counted from the base before them."""
    ts = table["ts_recv"].chunk(0).cast(_INT64)
    ends = [*begins[1:], table.num_rows]
    firsts = pa.array(begins, _INT64)
    lasts = pa.array([end - 1 for end in ends], _INT64)
    numbers = table["event_number"].chunk(0)
    columns = (
        numbers.take(firsts),
        numbers.take(lasts),
        ts.take(firsts),
        *(table[name].chunk(0).take(firsts) for name in ("epoch", "is_snapshot", "is_checkpoint")),
    )
    base, later = bases[0], iter(bases[1:])
    following = next(later, None)
    for number, last, first, epoch, snapshot, checkpoint, begin, end in zip(
        *(column.to_pylist() for column in columns), begins, ends, strict=True
    ):
        if begin == following:
            base, following = begin, next(later, None)
        yield Run(
            number=number,
            last=last,
            ts=first,
            # All rows of one event have one time.
            ts_max=first if number == last else pc.max(ts[begin:end]).as_py(),
            epoch=epoch,
            is_snapshot=snapshot,
            is_checkpoint=checkpoint,
            flush=flush,
            begin=begin - base,
            end=end - base,
        )


def _differs(column: pa.Array) -> pa.Array:
    """Return for each row but the first whether its value differs from the row before."""
    return pc.not_equal(column[1:], column[:-1])
