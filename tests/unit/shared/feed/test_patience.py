"""How often one symbol may be asked about."""

from shared.feed.patience import SYMBOLS_MAX, Patience


def test_each_question_makes_the_next_one_wait_twice_as_long_up_to_an_hour() -> None:
    patience = Patience()
    asked = [now_s for now_s in range(20_000) if patience.take("A", float(now_s))]
    assert [0, 60, 180, 420, 900, 1860, 3780, 7380, 10_980, 14_580, 18_180] == asked
    assert patience.take("B", 20_000.0)


def test_a_question_that_was_right_is_trusted_again() -> None:
    patience = Patience()
    assert patience.take("A", 0.0)
    patience.reset("A")
    assert patience.take("A", 1.0)
    assert not patience.take("A", 60.0)


def test_who_was_asked_about_first_is_forgotten_where_they_are_too_many() -> None:
    patience = Patience()
    assert all(patience.take(str(number), 0.0) for number in range(SYMBOLS_MAX))
    assert not patience.take("0", 1.0)
    assert patience.take("one more", 1.0)
    assert patience.take("0", 1.0)
    assert not patience.take("2", 1.0)
