import subprocess
import sys

import pytest

from booktape.answers import later


def test_a_kind_is_loaded_when_it_is_first_asked_for() -> None:
    code = """
import sys
from booktape.answers import later
names = {name for name in later.__all__ if f"booktape.answers.{name}" in sys.modules}
print(len(names), later.tops.__name__, "booktape.answers.tops" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ["0", "booktape.answers.tops", "True"] == done.stdout.split()
    assert all(hasattr(later, name) for name in later.__all__)


def test_what_is_no_kind_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'books'"):
        later.books  # noqa: B018 (it raises)
