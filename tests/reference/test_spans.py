from pathlib import Path

from tests.support.answers import BTC, ETH, Answers


def test_held_deltas_take_effect_with_the_snapshot_that_they_follow(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "held_deltas")
    assert [("a", 3, 1.5, 2.0, "resync")] == answers.spans(BTC)
    assert "unrecorded" == answers.book(BTC, 1.499999)
    assert "99x3 98x2 | 102x4" == answers.book(BTC, 1.5)
    assert (5, 1.5) == answers.number(BTC, 1.5)
    assert "99x3 98x2 | 102x4" == answers.book(BTC, 1.999999)


def test_a_span_never_ends_before_its_last_row_took_effect(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "held_deltas")
    # The resync is stamped 1.8, but a row before it took effect at 2.
    assert "resync" == answers.book(BTC, 2)
    assert [(1.0, 1.5, "unrecorded"), (1.5, 2.0, "whole"), (2.0, 4.0, "resync")] == (
        answers.coverage(BTC, 1, 4)
    )


def test_messages_of_one_instant_are_applied_together(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "one_instant")
    assert "99x1 | 101x1" == answers.book(BTC, 1.999999)
    assert "100x8 | 102x3" == answers.book(BTC, 2)
    assert (4, 2.0) == answers.number(BTC, 2)
    # A gap and a snapshot at one instant: the book before it ends, the next one begins there.
    assert "100x8 | 102x3" == answers.book(BTC, 2.999999)
    assert "98x2 | 103x1" == answers.book(BTC, 3)
    assert [(1, "99x1 | 101x1"), (2, "100x8 | 102x3"), (3, "98x2 | 103x1")] == (
        answers.changes(BTC, 1, 5, depth=10)
    )


def test_a_book_that_ends_at_the_instant_of_its_snapshot_is_never_known(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "one_instant")
    assert [("a", 5, 2.0, 2.0, "gap")] == answers.spans(ETH)
    assert "gap" == answers.book(ETH, 2)
    assert [(0.0, 2.0, "unrecorded"), (2.0, 5.0, "gap")] == answers.coverage(ETH, 0, 5)


def test_a_book_may_lack_a_side_or_both(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "one_sided")
    assert [
        ("a", 1, 1.0, 5.0, "snapshot"),
        ("a", 5, 5.0, 7.0, "snapshot"),
        ("a", 7, 7.0, 9.0, "stopped"),
    ] == answers.spans(BTC)
    assert [
        (0, ""),
        (1, "99x1 98x1 |"),
        (3, "99x1 98x1 | 101x2"),
        (4, "| 101x2"),
        (5, "|"),
        (6, "| 105x1"),
        (7, "90x1 | 110x1"),
        (9, ""),
    ] == answers.changes(BTC, 0, 10, depth=10)
    # An event without levels changes nothing, yet it is the newest that was known.
    assert (2, 2.0) == answers.number(BTC, 2.5)


def test_what_is_not_of_the_book_ends_no_span(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "nothing_ends")
    assert [("a", 1, 1.0, 5.0, "stopped")] == answers.spans(BTC)
    assert [(1.0, 5.0, "whole")] == answers.coverage(BTC, 1, 5)
    assert "99x1 | 101x1" == answers.book(BTC, 3.9)


def test_each_row_of_a_symbol_ends_its_book_for_its_own_cause(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "each_end")
    assert [
        (0.0, 1.0, "unrecorded"),
        (1.0, 1.5, "whole"),
        (1.5, 2.0, "malformed"),
        (2.0, 2.5, "whole"),
        (2.5, 3.0, "malformed"),
        (3.0, 3.5, "whole"),
        (3.5, 4.0, "resync"),
        (4.0, 4.5, "whole"),
        (4.5, 5.0, "mismatch"),
        (5.0, 5.5, "whole"),
        (5.5, 6.0, "stale"),
        (6.0, 6.5, "whole"),
        (6.5, 7.0, "gap"),
        (7.0, 7.5, "whole"),
        (7.5, 8.0, "gap"),
        (8.0, 9.0, "whole"),
        (9.0, 10.0, "stopped"),
    ] == answers.coverage(BTC, 0, 10)


def test_at_its_end_a_book_is_unknown_already(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "each_end")
    assert "unrecorded" == answers.book(BTC, 0.999999)
    assert "99x1 | 101x1" == answers.book(BTC, 1)
    assert "99x1 | 101x1" == answers.book(BTC, 1.499999)
    assert "malformed" == answers.book(BTC, 1.5)
    assert "99x8 | 101x1" == answers.book(BTC, 8.999999)
    assert "stopped" == answers.book(BTC, 9)


def test_an_audit_replaces_the_book_without_a_gap(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "audit")
    assert [
        ("a", 1, 1.0, 3.0, "snapshot"),
        ("a", 4, 3.0, 4.0, "mismatch"),
        ("a", 8, 4.0, 6.0, "stopped"),
    ] == answers.spans(BTC)
    assert [(1.0, 6.0, "whole")] == answers.coverage(BTC, 1, 6)
    assert "99x2 98x1 97x1 | 101x1" == answers.book(BTC, 2.999999)
    assert "99x2 97x1 96x4 | 101x1 102x1" == answers.book(BTC, 3)
    assert "99x5 97x1 96x4 | 101x1 102x1" == answers.book(BTC, 4)
    # Nothing of the best two levels changed at 3 but the second bid.
    assert [
        (2, "99x2 98x1 | 101x1"),
        (3, "99x2 97x1 | 101x1 102x1"),
        (4, "99x5 97x1 | 101x1 102x1"),
        (5, "99x6 97x1 | 101x1 102x1"),
    ] == answers.changes(BTC, 2, 6, depth=2)


def test_a_checkpoint_goes_on_and_a_delta_of_another_epoch_does_not_count(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "checkpoint")
    assert [("a", 1, 1.0, 5.0, "snapshot"), ("a", 5, 5.0, 9.0, "stopped")] == answers.spans(BTC)
    assert "99x2 98x1 | 101x1" == answers.book(BTC, 3)
    assert (3, 3.0) == answers.number(BTC, 3.5)
    assert "99x2 98x3 | 101x1" == answers.book(BTC, 4)
    assert "90x1 | 110x1" == answers.book(BTC, 6)
    assert (5, 5.0) == answers.number(BTC, 6)
    assert "90x2 | 110x1" == answers.book(BTC, 7)


def test_a_book_whose_snapshot_is_gone_is_known_from_the_next_checkpoint(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "snapshot_gone")
    assert [("a", 5, 4.0, 9.0, "stopped")] == answers.spans(BTC)
    assert [] == answers.spans(ETH)
    assert "unrecorded" == answers.book(BTC, 3.9)
    assert "99x2 98x3 97x5 | 101x9" == answers.book(BTC, 7)
    assert [(0.0, 10.0, "unrecorded")] == answers.coverage(ETH, 0, 10)


def test_a_segment_without_a_manifest_is_not_there(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "unnamed")
    assert [("a", 1, 1.0, 2.000001, "open")] == answers.spans(BTC)
    assert [] == answers.spans(ETH)
    assert "99x2 | 101x1" == answers.book(BTC, 2)
    assert "open" == answers.book(BTC, 2.000001)


def test_flushes_do_not_show(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "flushes")
    assert [("a", 2, 1.0, 5.0, "stopped")] == answers.spans(BTC)
    assert "99x3 | 101x1" == answers.book(BTC, 2)
    assert (4, 2.0) == answers.number(BTC, 3.5)
    assert "| 101x1" == answers.book(BTC, 4)
