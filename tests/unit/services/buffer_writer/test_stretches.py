"""Which symbols are packed and written together."""

import pytest

from services.buffer_writer import stretches
from services.buffer_writer.stretches import Stretch, find_stretches, join_stretches

SYMBOLS = [f"{letter}-EUR" for letter in "ABCDEFGH"]


def weigh(found: list[Stretch], rows: dict[str, int]) -> list[int]:
    """Return how many rows each stretch has; each symbol is in exactly one."""
    weights = dict.fromkeys(found, 0)
    for symbol, count in rows.items():
        (stretch,) = (stretch for stretch in found if stretch.has(symbol))
        weights[stretch] += count
    return list(weights.values())


def test_stretches_have_about_as_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCHES_MAX", 4)
    rows = dict.fromkeys(SYMBOLS[::-1], 10)
    assert [20, 20, 20, 20] == weigh(find_stretches(rows), rows)


def test_a_symbol_is_never_cut() -> None:
    rows = {"A-EUR": 1, "B-EUR": 100, "C-EUR": 1}
    assert [101, 1] == weigh(find_stretches(rows), rows)


def test_stretches_are_bounded() -> None:
    rows = {f"{number:03}-EUR": 1 + number % 7 for number in range(500)}
    assert stretches.STRETCHES_MAX == len(find_stretches(rows))


def test_symbols_that_come_later_have_a_stretch_too() -> None:
    found = find_stretches({"B-EUR": 10, "D-EUR": 10})
    assert [30, 10] == weigh(found, dict.fromkeys(SYMBOLS[:4], 10))


def test_nothing_at_all_is_one_stretch() -> None:
    assert [Stretch()] == find_stretches({})


@pytest.mark.parametrize(
    ("rows", "joined"),
    [
        ([], [range(0)]),
        ([5], [range(1)]),
        ([25], [range(1)]),  # alone, though it is too many
        ([5, 5, 1], [range(2), range(2, 3)]),
        ([25, 0, 5, 5], [range(1), range(1, 4)]),
        ([5, 25, 5], [range(1), range(1, 2), range(2, 3)]),
    ],
)
def test_neighbours_are_joined_up_to_a_bound(rows: list[int], joined: list[range]) -> None:
    assert joined == list(join_stretches(rows, 10))
