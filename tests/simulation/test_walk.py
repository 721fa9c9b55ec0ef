import pytest

from tests.simulation.walk import Kind, walk_until_through


@pytest.mark.parametrize("is_folder", [False, True], ids=["bucket", "folder"])
@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_every_event_is_stored_once_wherever_it_happens(kind: Kind, *, is_folder: bool) -> None:
    outcome = walk_until_through(kind, is_folder=is_folder, chance=1)
    assert outcome is None, str(outcome)
