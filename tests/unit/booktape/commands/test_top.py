from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.opening import open_tape
from tests.support.commands import BTC_EUR, NOON, Shell

IN_THE_GAP = "2026-09-21T12:01:02Z"
RANGE = "--start", NOON, "--end", "2026-09-21T12:01:00Z"


def test_it_prints_what_the_library_reads(shell: Shell) -> None:
    rows = shell.rows("top", BTC_EUR, *RANGE, "--every", "10s", "--depth", "2")
    scan = open_tape(shell.tape).top(BTC_EUR, NOON, "2026-09-21T12:01:00Z", every="10s", depth=2)
    assert 6 == len(rows)
    assert scan.schema.names == list(rows[0])
    expected = scan.select("bid_price_01", "ask_size_00").to_arrow().to_pylist()
    assert expected == [{name: row[name] for name in expected[0]} for row in rows]


def test_each_change_has_its_row(shell: Shell) -> None:
    rows = shell.rows("top", BTC_EUR, *RANGE, "--every", "change")
    assert open_tape(shell.tape).top(
        BTC_EUR, NOON, "2026-09-21T12:01:00Z", every=None, depth=1
    ).count() == len(rows)


def test_of_a_moment_in_a_gap_it_tells_the_cause(shell: Shell) -> None:
    said = shell.run("top", BTC_EUR, "--at", NOON, "--at", IN_THE_GAP, "--format", "json")
    assert 0 == said.status
    assert [True, False] == [row["bid_price_00"] is not None for row in said.rows()]
    assert said.err.startswith(f"booktape: {BTC_EUR} is not known at {IN_THE_GAP}: gap since ")
    assert 1 == said.err.count("\n")


def test_a_range_in_which_nothing_is_known_says_why(shell: Shell) -> None:
    said = shell.run("top", BTC_EUR, "--start", "2026-09-20", "--end", "2026-09-20T00:00:02")
    assert 0 == said.status
    assert 3 == len(said.out.splitlines())
    assert said.err.startswith("booktape: nothing is known in this range: ")
    assert said.err.endswith("is not known at 2026-09-20T00:00:00Z: unrecorded\n")


def test_how_much_of_a_range_is_unknown_is_said_in_one_line(shell: Shell) -> None:
    around = ("--start", "2026-09-21T12:01:00Z", "--end", "2026-09-21T12:01:04Z")
    said = shell.run("top", BTC_EUR, *around)
    assert 5 == len(said.out.splitlines())
    cause = "is not known at 2026-09-21T12:01:02Z: gap since"
    assert said.err.startswith(f"booktape: 1 of 4 rows are unknown: {BTC_EUR} {cause}")
    assert 1 == said.err.count("\n")


def test_an_empty_range_is_an_empty_table_and_a_line(shell: Shell) -> None:
    said = shell.run("top", BTC_EUR, "--start", NOON, "--end", NOON, "--format", "csv")
    assert (0, 1) == (said.status, said.out.count("\n"))
    assert f"booktape: no rows of {BTC_EUR}: the range is empty\n" == said.err


def test_it_writes_parquet(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "top.parquet"
    said = shell.run("top", BTC_EUR, *RANGE, "--format", "parquet", "--out", str(path))
    assert (0, "", "") == said
    table = parquet.read_table(path)
    assert 60 == table.num_rows
    assert pa.timestamp("us", tz="UTC") == table.schema.field("ts").type


@pytest.mark.parametrize("name", ["--start", "--end"])
def test_moments_take_the_place_of_a_range(shell: Shell, name: str) -> None:
    said = shell.run("top", BTC_EUR, "--at", NOON, name, NOON)
    assert 1 == said.status
    assert "booktape: --at takes the place of --start and --end\n" == said.err
