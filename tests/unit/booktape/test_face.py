import subprocess
import sys

import pytest

import booktape

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
