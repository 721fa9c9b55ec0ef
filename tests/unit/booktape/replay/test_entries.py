import os
import subprocess
import sys
from pathlib import Path

import pytest

from booktape.replay import entries
from booktape.replay.entries import load_entries

TOP = """
import sys
import pyarrow as pa
from booktape.replay.entries import load_entries
from booktape.replay.fast import FastEngine
from tests.support.streams import ask, begin, bid, make_stream
rows = [begin(1), bid(1, 99.0, 1.0), ask(1, 101.0, 2.0), ask(3, 100.5, 3.0)]
engine = FastEngine(make_stream(rows), depth=1, bands=(0.02,), rows_max=9)
[block] = engine.at(pa.array([1, 2, 3]))
assert [99.0] * 3 == block.levels[0].to_pylist()
assert [101.0, 101.0, 100.5] == block.levels[2].to_pylist()
assert [[1.0] * 3, [2.0, 2.0, 5.0]] == [sums.to_pylist() for sums in block.sums]
print(load_entries().origin, "numba" in sys.modules)
"""
COMPILED, CACHED = "compiled True", "cache False"


def start(cache: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", TOP],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child: subprocess.Popen[str]) -> tuple[str, str]:
    said, warned = child.communicate()
    assert 0 == child.returncode, warned
    return said.strip(), warned


def test_numba_compiles_once_and_is_not_loaded_again(tmp_path: Path) -> None:
    assert (COMPILED, "") == finish(start(tmp_path))
    assert (CACHED, "") == finish(start(tmp_path))
    [path] = (tmp_path / "booktape").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:99] + bytes([whole[99] ^ 1]) + whole[100:])
    assert (COMPILED, "") == finish(start(tmp_path))
    assert whole == path.read_bytes()


def test_two_processes_may_compile_at_once(tmp_path: Path) -> None:
    for child in [start(tmp_path), start(tmp_path)]:
        said, warned = finish(child)
        assert said in {COMPILED, CACHED}
        assert not warned
    assert (CACHED, "") == finish(start(tmp_path))


def test_it_is_compiled_each_time_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said, warned = finish(start(tmp_path / "file"))
    assert COMPILED == said
    assert 1 == warned.count("cannot keep compiled code: not a directory")


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tmp_path / "booktape" == entries._find_folder()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path / ".cache" / "booktape" == entries._find_folder()

    def has_none() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", has_none)
    assert not entries._find_folder().parent.is_dir()


def test_what_code_is_made_of_is_all_that_it_depends_on(tmp_path: Path) -> None:
    numba = tmp_path / "numba"
    numba.touch()
    machine = entries._Machine("cpu", "+one")
    made_of = entries._describe(machine, numba)
    assert made_of == entries._describe(machine, numba)
    assert made_of != entries._describe(machine._replace(cpu="other"), numba)
    assert made_of != entries._describe(machine._replace(features="+one,+two"), numba)
    os.utime(numba, (1, 1))
    assert made_of != entries._describe(machine, numba)


def test_without_numba_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    load_entries.cache_clear()
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match="No module named 'numba'"):
        load_entries()
