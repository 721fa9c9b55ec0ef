from services.operator.probe.silence import SILENCE_NS, TOUCHES_MIN, BookSilence
from services.operator.probe.table import Assumption, AssumptionTable, JudgedRow


def judge(*, gap_ns: int, touches: list[int]) -> JudgedRow:
    table = AssumptionTable([Assumption("S", "", "markets")])
    silence = BookSilence(table, "S")
    silence.ticker("X", 0, "early")  # its book has not begun
    silence.book("X", 0)
    for number, touch in enumerate(touches):
        silence.ticker("X", gap_ns * (number + 1) // len(touches), touch)
    silence.book("X", gap_ns + 1)
    silence.finish()
    return table.rows()[0]


def test_a_book_that_stands_still_while_its_ticker_moves_is_found() -> None:
    row = judge(gap_ns=SILENCE_NS, touches=list(range(TOUCHES_MIN)))
    assert ("REFUTED", ("X: 5 touches in 10 s",)) == (row.verdict, row.examples)
    assert "1 markets, longest 10.0 s (X), 1 differ" == row.seen


def test_a_shorter_silence_is_in_order_and_told() -> None:
    row = judge(gap_ns=SILENCE_NS - 1, touches=list(range(TOUCHES_MIN)))
    assert ("CONFIRMED", "1 markets, longest 10.0 s (X), 0 differ") == (row.verdict, row.seen)


def test_a_ticker_that_repeats_itself_does_not_move() -> None:
    row = judge(gap_ns=10 * SILENCE_NS, touches=[1] * 100)
    assert ("CONFIRMED", "1 markets, 0 differ") == (row.verdict, row.seen)


def test_a_book_that_was_never_heard_is_not_judged() -> None:
    table = AssumptionTable([Assumption("S", "", "markets")])
    silence = BookSilence(table, "S")
    silence.ticker("X", 0, 1)
    silence.finish()
    assert "not seen" == table.rows()[0].verdict
