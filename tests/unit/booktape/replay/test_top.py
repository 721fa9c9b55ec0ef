import sys
import warnings

import pyarrow as pa
import pytest

from booktape.replay import top as top_module
from booktape.replay.fast import FastEngine
from booktape.replay.plain import PlainEngine
from booktape.replay.rows import Layout
from booktape.replay.top import choose_engine, top, top_at
from tests.support.streams import ask, begin, bid, make_stream, read, tops

ROWS = [begin(10), bid(10, 99.0, 1.0), ask(10, 101.0, 2.0), ask(25, 100.0, 1.0)]
LAYOUT = Layout(1, ("mid",))


@pytest.fixture
def without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "booktape.replay.fast", None)
    top_module._advise.cache_clear()


def test_the_compiled_engine_is_taken_where_it_is() -> None:
    assert isinstance(choose_engine(make_stream([]), LAYOUT), FastEngine)


@pytest.mark.usefixtures("without_numba")
def test_without_numba_the_plain_one_is_taken_and_that_is_said_once() -> None:
    with pytest.warns(UserWarning, match="pip install numba"):
        engine = choose_engine(make_stream([]), LAYOUT)
    assert isinstance(engine, PlainEngine)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choose_engine(make_stream([]), LAYOUT)


def test_a_grid_a_change_and_a_moment_have_what_was_added() -> None:
    grid = read(top(make_stream(ROWS), LAYOUT, 0, 40, every=20))
    assert [(0, [], []), (20, [(99.0, 1.0)], [(101.0, 2.0)])] == tops(grid, 1)
    assert [None, 100.0] == [row["mid"] for row in grid]
    changes = read(top(make_stream(ROWS), LAYOUT, 0, 40, every=None))
    assert [(0, None), (10, 100.0), (25, 99.5)] == [(row["ts"], row["mid"]) for row in changes]
    moments = pa.array([9, 10, 10, 25], pa.int64())
    rows = read(top_at(make_stream(ROWS), LAYOUT, moments))
    assert [(9, None), (10, 100.0), (10, 100.0), (25, 99.5)] == [
        (row["ts"], row["mid"]) for row in rows
    ]


def test_moments_must_not_fall() -> None:
    with pytest.raises(ValueError, match="moment 1 of at"):
        list(top_at(make_stream(ROWS), LAYOUT, pa.array([10, 9], pa.int64())))
