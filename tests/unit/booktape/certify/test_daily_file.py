from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.certificate import DailyEntry
from booktape.certify import daily_file as daily_file_module
from booktape.certify.daily_file import MANIFESTS_KEY, DailyFile, daily_options
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore
from booktape.tables import SCHEMAS

SESSION = "20261122T091500.123456Z-bitvavo-a"
KEY = "daily.parquet"


def make_rows(symbol: str, first: int, count: int) -> pa.Table:
    numbers = range(first, first + count)
    values = {
        "ts_recv": [number * 10 for number in numbers],
        "symbol": [symbol] * count,
        "session": [SESSION] * count,
        "event_number": list(numbers),
        "epoch": [0] * count,
        "is_snapshot": [False] * count,
        "is_checkpoint": [False] * count,
        "side": ["bid"] * count,
        "price": [float(number % 7) for number in numbers],
        "size": [number / 3 for number in numbers],
    }
    schema = SCHEMAS["book"]
    columns = [pa.array(values.get(field.name, [None] * count), field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def write(root: Path, symbols: dict[str, int]) -> DailyEntry:
    """Write a file with so many rows of each symbol, two at a time."""
    with DailyFile(root / KEY, "book", ["one", "two"]) as file:
        for symbol, count in symbols.items():
            file.begin_symbol(count)
            for first in range(0, count, 2):
                file.add(make_rows(symbol, first, min(2, count - first)))
        return file.close(KEY, 0, sum(symbols.values()))


def groups_of(root: Path) -> list[list[str]]:
    file = parquet.ParquetFile(root / KEY)
    return [
        file.read_row_group(group)["symbol"].to_pylist()
        for group in range(file.metadata.num_row_groups)
    ]


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily_file_module, "SHARED_GROUP_ROWS_MAX", 5)
    monkeypatch.setattr(daily_file_module, "GROUP_ROWS_MAX", 8)


def test_row_groups_end_where_a_symbol_does(tmp_path: Path) -> None:
    write(tmp_path, {"A": 2, "B": 3, "C": 1, "D": 19, "E": 1, "F": 4})
    wanted = ["AABBB", "C", "D" * 8, "D" * 8, "DDD", "EFFFF"]
    assert wanted == ["".join(group) for group in groups_of(tmp_path)]


def test_a_file_is_what_its_entry_says(tmp_path: Path) -> None:
    entry = write(tmp_path, {"A": 2, "B": 9})
    assert (11, 11, 0, 80_000) == (entry.rows, entry.events, entry.ts_recv_min, entry.ts_recv_max)
    segment = Segment(FolderStore(tmp_path), entry, "book")
    rows = [segment.read(group, ["event_number"]).num_rows for group in segment.groups]
    assert [2, 8, 1] == rows
    metadata = parquet.read_metadata(tmp_path / KEY).metadata
    assert ["one", "two"] == msgspec.json.decode(metadata[MANIFESTS_KEY])


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path, {"A": 2, "B": 9})
    assert first == write(tmp_path, {"A": 2, "B": 9})
    assert first.sha256 != write(tmp_path, {"A": 2, "B": 8}).sha256


def test_nothing_is_written_that_todays_readers_do_not_know() -> None:
    for table in SCHEMAS:
        options = daily_options(table)
        assert set(options["column_encoding"].values()) <= {"DELTA_BINARY_PACKED"}
        assert "zstd" == options["compression"]
        assert not set(options["use_dictionary"]) & set(options["column_encoding"])


def test_a_column_is_written_in_one_way(tmp_path: Path) -> None:
    """Sizes that are all different have a dictionary too: readers hold pages against it."""
    write(tmp_path, {"A": 8})
    size = SCHEMAS["book"].get_field_index("size")
    column = parquet.read_metadata(tmp_path / KEY).row_group(0).column(size)
    assert column.has_dictionary_page
