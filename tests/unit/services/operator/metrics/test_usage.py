"""What a process takes."""

import os
from pathlib import Path

from services.operator.metrics.usage import Usage, measure


def test_this_process_takes_something() -> None:
    usage = measure(os.getpid())
    assert 0 < usage.cpu_s < 3600
    assert 1 << 20 < usage.proportional_bytes <= usage.resident_bytes < 1 << 33


def test_no_process_takes_nothing(tmp_path: Path) -> None:
    assert Usage() == measure(None)
    assert Usage() == measure(7, tmp_path)


def test_of_anothers_process_the_system_tells_less(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    fields = ["S", *["0"] * 10, str(2 * ticks), str(ticks), *["0"] * 8, "5"]
    (folder / "stat").write_text(f"7 (a) b) {' '.join(fields)}")
    assert Usage(3.0, 5 * page, 0) == measure(7, tmp_path)
    (folder / "smaps_rollup").write_text("5560 [rollup]\nRss: 9 kB\nPss:   4 kB\nPss_Anon: 1 kB\n")
    assert Usage(3.0, 5 * page, 4096) == measure(7, tmp_path)
