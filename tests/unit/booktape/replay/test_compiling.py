from typing import Any

import numba
import pyarrow as pa
import pytest
from llvmlite import binding

from booktape.replay import compiling, entries, fast
from booktape.replay.fast import FastEngine
from tests.support.streams import ask, begin, make_stream


def make_machine() -> Any:
    entries.load_entries()
    return entries._Machine("generic", "").make()


def test_the_machine_code_needs_nothing_of_numba() -> None:
    functions, code = compiling.compile_kernel(make_machine())
    assert {"intern", "fill_moments", "fill_changes"} == {*functions}
    assert code is not None
    for function in functions.values():
        assert [] == compiling._find_needs(binding.parse_assembly(function.inspect_llvm()))


def test_code_that_needs_something_runs_where_it_was_compiled_and_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiling, "_find_needs", lambda _module: ["NRT_incref"])
    loaded = entries.load_entries.__wrapped__()
    assert "compiled" == loaded.origin
    assert not (tmp_path / "booktape").exists()
    monkeypatch.setattr(fast, "load_entries", lambda: loaded)
    engine = FastEngine(make_stream([begin(1), ask(1, 2.0, 1.0)]), depth=1, bands=(), rows_max=1)
    [block] = engine.at(pa.array([1]))
    assert [2.0] == block.levels[2].to_pylist()


def test_whatever_is_not_in_the_module_is_a_need() -> None:
    @numba.cfunc("int64(int64, int64)")
    def divide(one: int, other: int) -> int:
        return one // other  # which Python may refuse

    needs = compiling._find_needs(binding.parse_assembly(divide.inspect_llvm()))
    assert "numba_gil_ensure" in needs
    assert not [name for name in needs if name.startswith("llvm.")]
