import pytest

from shared.event import Delta, Snapshot
from shared.feed.sequencer import HELD_DELTAS_MAX, OVERTAKEN_MAX, Sequencer, Verdict, first_of
from tests.support.levels import levels


def delta(sequence: int, previous: int | None = None) -> Delta:
    return Delta("BTC-EUR", *levels([("100", "1")], []), sequence, previous=previous)


def snapshot(sequence: int) -> Snapshot:
    return Snapshot("BTC-EUR", *levels([("100", "1")], [("101", "2")]), sequence)


def live(sequence: int) -> Sequencer:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    assert sequencer.splice(snapshot(sequence)) == []
    return sequencer


def judge(sequencer: Sequencer, *sequences: int) -> list[Verdict]:
    return [sequencer.judge(0, delta(sequence)) for sequence in sequences]


def test_deltas_that_follow_the_snapshot_are_accepted() -> None:
    sequencer = live(5)
    assert judge(sequencer, 6, 7, 8) == [Verdict.ACCEPTED] * 3
    assert sequencer.expected == 9


@pytest.mark.parametrize("sequence", [8, 5, 6, 0, -3, 9_000_000])
def test_any_other_sequence_is_a_gap_in_either_direction(sequence: int) -> None:
    sequencer = live(5)
    judge(sequencer, 6)
    assert judge(sequencer, sequence) == [Verdict.GAP]


def test_what_the_snapshot_overtook_is_stale_but_only_until_the_book_goes_on() -> None:
    sequencer = live(500)
    assert judge(sequencer, 499, 500, 501) == [Verdict.STALE, Verdict.STALE, Verdict.ACCEPTED]
    assert judge(sequencer, 500) == [Verdict.GAP]


def test_a_reset_right_after_the_snapshot_is_a_gap_and_no_endless_silence() -> None:
    assert judge(live(5_000), 5_000 - OVERTAKEN_MAX) == [Verdict.GAP]


def test_a_delta_follows_what_it_names_and_not_its_number() -> None:
    sequencer = live(5)
    verdicts = [sequencer.judge(0, d) for d in (delta(9, 5), delta(30, 9), delta(31, 30))]
    assert [Verdict.ACCEPTED] * 3 == verdicts
    assert (31, 32) == (sequencer.last, sequencer.expected)
    assert Verdict.GAP == sequencer.judge(0, delta(32, 30))
    assert Verdict.GAP == live(5).judge(0, delta(7, 6))


def test_a_delta_stands_for_all_numbers_behind_the_one_that_it_names() -> None:
    assert [7, 7, 5] == [first_of(delta(7)), first_of(delta(7, 6)), first_of(delta(7, 4))]


def test_held_deltas_are_spliced_by_what_they_name() -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    for followed in (delta(10, 3), delta(20, 10), delta(31, 20)):
        assert Verdict.HELD is sequencer.judge(0, followed)
    assert [20, 31] == [d.sequence for _, d in sequencer.splice(snapshot(10)) or ()]
    assert 32 == sequencer.expected


@pytest.mark.parametrize("sequence", [11, 19])
def test_a_held_range_with_the_snapshot_inside_it_follows_the_snapshot(sequence: int) -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    for followed in (delta(10, 3), delta(20, 10), delta(31, 20)):
        sequencer.judge(0, followed)
    held = sequencer.splice(snapshot(sequence))
    assert [(20, sequence), (31, 20)] == [(d.sequence, d.previous) for _, d in held or ()]
    assert 32 == sequencer.expected


def test_a_range_with_the_snapshot_inside_it_follows_the_snapshot_and_no_other_does() -> None:
    sequencer = live(15)
    joining = delta(20, 10)
    assert [Verdict.STALE, Verdict.JOINING] == [
        sequencer.judge(0, each) for each in (delta(10, 3), joining)
    ]
    assert (20, 15) == ((joined := sequencer.join(joining)).sequence, joined.previous)
    assert Verdict.ACCEPTED is sequencer.judge(0, delta(31, 20))
    assert Verdict.GAP is sequencer.judge(0, delta(40, 25))


def test_as_many_ranges_as_numbers_may_be_overtaken() -> None:
    assert Verdict.STALE is live(5_000).judge(0, delta(1_010, 990))
    assert Verdict.GAP is live(50_000).judge(0, delta(1_010, 990))


def test_without_a_question_for_a_snapshot_deltas_are_unknown() -> None:
    assert judge(Sequencer(), 5) == [Verdict.UNKNOWN]


def test_held_deltas_are_spliced_with_their_receive_times() -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    for ts, sequence in [(10, 4), (20, 5), (30, 6), (40, 7)]:
        assert sequencer.judge(ts, delta(sequence)) is Verdict.HELD
    held = sequencer.splice(snapshot(5))
    assert [(30, 6), (40, 7)] == [(ts, d.sequence) for ts, d in held or ()]
    assert judge(sequencer, 7) == [Verdict.GAP]
    assert sequencer.expected == 8


def test_a_snapshot_older_than_what_is_held_is_refused_and_the_held_ones_stay() -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    judge(sequencer, 7, 8)
    assert sequencer.splice(snapshot(5)) is None
    assert not sequencer.is_live
    assert [d.sequence for _, d in sequencer.splice(snapshot(6)) or ()] == [7, 8]


def test_a_hole_among_held_deltas_drops_those_before_it() -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    judge(sequencer, 4, 5, 8, 9)
    assert sequencer.splice(snapshot(5)) is None
    assert [d.sequence for _, d in sequencer.splice(snapshot(8)) or ()] == [9]


def test_no_more_than_a_bounded_number_of_deltas_is_held() -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    judge(sequencer, *range(HELD_DELTAS_MAX + 1))
    held = sequencer.splice(snapshot(HELD_DELTAS_MAX - 1))
    assert [HELD_DELTAS_MAX] == [d.sequence for _, d in held or ()]


def test_a_snapshot_that_came_by_itself_begins_anew_wherever_it_is() -> None:
    sequencer = live(5)
    sequencer.begin(-1_748_790_363)
    assert judge(sequencer, -1_748_790_362) == [Verdict.ACCEPTED]
    sequencer.begin(100)
    assert judge(sequencer, 100) == [Verdict.GAP]


def test_a_lost_book_needs_a_new_snapshot() -> None:
    sequencer = live(5)
    sequencer.lose()
    assert judge(sequencer, 6) == [Verdict.UNKNOWN]
    assert sequencer.expected is None
