"""The queries of docs/query.md answer what the library answers."""

import json
import os
import subprocess
from math import isclose
from pathlib import Path
from typing import Any

import pytest

import booktape
from tests.query.run_queries import find_statements
from tests.support.certified import certify_all
from tests.support.commands import make_sample
from tests.support.paths import ROOT

PYTHON = os.environ.get("BOOKTAPE_TEST_QUERY", "")
PAGE = ROOT / "docs/query.md"
MARKET = "bitvavo:BTC-EUR"
START, END = "2026-09-21T11:59:50Z", "2026-09-21T12:05:11Z"
FIRST_BAR = "2026-09-21T11:59:00Z"
MOMENT = "2026-09-21T12:00:30Z"

pytestmark = [
    pytest.mark.readers,
    pytest.mark.skipif(not PYTHON, reason="make test-readers has what it needs"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    certify_all(make_sample(folder), folder / "temporary")
    return folder


def ask(engine: str, folder: Path) -> Any:
    ran = subprocess.run(
        [PYTHON, "-P", str(ROOT / "tests/query/run_queries.py"), engine, str(PAGE)],
        cwd=folder,
        env={**os.environ, "TZ": "UTC"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert 0 == ran.returncode, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_an_engine_answers_what_the_library_answers(engine: str, folder: Path) -> None:
    book, top, bars = ask(engine, folder)
    tape = booktape.open(folder / "try")

    found = tape.book_at(MARKET, MOMENT)
    sides = ("ask", found.asks), ("bid", found.bids)
    wanted = [[name, *level.values()] for name, levels in sides for level in levels.to_pylist()]
    assert wanted == book
    assert len(book) > 10

    columns = [f"{side}_{value}_00" for side in ("bid", "ask") for value in ("price", "size")]
    scan = tape.top(MARKET, START, END, depth=1, every="1s").to_arrow()
    assert [
        [row["ts"].isoformat(), *(row[name] for name in columns)] for row in scan.to_pylist()
    ] == top
    assert [None] * 4 in [row[1:] for row in top]  # it is in no gap that the engine knows a book

    known = [
        bar for bar in tape.bars(MARKET, FIRST_BAR, END).to_arrow().to_pylist() if bar["count"]
    ]
    names = ("open", "high", "low", "close")
    assert [
        [bar["ts"].isoformat(), *(bar[name] for name in names), bar["count"]] for bar in known
    ] == [[*bar[:5], bar[6]] for bar in bars]
    assert all(isclose(bar["volume"], row[5]) for bar, row in zip(known, bars, strict=True))


def test_athenas_dialect_has_all_of_it(folder: Path) -> None:
    kinds = [kind for [[kind]] in ask("athena", folder)]
    assert ["Create"] * 8 + ["Select"] * 3 == kinds
    assert len(kinds) == len(list(find_statements(PAGE.read_text(), "athena")))
    assert "it cuts off the tape's microseconds" in PAGE.read_text()
