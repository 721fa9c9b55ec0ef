from pathlib import Path

import pytest

from services.operator.box.drain import drain, is_empty
from services.operator.supervision.supervisor import Supervisor, SupervisorError

JOURNAL = "journal/bitvavo/20260101T000000.000000Z-bitvavo-a"


def empty(state: Path) -> bool:
    return is_empty(state, Supervisor(state / "nobody"))


def test_a_state_folder_without_a_thing_is_empty(tmp_path: Path) -> None:
    assert empty(tmp_path)


@pytest.mark.parametrize("name", ["spool/a.json", "spool/conflict/a.json", f"{JOURNAL}/0.journal"])
def test_what_the_store_lacks_is_seen(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.touch()
    assert not empty(tmp_path)


def test_without_a_supervisord_nothing_is_drained(tmp_path: Path) -> None:
    with pytest.raises(SupervisorError, match="does not answer"):
        drain(tmp_path)
