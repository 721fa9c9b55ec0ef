import hashlib
import struct
from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
import pytest

from booktape.certify.content import ContentSum

NAME = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("ts", pa.timestamp("us", tz="UTC")),
        ("number", pa.int64()),
        ("places", pa.int32()),
        ("price", pa.float64()),
        ("is_snapshot", pa.bool_()),
        ("side", NAME),
        ("text", pa.string()),
    ]
)
ROWS = [
    (1, 7, 1, 99.5, True, "bid", "a"),
    (2, None, None, None, False, "bid", "a"),
    (3, -7, 3, 0.0, None, None, None),
    (None, 0, 4, -1.5, True, "ask", ""),
    (5, 2**62, 5, 1e300, True, "ask", "\u20ac"),
]


def make_table(rows: Sequence[Sequence[object]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def add_up(*tables: pa.Table) -> str:
    content = ContentSum(SCHEMA)
    for table in tables:
        content.add(table)
    return content.hexdigest()


def test_the_sum_is_what_its_description_says() -> None:
    """Made again from the words alone, value by value."""
    digest = hashlib.sha256()
    for place, field in enumerate(SCHEMA):
        values = [row[place] for row in ROWS]
        if field.type in {NAME, pa.string()}:
            first, second = hash_texts(values)
        else:
            first, second = hash_numbers(values, field.type)
        digest.update(f"{field.name} {first} {second}\n".encode())
    assert digest.hexdigest() == add_up(make_table(ROWS))


def hash_numbers(values: Sequence[object], type_: pa.DataType) -> tuple[str, str]:
    form = "<?" if type_ == pa.bool_() else "<d" if type_ == pa.float64() else "<q"
    packed = b"".join(struct.pack(form, value or 0) for value in values)
    valid = bytes(value is not None for value in values)
    return hashlib.sha256(packed).hexdigest(), hashlib.sha256(valid).hexdigest()


def hash_texts(values: Sequence[object]) -> tuple[str, str]:
    runs: list[list[object]] = []
    for value in values:
        if runs and runs[-1][0] == value:
            runs[-1][1] += 1  # type: ignore[operator]
        else:
            runs.append([value, 1])
    texts = b"".join(str(value or "").encode() for value, _ in runs)
    lengths = [-1 if value is None else len(str(value).encode()) for value, _ in runs]
    pairs = b"".join(
        struct.pack("<qq", length, rows) for length, (_, rows) in zip(lengths, runs, strict=True)
    )
    return hashlib.sha256(texts).hexdigest(), hashlib.sha256(pairs).hexdigest()


@pytest.mark.parametrize("cuts", [[1], [2], [3], [1, 2, 3, 4], [0, 5]])
def test_it_does_not_depend_on_how_rows_are_cut(cuts: list[int]) -> None:
    table = make_table(ROWS)
    bounds = [0, *cuts, len(ROWS)]
    parts = [table.slice(a, b - a) for a, b in pairwise(bounds)]
    assert add_up(table) == add_up(*parts) == add_up(pa.concat_tables(parts))


def test_it_does_not_depend_on_dictionaries() -> None:
    table = make_table(ROWS)
    other = pa.DictionaryArray.from_arrays(
        pa.array([2, 2, None, 1, 1], pa.int32()), ["unused", "ask", "bid"]
    )
    assert add_up(table) == add_up(table.set_column(5, "side", other))


@pytest.mark.parametrize("place", range(len(SCHEMA)))
def test_every_value_counts(place: int) -> None:
    wanted = add_up(make_table(ROWS))
    for row in range(len(ROWS)):
        others = [one[place] for one in ROWS if one[place] != ROWS[row][place]]
        changed = [list(one) for one in ROWS]
        changed[row][place] = others[0]
        assert wanted != add_up(make_table([tuple(one) for one in changed]))


def test_a_null_is_not_a_zero() -> None:
    zero = [(*ROWS[1][:3], 0.0, *ROWS[1][4:])]
    assert add_up(make_table([ROWS[1]])) != add_up(make_table(zero))


def test_no_rows_have_a_sum() -> None:
    assert add_up() == add_up(make_table(ROWS).slice(0, 0))
