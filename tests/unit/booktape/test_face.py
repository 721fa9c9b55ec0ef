import subprocess
import sys
from pathlib import Path

import pytest

import booktape
from tests.support.hand_tape import A, HandTape, at, delta, snapshot

HEAVY = """
import sys, booktape
print(*{"pyarrow", "numpy", "numba", "pandas", "polars", "boto3"} & {*sys.modules})
"""


def test_the_face_is_small_and_each_name_is_there() -> None:
    assert len(booktape.__all__) <= 20
    assert booktape.__all__ == dir(booktape)
    for name in booktape.__all__:
        assert getattr(booktape, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'shut'"):
        booktape.shut  # noqa: B018 (that is the fault)


def test_nothing_heavy_is_loaded_by_the_import() -> None:
    child = subprocess.run(
        [sys.executable, "-c", HEAVY], check=True, capture_output=True, text=True
    )
    assert "" == child.stdout.strip()


ONE_BOOK = """
import sys, booktape
booktape.open(sys.argv[1]).book_at("bitvavo:BTC-EUR", MOMENT)
late = {"answers.tops", "answers.rows", "answers.lists", "answers.bars", "replay.plain", "store.s3"}
late = {f"booktape.{name}" for name in late} | {"concurrent.futures", "numba"}
print(*late & {*sys.modules})
"""


def test_a_book_loads_nothing_that_other_calls_need(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0, ("bid", 1.0, 1.0)), delta(900, 0, ("ask", 2.0, 1.0)))
    code = ONE_BOOK.replace("MOMENT", str(at(7)))
    child = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert "" == child.stdout.strip()
