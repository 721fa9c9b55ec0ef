"""Runs of a book's rows: those that follow each other and are of one kind and epoch."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.books.spans import Run

_INT64: Final = pa.int64()


def find_runs(table: pa.Table, flush: int, cuts: Iterable[int]) -> list[Run]:
    """Return the runs of one symbol's rows; none reaches over the event numbers of `cuts`."""
    table = table.combine_chunks()
    numbers, epochs = table["event_number"].chunk(0), table["epoch"].chunk(0)
    is_snapshot, is_checkpoint = table["is_snapshot"].chunk(0), table["is_checkpoint"].chunk(0)
    ts = table["ts_recv"].chunk(0).cast(_INT64)
    is_new = pc.or_(
        pc.or_(_differs(epochs), _differs(is_checkpoint)),
        pc.or_(_differs(is_snapshot), pc.and_(is_snapshot[1:], _differs(numbers))),
    )
    begins = {0, *pc.add(pc.indices_nonzero(is_new), pa.scalar(1, pa.uint64())).to_pylist()}
    begins |= {
        bisect_left(range(len(numbers)), cut, key=lambda row: numbers[row].as_py()) for cut in cuts
    }
    ordered = sorted(begins - {len(numbers)})
    ends = [*ordered[1:], len(numbers)]
    firsts = pa.array(ordered)
    lasts = pa.array([end - 1 for end in ends])
    columns = (
        numbers.take(firsts),
        numbers.take(lasts),
        ts.take(firsts),
        epochs.take(firsts),
        is_snapshot.take(firsts),
        is_checkpoint.take(firsts),
    )
    runs = zip(*(column.to_pylist() for column in columns), ordered, ends, strict=True)
    return [
        # All rows of one event have one time.
        Run(
            number=number,
            last=last,
            ts=first,
            ts_max=first if number == last else pc.max(ts[begin:end]).as_py(),
            epoch=epoch,
            is_snapshot=snapshot,
            is_checkpoint=checkpoint,
            flush=flush,
            begin=begin,
            end=end,
        )
        for number, last, first, epoch, snapshot, checkpoint, begin, end in runs
    ]


def _differs(column: pa.Array) -> pa.Array:
    """Return for each row but the first whether it is another value than the row before."""
    return pc.not_equal(column[1:], column[:-1])
