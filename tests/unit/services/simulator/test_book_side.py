"""One side of a book, and what changed of it."""

from services.simulator.book_side import Side


def test_a_side_tells_what_differs_from_before_and_begins_anew() -> None:
    side = Side()
    side.put(5, 1)
    side.put(3, 2)
    assert ({5: 1, 3: 2}, [3, 5]) == (side.take_changes(), side.prices)
    side.put(5, 0)
    side.put(3, 9)
    side.put(3, 2)  # as it was
    side.put(8, 0)  # was never there
    assert ({5: 0}, [3]) == (side.take_changes(), side.prices)
