from pathlib import Path

from tests.support.answers import BTC, ETH, Answers


def test_a_lost_socket_ends_the_books_that_its_row_lists(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "socket_lost")
    assert [
        ("a", 1, 1.0, 6.0, "disk_full"),
        ("a", 9, 7.0, 9.0, "stopped"),
    ] == answers.spans("BTC-TRY")
    assert [
        ("a", 2, 1.0, 2.0, "stale"),
        ("a", 7, 5.0, 6.0, "disk_full"),
    ] == answers.spans("ETH-TRY")
    assert [("a", 3, 1.0, 3.0, "disconnected")] == answers.spans("XRP-TRY")
    # A socket without books is lost at 8: nothing ends.
    assert "98x1 | 102x1" == answers.book("BTC-TRY", 8.5)


def test_without_a_list_a_book_ends_that_has_no_more_rows_of_its_epoch(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "socket_lost_before")
    assert [("a", 1, 1.0, 9.0, "stopped")] == answers.spans("BTC-TRY")
    assert [
        ("a", 2, 1.0, 3.0, "disconnected"),
        ("a", 8, 5.0, 6.0, "stale"),
    ] == answers.spans("ETH-TRY")
    assert [("a", 3, 1.0, 3.0, "disconnected")] == answers.spans("XRP-TRY")
    assert [("a", 4, 1.0, 6.0, "stale")] == answers.spans("USDT-TRY")
    assert "99x3 | 101x1" == answers.book("BTC-TRY", 8)


def test_a_failed_poll_ends_polled_books(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "polls")
    assert [
        ("a", 1, 1.0, 2.0, "snapshot"),
        ("a", 3, 2.0, 3.0, "snapshot"),
        ("a", 5, 3.0, 4.0, "rate_limited"),
        ("a", 8, 6.0, 8.0, "stopped"),
    ] == answers.spans(BTC)
    assert [
        (0.0, 1.0, "unrecorded"),
        (1.0, 2.0, "whole"),
        (2.0, 3.0, "subscription_refused"),
        (3.0, 4.0, "whole"),
        (4.0, 6.0, "rate_limited"),
        (6.0, 8.0, "whole"),
        (8.0, 9.0, "stopped"),
    ] == answers.coverage(ETH, 0, 9)


def test_a_killed_session_knew_its_books_until_its_last_row(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "killed")
    # The last row of any table is a trade at 3; the end was written an hour later.
    assert [("a", 1, 1.0, 3.000001, "killed")] == answers.spans(BTC)
    assert [("a", 2, 1.0, 3.000001, "killed")] == answers.spans(ETH)
    assert "99x2 | 101x1" == answers.book(BTC, 3)
    assert "killed" == answers.book(BTC, 3.000001)
    assert "killed" == answers.book(BTC, 3602)


def test_an_open_session_knows_its_books_until_its_last_row(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "open")
    assert [("a", 1, 1.0, 4.000001, "open")] == answers.spans(BTC)
    assert "9x1 | 11x1" == answers.book(ETH, 4)
    assert "open" == answers.book(ETH, 4.000001)


def test_a_missing_flush_ends_what_it_may_have_changed(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "flush_missing")
    assert [("a", 1, 1.0, 2.000001, "open")] == answers.spans(BTC)
    assert [
        ("a", 2, 1.0, 2.000001, "open"),
        ("a", 7, 6.0, 8.0, "stopped"),
    ] == answers.spans(ETH)


def test_behind_a_journal_hole_a_checkpoint_opens_again(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "journal_hole")
    assert [
        ("a", 1, 1.0, 2.000001, "journal_hole"),
        ("a", 11, 5.0, 7.000001, "killed"),
    ] == answers.spans(BTC)
    assert [
        ("a", 2, 1.0, 2.000001, "journal_hole"),
        ("a", 13, 7.0, 7.000001, "killed"),
    ] == answers.spans(ETH)
    # The hole has the writer's time, 60, and does not count as a time of the session.
    # Deltas of the epoch that the hole broke do not count.
    assert "journal_hole" == answers.book(BTC, 4)
    assert "99x3 98x4 | 101x1" == answers.book(BTC, 5)
    assert "99x3 98x5 | 101x1" == answers.book(BTC, 6)


def test_after_the_clock_went_back_the_newer_span_answers(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "clock_back")
    assert [
        ("a", 1, 10.0, 12.000001, "clock_step"),
        ("a", 7, 11.0, 12.500001, "killed"),
    ] == answers.spans(BTC)
    assert "99x1 | 101x1" == answers.book(BTC, 10.7)
    assert "99x3 | 101x1" == answers.book(BTC, 11)
    assert "99x4 | 101x1" == answers.book(BTC, 12)
    assert "99x5 | 101x1" == answers.book(BTC, 12.5)
    # H counts from the step on: 12.5 is the latest time since, though 13 was seen before.
    assert [(10.0, 12.500001, "whole"), (12.500001, 20.0, "killed")] == (
        answers.coverage(BTC, 10, 20)
    )
    assert [
        (10, "99x1 | 101x1"),
        (11, "99x3 | 101x1"),
        (11.5, "99x4 | 101x1"),
        (12.5, "99x5 | 101x1"),
        (12.500001, ""),
    ] == answers.changes(BTC, 10, 20, depth=1)


def test_a_book_that_was_not_written_after_the_step_ends_behind_its_last_row(
    tmp_path: Path,
) -> None:
    answers = Answers(tmp_path, "clock_back")
    assert [("a", 2, 10.0, 13.000001, "clock_step")] == answers.spans(ETH)
    assert "9x3 | 11x1" == answers.book(ETH, 13)
    assert "clock_step" == answers.book(ETH, 13.000001)


def test_midnight_does_not_show(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "midnight")
    tape = tmp_path
    dates = sorted(path.parent.name for path in tape.glob("ledger/*/*/*.json"))
    assert ["date=2026-11-22", "date=2026-11-23"] == dates
    assert "99x2 | 101x1" == answers.book(BTC, "23:59:59.999999")
    assert "99x3 | 101x1" == answers.book(BTC, "24:00:00")
    assert [(43198.0, 43202.0, "whole")] == answers.coverage(BTC, "23:59:58", "24:00:02")
