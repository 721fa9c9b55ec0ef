import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from booktape.replay.plain import PlainEngine
from booktape.replay.rows import Layout
from tests.support.replays import EngineCases
from tests.support.streams import ask, begin, make_stream, read, tops

ROOT = Path(__file__).parents[4]


class TestPlainEngine(EngineCases):
    engine = PlainEngine


def test_levels_that_came_many_at_once_are_in_order_and_can_go_before_anybody_looks() -> None:
    prices = [float(100 + 7 * place % 40) for place in range(40)]
    rows = [begin(1), *(ask(1, price, 1.0) for price in prices), ask(1, 103.0, 0.0)]
    rows += [ask(2, 90.0, 3.0), ask(2, 90.0, 0.0), ask(2, 102.0, 0.0)]
    engine = PlainEngine(make_stream(rows), depth=4, bands=(), rows_max=9)
    made = [Layout(4).make_batch(block, ["a"]) for block in engine.at(pa.array([1, 2]))]
    assert [
        (1, [], [(100.0, 1.0), (101.0, 1.0), (102.0, 1.0), (104.0, 1.0)]),
        (2, [], [(100.0, 1.0), (101.0, 1.0), (104.0, 1.0), (105.0, 1.0)]),
    ] == tops(read(iter(made)), 4)


def test_it_needs_neither_numpy_nor_numba() -> None:
    code = (
        "import sys\n"
        "sys.modules['numpy'] = sys.modules['numba'] = None\n"
        "from booktape.replay.rows import Layout\n"
        "from booktape.replay.plain import PlainEngine\n"
        "from tests.support.streams import ask, begin, make_stream\n"
        "stream = make_stream([begin(1), ask(1, 2.0, 3.0)])\n"
        "[block] = PlainEngine(stream, depth=1, bands=(), rows_max=9).grid(1, 2, 1)\n"
        "print(Layout(1).make_batch(block, ['a'])['ask_price_00'].to_pylist())"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout == "[2.0]\n"
