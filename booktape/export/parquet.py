"""Writes a day's best levels as flat Parquet: one row per step, or per change."""

from pathlib import Path

from pyarrow import parquet

from booktape.answers.tops import scan_top
from booktape.export.days import Day, find_last
from booktape.export.folder import Folder


def write(day: Day, folder: Folder, *, depth: int, every_us: int | None) -> dict[str, object]:
    """Write a day; return its facts."""
    day.need_book()
    span = day.start, day.end
    scan = scan_top(day.reading, day.market, span, depth=depth, every=every_us, add=())
    rows = 0

    def write_rows(path: Path) -> None:
        nonlocal rows
        batches = scan.batches()
        options = {"compression": "zstd", "write_page_checksum": True}
        with parquet.ParquetWriter(path, batches.schema, **options) as writer:
            for batch in day.follow(batches, find_last):
                writer.write_batch(batch)
                rows += batch.num_rows

    name = f"{day.name}.parquet"
    folder.write(name, write_rows)
    return {"file": name, "rows": rows, "known": [list(span) for span in day.known]}
