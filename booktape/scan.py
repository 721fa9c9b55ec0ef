"""A scan is a lazy table of a tape; it shows its plan before it reads anything."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, Final

import pyarrow as pa
from msgspec import Struct

from booktape.errors import MissingExtra
from booktape.manifest import TableEntry
from booktape.release import RELEASE

TIME: Final = pa.timestamp("us", tz="UTC")
NAME: Final = pa.dictionary(pa.int32(), pa.string())
BATCH_ROWS_MAX: Final = 65_536
SOURCE_KEY, RELEASE_KEY = b"booktape.source", b"booktape.release"


class Plan(Struct, frozen=True):
    """The most that a scan reads: the segments of its dates."""

    objects: int
    rows: int
    bytes: int


class Recipe(Struct, frozen=True):
    """The recipe of a scan's rows.

    `read` yields batches or tables with at least the wanted columns, in any order.
    """

    name: str
    schema: pa.Schema
    entries: Callable[[], Sequence[TableEntry]]
    read: Callable[[Sequence[str]], Iterator[pa.RecordBatch | pa.Table]]


class Scan:
    """Rows of a tape, read when somebody takes them; a scan never changes."""

    def __init__(self, recipe: Recipe, columns: Sequence[str] | None = None) -> None:
        self._recipe = recipe
        self._columns = tuple(recipe.schema.names if columns is None else columns)

    def __repr__(self) -> str:  # type: ignore[explicit-override] # not before Python 3.12
        plan = self.plan()
        size = f"{plan.rows:,} rows, {plan.bytes:,} bytes"
        title = f"Scan of {self._recipe.name}: at most {plan.objects:,} objects, {size}"
        return "\n".join([title, *(f"  {field.name}: {field.type}" for field in self._fields())])

    @property
    def schema(self) -> pa.Schema:
        """Return the columns; the metadata names their sources, and the release that reads."""
        digest = hashlib.sha256()
        for entry in sorted(self._recipe.entries(), key=lambda entry: entry.key):
            digest.update(f"{entry.key} {entry.sha256}\n".encode())
        metadata = {SOURCE_KEY: digest.hexdigest(), RELEASE_KEY: RELEASE}
        return pa.schema(self._fields(), metadata=metadata)

    def select(self, *columns: str) -> "Scan":
        """Return a scan of these columns, in this order; ValueError for an unknown one."""
        for name in columns:
            if name not in self._columns:
                raise ValueError(f"no column {name!r}; there are {', '.join(self._columns)}")
        return Scan(self._recipe, columns)

    def plan(self) -> Plan:
        """Return the most that the scan will read, from the ledger alone."""
        entries = self._recipe.entries()
        rows, size = sum(entry.rows for entry in entries), sum(entry.bytes for entry in entries)
        return Plan(len(entries), rows, size)

    def count(self) -> int:
        """Return the number of rows; this reads one column of them."""
        narrow = Scan(self._recipe, self._columns[:1])
        return sum(batch.num_rows for batch in narrow.batches())

    def batches(self) -> pa.RecordBatchReader:
        """Return the rows in batches of at most 65,536."""
        schema = self.schema
        return pa.RecordBatchReader.from_batches(schema, self._make_batches(schema))

    def to_arrow(self) -> pa.Table:
        """Return all rows as one table."""
        return self.batches().read_all()

    def to_polars(self) -> Any:
        """Return all rows as a DataFrame of Polars."""
        try:
            polars = import_module("polars")
        except ImportError:
            raise MissingExtra("to_polars()", "polars") from None
        return polars.from_arrow(self.to_arrow())

    def to_pandas(self) -> Any:
        """Return all rows as a DataFrame of pandas."""
        try:
            import_module("pandas")  # Arrow's own error would explain less
        except ImportError:
            raise MissingExtra("to_pandas()", "pandas") from None
        return self.to_arrow().to_pandas()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the rows to any reader of an Arrow stream: Polars, DuckDB, pandas, pyarrow."""
        return self.batches().__arrow_c_stream__(requested_schema)

    def _fields(self) -> list[pa.Field]:
        return [self._recipe.schema.field(name) for name in self._columns]

    def _make_batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for found in self._recipe.read(self._columns):
            table = pa.Table.from_batches([found]) if isinstance(found, pa.RecordBatch) else found
            chosen = table.select(list(self._columns)).cast(schema)
            yield from chosen.to_batches(max_chunksize=BATCH_ROWS_MAX)


def make_rows(schema: pa.Schema, rows: Iterable[Sequence[object]]) -> pa.Table:
    """Return a table of rows given as values."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
