"""Queries of a page, run by one engine in the folder that has the tape; their rows come as JSON.

It runs where DuckDB, Spark and sqlglot are, and nothing of ours.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

Rows = list[list[object]]
_BLOCK = re.compile(r"```sql (\w+)\n(.*?)```", re.DOTALL)


def main() -> None:
    engine, page = sys.argv[1:]
    statements = list(find_statements(Path(page).read_text(encoding="utf-8"), engine))
    sys.stdout.write(json.dumps(ENGINES[engine](statements), default=write_time))


def find_statements(page: str, engine: str) -> Iterator[str]:
    """Yield the statements of an engine and those of all, in their order."""
    for name, text in _BLOCK.findall(page):
        if name in {engine, "all"}:
            yield from (statement for statement in text.split(";\n") if statement.strip())


def is_question(statement: str) -> bool:
    return statement.lstrip().startswith(("SELECT", "WITH"))


def write_time(value: object) -> str:
    assert isinstance(value, datetime)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def run_duckdb(statements: list[str]) -> list[Rows]:
    connection: Any = import_module("duckdb").connect()
    found = []
    for statement in statements:
        relation = connection.sql(statement)
        if is_question(statement):
            found.append([list(row.values()) for row in relation.to_arrow_table().to_pylist()])
    return found


def run_spark(statements: list[str]) -> list[Rows]:
    builder: Any = import_module("pyspark.sql").SparkSession.builder.master("local[1]")
    options = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    found = []
    for statement in statements:
        frame = session.sql(statement)
        if is_question(statement):
            found.append([list(row) for row in frame.collect()])
    session.stop()
    return found


def parse_athena(statements: list[str]) -> list[Rows]:
    """Parse the statements as Athena would; nobody runs them."""
    sqlglot: Any = import_module("sqlglot")
    texts = [statement.replace("TEMP VIEW", "VIEW") for statement in statements]
    parsed = [sqlglot.parse_one(text, dialect="athena") for text in texts]
    assert not any(isinstance(one, sqlglot.exp.Command) for one in parsed)  # not understood
    return [[[type(one).__name__]] for one in parsed]


ENGINES: dict[str, Callable[[list[str]], list[Rows]]] = {
    "duckdb": run_duckdb,
    "spark": run_spark,
    "athena": parse_athena,
}

if __name__ == "__main__":
    main()
