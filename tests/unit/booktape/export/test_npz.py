from pathlib import Path

import numpy as np

from booktape.export.npz import write_npz

DTYPE = np.dtype([("a", "<i8"), ("b", "<f8")], align=True)


def test_numpy_reads_it_back_and_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    rows = np.zeros(5, DTYPE)
    rows["a"], rows["b"] = range(5), np.nan
    for name, parts in (("one", [rows]), ("two", [rows[:2], rows[2:]])):
        write_npz(tmp_path / name, "data", DTYPE, len(rows), parts)
    with np.load(tmp_path / "one") as found:
        assert ["data"] == found.files
        assert rows.tobytes() == found["data"].tobytes()
        assert DTYPE == found["data"].dtype
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
