"""What a book was lately, and whether the exchange's is one of that."""

from booktape.ladder import Ladder
from shared.event import Delta, Snapshot
from shared.feed.history import History
from tests.support.toys import SECOND

TS = 1_790_000_000 * SECOND


def make(depth: int | None = None, *, size: float = 1.0) -> History:
    ladder = Ladder()
    ladder.replace([(99.0, size), (98.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)], depth)
    return History(ladder, 10, TS, depth)


def change(size: float, number: int, price: float = 99.0) -> Delta:
    return Delta("BTCEUR", [(price, size)], [], number)


def theirs(
    size: float, number: int | None = None, *deeper: tuple[float, float], lower: float = 1.0
) -> Snapshot:
    bids = [(99.0, size), (98.0, lower), *deeper]
    return Snapshot("BTCEUR", bids, [(101.0, 1.0), (102.0, 1.0)], number)


def differ(history: History, snapshot: Snapshot) -> list[int]:
    """Return in how many levels an answer of a number differs; nothing where that is not known."""
    return [found.differ for found in history.compare_at(snapshot)]


def test_an_answer_without_a_number_is_compared_with_each_state_around_it() -> None:
    history = make()
    for second, size in ((1, 2.0), (20, 3.0), (22, 4.0), (40, 5.0)):
        history.note(TS + second * SECOND, change(size, 10 + second))
    assert 4 == len(history)
    found = [one.differ for one in history.compare_all(TS + 21 * SECOND, theirs(3.0))]
    assert [1, 0, 1, 1] == found  # from 1 s on, from 20 s on, from 22 s on; and now, whenever


def test_an_answer_of_a_number_is_compared_with_our_book_at_that_number() -> None:
    history = make()
    history.note(TS, change(2.0, 11))
    history.note(TS, change(3.0, 12))
    sizes = {10: 1.0, 11: 2.0, 12: 3.0}
    assert [[0]] * 3 == [differ(history, theirs(size, number)) for number, size in sizes.items()]
    assert [[1]] * 3 == [differ(history, theirs(7.0, number)) for number in sizes]


def test_a_number_at_which_our_book_never_was_says_nothing() -> None:
    history = make()
    history.note(TS, change(2.0, 11))
    assert [] == differ(history, theirs(2.0, 9))
    assert [] == differ(history, theirs(2.0, 12))
    assert [] == differ(history, theirs(2.0))


def test_amid_the_numbers_of_one_change_what_it_names_is_not_compared() -> None:
    history = make()
    history.note(TS, change(2.0, 12))
    history.note(TS, change(5.0, 20))
    for size in (2.0, 4.0, 5.0):
        assert [0] == differ(history, theirs(size, 15))
    assert [1] == differ(history, theirs(4.0, 15, lower=3.0))


def test_what_lies_behind_what_our_snapshot_knew_is_not_compared() -> None:
    history = make(depth=2)
    history.note(TS, change(0.0, 11))
    history.note(TS, change(4.0, 12, price=90.0))
    answer = Snapshot("BTCEUR", [(98.0, 1.0), (97.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)], 12)
    assert [0] == differ(history, answer)


def test_sizes_that_rest_writes_with_fewer_digits_are_equal() -> None:
    history = make(size=0.123456789012)
    assert [0] == differ(history, theirs(0.12345679, 10))
    assert [1] == differ(history, theirs(0.123457, 10))
