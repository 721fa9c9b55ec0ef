import pyarrow as pa
import pytest

from booktape.books import memory as memory_module
from booktape.books.memory import LIGHT, NOTHING, TIMES, FoundRuns, RunMemory, choose_kept
from booktape.books.spans import Run
from booktape.segments.segment import Rows


def found_of(rows: int, runs: int = 1) -> FoundRuns:
    run = Run(0, 0, 0, 0, 0, is_snapshot=True, is_checkpoint=False, flush=0, begin=0, end=rows)
    times = pa.table({"ts_recv": list(range(rows))})
    return FoundRuns([run] * runs, [Rows(0, 0, rows)], [times])


def test_what_was_found_is_remembered_by_flush_and_symbol() -> None:
    memory = RunMemory()
    found = found_of(3)
    memory.keep(7, "BTC-EUR", found)
    assert FoundRuns(found.runs, found.places) == memory.find(7, "BTC-EUR")
    assert found.kept == memory.find_kept(7, "BTC-EUR")
    assert memory.find(7, "ETH-EUR") is None
    assert memory.find(8, "BTC-EUR") is None


def test_of_a_whole_flush_a_symbol_that_is_not_there_is_known_not_to_be() -> None:
    memory = RunMemory()
    memory.keep_all(7, {"BTC-EUR": found_of(1)})
    assert NOTHING == memory.find(7, "ETH-EUR")
    assert memory.find(8, "ETH-EUR") is None


def test_times_and_runs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "ROWS_REMEMBERED_MAX", 5)
    monkeypatch.setattr(memory_module, "RUNS_REMEMBERED_MAX", 3)
    memory = RunMemory()
    for first in (0, 1):
        memory.keep(first, "BTC-EUR", found_of(3))
    assert [None, 1] == [
        kept and len(kept) for kept in (memory.find_kept(n, "BTC-EUR") for n in (0, 1))
    ]
    assert memory.find(0, "BTC-EUR")
    memory.keep_all(2, {"BTC-EUR": found_of(1, 2)})
    assert memory.find(0, "BTC-EUR") is None
    assert memory.find(2, "BTC-EUR")


def test_levels_are_kept_with_the_times_while_rows_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_module, "WIDE_ROWS_MAX", 3)
    memory = RunMemory()
    wide = memory.choose_columns()
    assert {*LIGHT, "sequence", "side", "price", "size"} == {*wide}
    memory.keep(7, "BTC-EUR", found_of(3))
    assert LIGHT == memory.choose_columns()
    assert [*TIMES] == choose_kept(pa.table({name: [1] for name in LIGHT})).column_names
    kept = choose_kept(pa.table({name: [1] for name in wide})).column_names
    assert [*TIMES, "epoch", "sequence", "side", "price", "size"] == kept
