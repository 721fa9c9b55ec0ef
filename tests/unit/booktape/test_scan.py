from collections.abc import Iterator, Sequence

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from booktape.errors import MissingExtra
from booktape.manifest import TableEntry
from booktape.release import RELEASE
from booktape.scan import BATCH_ROWS_MAX, RELEASE_KEY, SOURCE_KEY, Plan, Recipe, Scan, make_rows

SCHEMA = pa.schema([pa.field("name", pa.string()), pa.field("number", pa.int64())])


def entry(key: str) -> TableEntry:
    return TableEntry(key=key, rows=5, bytes=7, sha256=key, events=5, ts_recv_min=0, ts_recv_max=1)


def scan_of(rows: int = 3, keys: Sequence[str] = ("a", "b")) -> Scan:
    def read(columns: Sequence[str]) -> Iterator[pa.Table | pa.RecordBatch]:
        asked.append(tuple(columns))
        yield pa.table({"number": range(rows), "name": ["x"] * rows}).select(["number", "name"])
        yield pa.record_batch({"number": [7], "name": ["last"]})

    asked: list[tuple[str, ...]] = []
    return Scan(Recipe("things", SCHEMA, lambda: [entry(key) for key in keys], read))


def test_a_scan_tells_what_it_would_read() -> None:
    scan = scan_of()
    assert Plan(2, 10, 14) == scan.plan()
    text = "Scan of things: at most 2 objects, 10 rows, 14 bytes\n  name: string\n  number: int64"
    assert text == repr(scan)
    assert 4 == scan.count()


def test_columns_are_chosen_by_a_new_scan() -> None:
    scan = scan_of()
    assert ["number"] == scan.select("number").to_arrow().schema.names
    assert ["name", "number"] == scan.schema.names
    with pytest.raises(ValueError, match="no column 'price'; there are name, number"):
        scan.select("price")
    with pytest.raises(ValueError, match="there are number"):
        scan.select("number").select("name")


def test_the_schema_names_its_source_and_release() -> None:
    metadata = scan_of().schema.metadata
    assert RELEASE.encode() == metadata[RELEASE_KEY]
    assert (
        metadata == scan_of(keys=("b", "a")).schema.metadata == scan_of().to_arrow().schema.metadata
    )
    assert metadata[SOURCE_KEY] != scan_of(keys=("a", "c")).schema.metadata[SOURCE_KEY]


def test_batches_are_bounded() -> None:
    sizes = [batch.num_rows for batch in scan_of(2 * BATCH_ROWS_MAX + 5).batches()]
    assert [BATCH_ROWS_MAX, BATCH_ROWS_MAX, 5, 1] == sizes


def test_polars_duckdb_and_pyarrow_take_a_scan_as_it_is() -> None:
    scan = scan_of()
    wanted = [0, 1, 2, 7]
    assert wanted == scan.to_polars()["number"].to_list()
    assert wanted == pl.DataFrame(scan)["number"].to_list()
    assert wanted == pa.table(scan)["number"].to_pylist()
    found = duckdb.sql("SELECT count(*) FROM scan")
    assert found is not None
    assert [(4,)] == found.fetchall()


@pytest.mark.parametrize("name", ["polars", "pandas"])
def test_what_is_not_installed_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise ImportError

    monkeypatch.setattr("booktape.scan.import_module", refuse)
    with pytest.raises(MissingExtra, match=f"needs {name}: pip install {name}"):
        getattr(scan_of(), f"to_{name}")()


def test_pandas_takes_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("booktape.scan.import_module", lambda _: None)
    monkeypatch.setattr(Scan, "to_arrow", lambda self: Frame(self.count()))
    assert 4 == scan_of().to_pandas()


class Frame:
    """Stands for a table where pandas is not installed."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def to_pandas(self) -> int:
        return self.rows


def test_rows_are_made_of_values() -> None:
    assert [{"name": "a", "number": None}] == make_rows(SCHEMA, [("a", None)]).to_pylist()
    assert SCHEMA == make_rows(SCHEMA, []).schema
