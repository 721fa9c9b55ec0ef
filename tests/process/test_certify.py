"""A certifier that is killed at any moment and started again leaves the same bytes."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.forks import Forks
from tests.support.certified import list_files
from tests.support.tape_maker import make_tape

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not shutil.which("strace"), reason="needs strace: apt-get install strace"),
]

CALLS = ("write", "fsync", "link", "unlink", "unlinkat", "mkdir", "rmdir", "ftruncate")
KILLED = -9
OFTEN = 12
FIRST = """
session bitvavo a
0    -       session_start
1    BTC-EUR snapshot 99x1 98x2 | 101x1
1    ETH-EUR snapshot 9x1 | 10x1
2    BTC-EUR trade t1 buy 101x0.5 event=1.9
2    BTC-EUR ticker 99x1 | 101x1
2    BTC-EUR instrument trading start
flush
3    BTC-EUR delta 99x3 |
4    ETH-EUR gap expected=7 received=9 {"channel":"book"}
5    -       session_end stopped
"""
LATE = """
session bitvavo b
0    -       session_start
1    BTC-EUR snapshot 99x1 98x2 | 101x1
5    -       session_end stopped
"""


@pytest.fixture
def forks() -> Iterator[Forks]:
    forks = Forks("tests.process.one_certify")
    yield forks
    forks.close()


def make_fresh(folder: Path) -> Path:
    make_tape(folder / "tape", FIRST)
    return folder


def test_a_kill_at_any_call_leaves_the_same_bytes(forks: Forks, tmp_path: Path) -> None:
    fresh = make_fresh(tmp_path / "fresh")
    trace = tmp_path / "trace"
    whole = shutil.copytree(fresh, tmp_path / "whole")
    calls = ",".join(f"?{call}" for call in CALLS)
    assert 0 == forks.run(whole, "-o", str(trace), "-e", f"trace={calls}")
    wanted = list_files(whole / "tape")
    assert 6 == len(wanted)
    counts = Counter(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    assert {"write", "fsync", "link", "mkdir"} <= set(counts)
    for call, count in counts.items():
        step = max(count // OFTEN, 1)
        for number in [*range(1, count + 1, step), count + 1]:
            folder = shutil.copytree(fresh, tmp_path / f"{call}-{number}")
            rule = f"inject={call}:signal=KILL:when={number}"
            status = forks.run(folder, "-o", str(trace), "-e", f"trace={call}", "-e", rule)
            assert (KILLED if number <= count else 0) == status, (call, number)
            partial = list_files(folder / "tape")
            assert partial.items() <= wanted.items(), (call, number)
            assert 0 == forks.run(folder), (call, number)
            assert wanted == list_files(folder / "tape"), (call, number)
            assert [] == list((folder / "temporary").iterdir())
            shutil.rmtree(folder)


def test_what_comes_after_it_was_killed_is_the_next_revision(forks: Forks, tmp_path: Path) -> None:
    """The files that it had put have the rows of before; so must their certificate."""
    folder = make_fresh(tmp_path / "killed")
    whole = shutil.copytree(folder, tmp_path / "whole")
    assert 0 == forks.run(whole)
    wanted = list_files(whole / "tape")
    rule = "inject=link:signal=KILL:when=2"
    assert KILLED == forks.run(folder, "-o", str(tmp_path / "trace"), "-e", rule)
    assert 1 == len(list_files(folder / "tape"))
    make_tape(folder / "tape", LATE)
    make_tape(whole / "tape", LATE)
    assert 0 == forks.run(folder)
    first = {key: data for key, data in list_files(folder / "tape").items() if "rev=0" in key}
    files = {key for key in wanted if not key.endswith(".json")}
    assert {key: wanted[key] for key in files} == {key: first[key] for key in files}
    for one in (folder, whole):
        assert 0 == forks.run(one)
    late = [key for key in list_files(folder / "tape") if "rev=1" in key]
    assert 3 == len(late)
    assert {key: list_files(folder / "tape")[key] for key in late} == {
        key: list_files(whole / "tape")[key] for key in late
    }
