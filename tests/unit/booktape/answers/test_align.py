from collections.abc import Iterator

import pyarrow as pa

from booktape.answers.align import align
from booktape.replay.rows import Batch, Layout
from booktape.replay.top import top
from tests.support.streams import SESSIONS, ask, begin, make_stream, read

COLUMNS = {"a": ("price",), "b": ("price", "size")}


def make(*parts: list[tuple[int, float | None, float | None]]) -> Iterator[Batch]:
    for part in parts:
        ts, price, size = zip(*part, strict=True) if part else ((), (), ())
        yield pa.record_batch(
            {
                "ts": pa.array(ts, pa.timestamp("us", tz="UTC")),
                "price": pa.array(price, pa.float64()),
                "size": pa.array(size, pa.float64()),
            }
        )


def show(tables: dict[str, Iterator[Batch]]) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in read(align(tables, COLUMNS))]


def test_grids_of_one_step_are_laid_side_by_side_wherever_they_are_cut() -> None:
    a = make([(0, 1.0, 9.0), (5, None, None)], [], [(10, 3.0, 9.0)])
    b = make([(0, 4.0, 7.0)], [(5, 5.0, None), (10, 6.0, 8.0)])
    assert [(0, 1.0, 4.0, 7.0), (5, None, 5.0, None), (10, 3.0, 6.0, 8.0)] == show({"a": a, "b": b})


def test_a_row_holds_from_its_own_instant_to_the_next_one_and_null_as_well() -> None:
    a = make([(0, 1.0, 0.0), (6, None, 0.0)], [(20, 2.0, 0.0)])
    b = make([(3, 4.0, 7.0), (6, 5.0, 7.0), (9, 6.0, 7.0)])
    assert [
        (0, 1.0, None, None),
        (3, 1.0, 4.0, 7.0),
        (6, None, 5.0, 7.0),
        (9, None, 6.0, 7.0),
        (20, 2.0, 6.0, 7.0),
    ] == show({"a": a, "b": b})


def test_columns_are_named_for_their_table_and_keep_their_types() -> None:
    [batch] = align({"a": make([(0, 1.0, 2.0)]), "b": make([(0, 1.0, 2.0)])}, COLUMNS)
    assert ["ts", "a_price", "b_price", "b_size"] == batch.schema.names
    assert [pa.float64()] * 3 == batch.schema.types[1:]


def test_names_and_numbers_can_be_aligned_as_well() -> None:
    rows = [begin(0, 7), ask(0, 2.0, 1.0, 7), ask(9, 2.0, 3.0, 8, 1)]
    tables = {"a": top(make_stream(rows), Layout(1), 5, 10, every=None)}
    [before, after] = read(align(tables, {"a": ("session", "event_number")}))
    assert [(5, SESSIONS[0], 7), (9, SESSIONS[1], 8)] == [
        tuple(before.values()),
        tuple(after.values()),
    ]


def test_a_table_without_rows_is_null_all_the_time() -> None:
    assert [] == show({"a": make(), "b": make([])})
    assert [(0, 1.0, None, None)] == show({"a": make([(0, 1.0, 2.0)]), "b": make([])})
