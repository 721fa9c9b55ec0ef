from pathlib import Path

from tests.support.answers import BTC, Answers
from tests.support.reference.books import grid
from tests.support.tape_lines import at


def test_the_lowest_line_that_knows_the_book_answers(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "two_lines")
    assert [
        (0, ""),
        (1, "50x1 | 60x1"),
        (2, "99x1 | 101x1"),
        (4, "99x4 | 101x1"),
        (5, "50x1 | 60x1"),
        (6, "99x6 | 101x1"),
        (9, "99x9 | 101x1"),
        (10, "50x8 | 60x1"),
        (11, "50x11 | 60x1"),
        (13, "98x13 | 102x1"),
        (30, ""),
    ] == answers.changes(BTC, 0, 40, depth=5)
    assert [(0.0, 1.0, "unrecorded"), (1.0, 30.0, "whole"), (30.0, 40.0, "stopped")] == (
        answers.coverage(BTC, 0, 40)
    )
    # Line b's own change at 8 does not show while line a is known.
    assert "99x6 | 101x1" == answers.book(BTC, 8.5)


def test_the_later_session_of_a_line_answers_where_it_knows_the_book(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "overlap")
    assert [
        (1, "50x1 | 60x1"),
        (5, "99x5 | 101x1"),
        (6, "50x1 | 60x1"),
        (7, "99x7 | 101x1"),
        (8, "50x1 | 60x1"),
        (9, "50x9 | 60x1"),
        (10, ""),
    ] == answers.changes(BTC, 1, 12, depth=5)


def test_the_cause_is_that_of_the_span_that_ended_last(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "causes")
    assert [
        (0.0, 1.0, "unrecorded"),
        (1.0, 5.0, "whole"),
        # Both end at 5: the later session is that of line a.
        (5.0, 7.0, "stale"),
        (7.0, 9.0, "mismatch"),
        (9.0, 10.0, "whole"),
        (10.0, 30.0, "resync"),
    ] == answers.coverage(BTC, 0, 30)
    assert [(5.5, 6.0, "stale")] == answers.coverage(BTC, 5.5, 6)
    assert [] == answers.coverage(BTC, 6, 6)


def test_between_a_kill_and_the_next_snapshot_nothing_is_known(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "restart")
    assert [
        (1.0, 3.000001, "whole"),
        (3.000001, 9.0, "killed"),
        (9.0, 12.0, "whole"),
        (12.0, 13.0, "stopped"),
    ] == answers.coverage(BTC, 1, 13)
    assert [(0, ""), (1, "99x1 | 101x1"), (3, "99x3 | 101x1"), (3.000001, "")] == (
        answers.changes(BTC, 0, 9, depth=1)
    )


def test_a_tape_of_two_schemas_is_one_tape(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "upgrade")
    assert [
        ("a", 1, 1.0, 3.0, "disconnected"),
        ("a", 4, 4.0, 5.0, "stopped"),
        ("a", 1, 6.0, 8.0, "disconnected"),
        ("a", 4, 9.0, 10.0, "stopped"),
    ] == answers.spans("BTC-TRY")
    assert "99x7 | 101x1" == answers.book("BTC-TRY", 7.5)


def test_sequences_of_two_sessions_are_never_compared(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "two_sequences")
    book = answers.reference.book_at("btcturk", "BTC-TRY", at(3.5))
    assert book is not None
    assert ("a", 901) == (book.span.line, book.last.event.columns["sequence"])
    book = answers.reference.book_at("btcturk", "BTC-TRY", at(4))
    assert book is not None
    assert ("b", 102) == (book.span.line, book.last.event.columns["sequence"])
    # Line b has what came after a's last row.
    assert "99x3 | 101x1" == answers.book("BTC-TRY", 4)


def test_a_crossed_book_is_shown_as_it_was(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "crossed")
    assert [(1.0, 5.0, "whole")] == answers.coverage(BTC, 1, 5)
    assert "102x2 99x1 98x1 | 101x1" == answers.book(BTC, 2)
    assert "102x2 101x4 99x1 98x1 | 101x1" == answers.book(BTC, 3)
    assert "99x1 98x1 | 101x1" == answers.book(BTC, 4)


def test_a_grid_lies_on_whole_multiples_since_1970(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "two_lines")
    moments = grid(at(0.5), at(4), 1_000_000)
    assert [at(1), at(2), at(3)] == list(moments)
    tops = answers.reference.top("bitvavo", BTC, moments, 1)
    assert [[(50.0, 1.0)], [(99.0, 1.0)], [(99.0, 1.0)]] == [top.bids for top in tops]
    assert [at(4)] == list(grid(at(4), at(4.000001), 1_000_000))
    assert [] == list(grid(at(4.000001), at(5), 1_000_000))


def test_a_grid_has_rows_where_nothing_is_known(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "restart")
    tops = answers.reference.top("bitvavo", BTC, grid(at(7), at(10), 1_000_000), 3)
    assert [(at(7), True), (at(8), True), (at(9), False)] == [
        (top.ts, top.book is None) for top in tops
    ]
