from pathlib import Path

import pytest

from services.operator.health.left import find_delivered

SESSION = "20261122T091500.123456Z-toy-a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"next":9,"ended":true,"end":9}', {SESSION}),
        ('{"next":9,"ended":false,"end":9}', {SESSION}),
        ('{"next":9,"ended":false}', set()),
        # The commit that carries the end is under way, or its writer was killed.
        ('{"next":0,"ended":false,"end":9}', set()),
        # An earlier release said so before that commit.
        ('{"next":0,"ended":true}', set()),
        ("{", set()),
        ('{"next":-', set()),
    ],
)
def test_a_session_is_delivered_once_what_is_committed_is_past_its_end(
    tmp_path: Path, text: str, expected: set[str]
) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / f"{SESSION}.json").write_text(text)
    assert expected == find_delivered(tmp_path / "sessions", tmp_path / "spool")


@pytest.mark.parametrize(("last", "expected"), [(7, set()), (8, {SESSION})])
def test_what_waits_in_the_spool_is_committed(
    tmp_path: Path, last: int, expected: set[str]
) -> None:
    for name in ("sessions", "spool"):
        (tmp_path / name).mkdir()
    (tmp_path / "sessions" / f"{SESSION}.json").write_text('{"next":3,"ended":false,"end":9}')
    for name in (f"{SESSION}-{3:012}-{last:012}", "notes"):
        (tmp_path / "spool" / f"{name}.json").write_bytes(b"")
    assert expected == find_delivered(tmp_path / "sessions", tmp_path / "spool")


def test_where_nothing_is_known_nothing_is_delivered(tmp_path: Path) -> None:
    assert set() == find_delivered(tmp_path / "sessions", tmp_path / "spool")
