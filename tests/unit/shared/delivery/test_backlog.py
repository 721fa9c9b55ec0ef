from shared.delivery.backlog import MARK_BYTES, Backlog


def test_what_is_committed_does_not_wait() -> None:
    backlog = Backlog(0, 0)
    backlog.add(100, 10)
    backlog.add(50, 15)
    assert 150 == backlog.bytes
    backlog.settle_committed(15)
    assert 0 == backlog.bytes
    backlog.add(7, 16)
    assert 7 == backlog.bytes


def test_between_two_marks_what_is_committed_counts_until_the_next_one() -> None:
    backlog = Backlog(0, 0)
    for number in range(1, 9):
        backlog.add(MARK_BYTES // 2, number)
    backlog.settle_committed(5)
    assert MARK_BYTES * 2 == backlog.bytes
    backlog.settle_committed(8)
    assert 0 == backlog.bytes


def test_of_an_adopted_journal_all_waits_until_the_writer_was_heard() -> None:
    backlog = Backlog(1000, 20)
    backlog.add(10, 21)
    backlog.settle_committed(19)
    assert 1010 == backlog.bytes
    backlog.settle_committed(20)
    assert 10 == backlog.bytes
    backlog.settle_committed(0)  # a writer that has forgotten the session
    assert 10 == backlog.bytes


def test_the_marks_are_few() -> None:
    backlog = Backlog(0, 0)
    for number in range(1, 10_001):
        backlog.add(1000, number)
    assert len(backlog._marks) <= 10_000 * 1000 // MARK_BYTES + 1
