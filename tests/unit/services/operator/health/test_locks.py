"""Who holds which lock, as the system tells it."""

import os
from pathlib import Path

from services.operator.health.locks import find_holder, find_locked


def test_where_the_system_tells_no_locks_a_living_holder_will_do(tmp_path: Path) -> None:
    assert find_locked(tmp_path / "none") is None
    path = tmp_path / "lock"
    assert find_holder(path, None) is None
    path.write_text(str(os.getpid()))
    assert os.getpid() == find_holder(path, None)
    assert find_holder(path, set()) is None
    path.write_text("1")
    assert 1 == find_holder(path, None)
    path.write_text(str(2**22 + 1))  # above the system's highest
    assert find_holder(path, None) is None
    path.write_text("")
    assert find_holder(path, None) is None


def test_the_systems_table_of_locks_is_read(tmp_path: Path) -> None:
    table = tmp_path / "locks"
    table.write_text(
        "1: FLOCK  ADVISORY  WRITE 10546 fe:00:2148527 0 EOF\n"
        "1: -> FLOCK  ADVISORY  WRITE 10547 fe:00:2148527 0 EOF\n"
        "2: POSIX  ADVISORY  WRITE 99 fe:00:77 0 EOF\n"
    )
    assert {(2148527, 10546)} == find_locked(table)
