from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.books.coverage import Interval
from booktape.certificate import CertifiedGap, Offsets
from booktape.certify.feed import SymbolFeed
from booktape.certify.symbol_figures import COLUMNS, SymbolSum, make_figures
from tests.support.hand_tape import BTC, A, B, Event, HandTape, delta, snapshot, trade

LEVELS = ("bid", 99.0, 1.0), ("bid", 98.0, 1.0)


def read(folder: Path, table: str, *flushes: tuple[str, Sequence[Event]]) -> pa.Table:
    tape = HandTape(folder)
    for session, events in flushes:
        tape.write(session, *events)
    paths = sorted((folder / "tape" / table).rglob("*.parquet"))
    tables = [parquet.ParquetFile(path).read(list(COLUMNS[table])) for path in paths]
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def add(found: SymbolSum, table: str, *parts: pa.Table, cuts: Sequence[int] = ()) -> None:
    for rows in parts:
        found.add(table, 0, rows, defaultdict(lambda: cuts))


def book(folder: Path) -> pa.Table:
    events = [snapshot(1, 0, *LEVELS), delta(2, 0, *LEVELS), delta(3, 0), snapshot(4, 3, *LEVELS)]
    return read(folder, "book", (A, events), (B, [snapshot(5, 0, *LEVELS)]))


@pytest.mark.parametrize("cut", range(9))
def test_events_epochs_and_runs_do_not_depend_on_row_groups(tmp_path: Path, cut: int) -> None:
    rows = book(tmp_path)
    assert 9 == rows.num_rows
    found = SymbolSum()
    add(found, "book", *(part for part in (rows[:cut], rows[cut:]) if part.num_rows))
    assert {"book": 5} == found.events
    assert {"book": 9} == found.rows
    assert 3 == found.epochs
    runs = {name: [(r.number, r.last) for r in runs] for name, runs in found.runs.items()}
    if cut != 6:  # between two deltas, where a row group may end a run
        assert {A: [(0, 0), (1, 2), (3, 3)], B: [(0, 0)]} == runs


def test_no_run_reaches_over_a_cut(tmp_path: Path) -> None:
    found = SymbolSum()
    add(found, "book", book(tmp_path), cuts=[2])
    assert [0, 1, 2, 3] == [run.number for run in found.runs[A]]


def test_offsets_are_in_whole_ms_by_nearest_rank(tmp_path: Path) -> None:
    late = [-0.0001, 0.0009, 0.0010, 0.0019, 0.25]
    events = [trade(10 + one, f"t{place}", event=10) for place, one in enumerate(late)]
    found = SymbolSum()
    add(found, "trades", read(tmp_path, "trades", (A, [*events, trade(20, "t9")])))
    assert {"trades": Offsets(5, -1, -1, 1, 250, 250)} == found.find_offsets()
    assert {"trades": 6} == found.events


def figures(*intervals: Interval, is_holed: bool = False, **feed: int) -> str:
    found = make_figures(BTC, SymbolSum(), SymbolFeed(**feed), intervals, is_holed=is_holed)
    return found.condition


def test_a_day_is_degraded_where_something_is_lost() -> None:
    whole = Interval(0, 1000, is_whole=True)
    assert "available" == figures(whole)
    assert "available" == figures(whole, crossed=1, audits=2, audits_differing=1)
    assert "degraded" == figures(whole, mismatches=1)
    assert "degraded" == figures(whole, trades_lost=1)
    assert "degraded" == figures(whole, is_holed=True)
    assert "available" == figures()


def test_a_book_is_known_for_999_of_1000_between_its_first_and_last_moment() -> None:
    def split(gap: int) -> list[Interval]:
        return [
            Interval(0, 500, is_whole=False, cause="unrecorded"),
            Interval(500, 1000, is_whole=True),
            Interval(1000, 1000 + gap, is_whole=False, cause="gap", detail="{}"),
            Interval(1000 + gap, 10_500, is_whole=True),
            Interval(10_500, 90_000, is_whole=False, cause="stopped"),
        ]

    assert "available" == figures(*split(10))
    assert "degraded" == figures(*split(11))
    found = make_figures(BTC, SymbolSum(), SymbolFeed(), split(10), is_holed=False)
    assert (500, 10_500, 9_990) == (found.book_start, found.book_end, found.known_us)
    assert CertifiedGap(1000, 1010, "gap", "{}") == found.gaps[1]
    assert ["unrecorded", "gap", "stopped"] == [gap.cause for gap in found.gaps]
