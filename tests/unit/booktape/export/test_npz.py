import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest

from booktape.export.npz import write_npz

DTYPE = np.dtype([("a", "<i8"), ("b", "<f8")], align=True)


@pytest.mark.parametrize("method", [ZIP_DEFLATED, ZIP_STORED])
def test_numpy_reads_it_back_and_the_same_rows_are_the_same_bytes(
    tmp_path: Path, method: int
) -> None:
    rows = np.zeros(5, DTYPE)
    rows["a"], rows["b"] = range(5), np.nan
    for name, parts in (("one", [rows]), ("two", [rows[:2], rows[2:]])):
        path = tmp_path / name
        assert 5 == write_npz(path, "data", DTYPE, parts, is_compressed=method == ZIP_DEFLATED)
    with np.load(tmp_path / "one") as found:
        assert ["data"] == found.files
        assert rows.tobytes() == found["data"].tobytes()
        assert DTYPE == found["data"].dtype
    with ZipFile(tmp_path / "one") as archive:
        assert archive.testzip() is None
        [member] = archive.infolist()
        assert method == member.compress_type
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_array_may_be_empty(tmp_path: Path) -> None:
    assert 0 == write_npz(tmp_path / "none", "data", DTYPE, [])
    with np.load(tmp_path / "none") as found:
        assert (0,) == found["data"].shape


def test_rows_are_written_as_they_come(tmp_path: Path) -> None:
    """All rows are 256 MiB, and the process has room for half of them."""
    code = f"""
import resource
from itertools import repeat
from pathlib import Path
import numpy as np
from booktape.export.npz import write_npz
rows = np.zeros(2**16, np.dtype([("a", "<i8"), ("b", "<f8")]))
begin = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (begin + 2**27, begin + 2**27))
print(write_npz(Path({str(tmp_path / "rows")!r}), "data", rows.dtype, repeat(rows, 256)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
    )
    assert f"{2**24}\n" == done.stdout
