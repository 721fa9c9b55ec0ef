"""A tape as a user reads it, with DuckDB, and the truth that the simulators wrote."""

import json
from pathlib import Path
from typing import Any

import duckdb

Book = dict[str, dict[float, float]]
Gap = tuple[str, int, int]


def query(root: Path, table: str, sql: str) -> list[tuple[Any, ...]]:
    """Run SQL over one table of a tape, which it calls `tape`."""
    files = f"{root}/tape/{table}/*/*/*.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE VIEW tape AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)"
        )
        return connection.execute(sql).fetchall()


def rebuild_books(root: Path, exchange: str) -> dict[str, Book]:
    """Return each symbol's last book: its newest snapshot and every change since."""
    rows = query(
        root,
        "book",
        "SELECT symbol, session, event_number, is_snapshot, side, price, size FROM tape "
        f"WHERE exchange = '{exchange}' ORDER BY session, event_number",
    )
    books: dict[str, Book] = {}
    begun: dict[str, tuple[str, int]] = {}
    for symbol, session, number, is_snapshot, side, price, size in rows:
        if is_snapshot and begun.get(symbol) != (session, number):
            books[symbol] = {"bid": {}, "ask": {}}
            begun[symbol] = session, number
        if side is None:
            continue
        if size:
            books[symbol][side][price] = size
        else:
            books[symbol][side].pop(price, None)
    return books


def cut(book: Book | None, like: Book) -> Book | None:
    """Return the best levels of a book, of each side as many as another has."""
    if book is None:
        return None
    bids = sorted(book["bid"].items(), reverse=True)[: len(like["bid"])]
    return {"bid": dict(bids), "ask": dict(sorted(book["ask"].items())[: len(like["ask"])])}


def read_gaps(root: Path, exchange: str) -> list[Gap]:
    """Return every gap of a book, in the order of the tape."""
    rows = query(
        root,
        "feed_events",
        "SELECT symbol, sequence_expected, sequence_received FROM tape WHERE kind = 'gap' "
        f"AND exchange = '{exchange}' AND sequence_expected IS NOT NULL "
        "ORDER BY session, event_number",
    )
    return [(symbol, expected, received) for symbol, expected, received in rows]


class Truth:
    """One simulator's own account of what it sent and did."""

    def __init__(self, path: Path, *, is_over: bool = True) -> None:
        """Read all of it; where it is not over, what there is."""
        text = path.read_text(encoding="utf-8")
        self.lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        assert not is_over or "end" == self.lines[-1]["type"]

    @property
    def faults(self) -> set[str]:
        """Return the names of the faults that took effect."""
        return {line["fault"] for line in self.lines if line["type"] == "fault"}

    @property
    def gaps(self) -> list[Gap]:
        """Return the gaps that a client must have seen, in order."""
        return [
            (line["symbol"], line["sequence_expected"], line["sequence_received"])
            for line in self.lines
            if line["type"] == "fault" and line.get("is_gap")
        ]

    @property
    def books(self) -> dict[str, Book]:
        """Return the books at the end."""
        return {
            line["symbol"]: {
                "bid": {float(price): float(size) for price, size in line["bids"]},
                "ask": {float(price): float(size) for price, size in line["asks"]},
            }
            for line in self.lines
            if line["type"] == "book"
        }
