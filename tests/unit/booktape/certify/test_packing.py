from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.certify.packing import Packed, Packing, join
from booktape.tables import SCHEMAS
from tests.support.hand_tape import BTC, ETH, A, HandTape, delta, feed, snapshot, trade

LEVELS = ("bid", 99.0, 1.0), ("bid", 98.0, 1.0), ("ask", 101.0, 2.0)


def read(folder: Path, table: str) -> pa.Table:
    tape = HandTape(folder)
    books = snapshot(1, 1, *LEVELS), snapshot(1, 2, *LEVELS, symbol=ETH), delta(2, 1, LEVELS[0])
    tape.write(A, feed(0, "session_start"), *books, delta(3, 1), delta(4, 1, *LEVELS[1:]))
    tape.write(A, feed(5, "gap", BTC), trade(6, "t1"), trade(6, "t2"))
    paths = sorted((folder / "tape" / table).rglob("*.parquet"))
    return pa.concat_tables(map(read_rows, paths)).unify_dictionaries().combine_chunks()


def read_rows(path: Path) -> pa.Table:
    return parquet.ParquetFile(path).read()


def unpack(packing: Packing, *parts: Packed) -> pa.Table:
    return pa.concat_tables(
        [
            packing.unpack(packed, symbol)
            for part in parts
            for symbol, packed in packing.cut_symbols(part)
        ]
    )


@pytest.mark.parametrize("table", ["book", "trades", "feed_events"])
def test_what_is_packed_is_unpacked_row_by_row(tmp_path: Path, table: str) -> None:
    rows = read(tmp_path, table)
    packing = Packing(table)
    packed = packing.pack(rows)
    assert rows.num_rows == packed.rows
    assert rows.to_pylist() == unpack(packing, packed).to_pylist()
    assert SCHEMAS[table] == unpack(packing, packed).schema


def test_what_the_levels_of_an_event_share_is_kept_once(tmp_path: Path) -> None:
    packed = Packing("book").pack(read(tmp_path, "book"))
    assert [3, 1, 1, 2, 3] == packed.events.column("#rows").to_pylist()
    assert [3, 4, 5, 7, 10] == packed.find_ends().to_pylist()


@pytest.mark.parametrize("name", ["ts_recv", "ts_event", "sequence", "epoch", "is_checkpoint"])
def test_rows_of_one_number_that_differ_stay_as_they_are(tmp_path: Path, name: str) -> None:
    """No recorder writes such; whatever is stored comes out again."""
    rows = read(tmp_path, "book")
    place = rows.schema.get_field_index(name)
    values = rows[name].to_pylist()
    values[1] = True if name == "is_checkpoint" else rows["ts_recv"][9].as_py()
    values[1] = 77 if name in {"sequence", "epoch"} else values[1]
    rows = rows.set_column(
        place, rows.schema.field(name), pa.array(values, rows.schema[place].type)
    )
    packing = Packing("book")
    assert rows.to_pylist() == unpack(packing, packing.pack(rows.combine_chunks())).to_pylist()


@pytest.mark.parametrize("rows_max", [1, 2, 3, 4, 7, 100])
def test_parts_are_small_and_no_event_is_cut(tmp_path: Path, rows_max: int) -> None:
    packing = Packing("book")
    packed = packing.pack(read(tmp_path, "book"))
    parts = list(packed.cut(rows_max))
    assert [
        rows for part in parts for rows in part.events.column("#rows").to_pylist()
    ] == packed.events.column("#rows").to_pylist()
    assert all(part.rows <= rows_max or len(part.events) == 1 for part in parts)
    assert unpack(packing, packed).to_pylist() == unpack(packing, join(parts)).to_pylist()


def test_a_name_has_one_number_whatever_the_segment(tmp_path: Path) -> None:
    rows = read(tmp_path, "book")
    packing = Packing("book")
    other = pa.concat_tables([rows.slice(3, 1), rows.slice(0, 2)]).to_pylist()
    again = pa.Table.from_pylist(other, schema=SCHEMAS["book"]).combine_chunks()
    found = unpack(packing, packing.pack(rows), packing.pack(again))
    assert [*rows.to_pylist(), *other] == found.to_pylist()
