import pytest

from shared.event import Delta, Snapshot
from shared.feed.sequencer import HELD_DELTAS_MAX, Sequencer, Verdict, first_of
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
    sequencer = Sequencer()
    sequencer.hold_deltas()
    judge(sequencer, 497, 498)
    assert [] == sequencer.splice(snapshot(500))
    assert judge(sequencer, 499, 500, 501) == [Verdict.STALE, Verdict.STALE, Verdict.ACCEPTED]
    assert judge(sequencer, 500) == [Verdict.GAP]


@pytest.mark.parametrize("sequence", [1, 99, 100, 5_000])
def test_a_restart_between_the_snapshot_and_its_first_change_is_a_gap(sequence: int) -> None:
    assert judge(live(100), sequence) == [Verdict.GAP]
    seen = Sequencer()
    seen.hold_deltas()
    judge(seen, 97, 98)
    seen.splice(snapshot(102))
    assert judge(seen, 1 if sequence == 99 else sequence) == [Verdict.GAP]


def test_a_snapshot_below_what_was_seen_before_the_question_is_too_old() -> None:
    sequencer = Sequencer()
    assert judge(sequencer, 7) == [Verdict.UNKNOWN]
    sequencer.hold_deltas()
    assert sequencer.splice(snapshot(6)) is None
    assert [] == sequencer.splice(snapshot(7))
    assert judge(sequencer, 8) == [Verdict.ACCEPTED]


def test_what_the_book_had_is_seen_after_it_is_lost() -> None:
    sequencer = live(5)
    judge(sequencer, 6)
    sequencer.lose()
    sequencer.hold_deltas()
    assert sequencer.splice(snapshot(5)) is None
    assert [] == sequencer.splice(snapshot(6))
    sequencer.lose(newest=9)
    assert sequencer.splice(snapshot(8)) is None


def test_asking_again_forgets_nothing_that_is_held() -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    judge(sequencer, 96, 97)
    sequencer.hold_deltas()
    assert [96, 97] == [d.sequence for _, d in sequencer.splice(snapshot(95)) or ()]


def test_a_snapshot_from_before_the_numbers_began_anew_is_too_old() -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    judge(sequencer, 999, 1, 2)
    assert sequencer.splice(snapshot(1_000)) is None
    assert [] == sequencer.splice(snapshot(2))
    assert judge(sequencer, 3) == [Verdict.ACCEPTED]


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
    sequencer = Sequencer()
    sequencer.hold_deltas()
    sequencer.judge(0, delta(3, 2))
    assert [] == sequencer.splice(snapshot(15))
    joining = delta(20, 10)
    assert [Verdict.STALE, Verdict.JOINING] == [
        sequencer.judge(0, each) for each in (delta(10, 3), joining)
    ]
    assert (20, 15) == ((joined := sequencer.join(joining)).sequence, joined.previous)
    assert Verdict.ACCEPTED is sequencer.judge(0, delta(31, 20))
    assert Verdict.GAP is sequencer.judge(0, delta(40, 25))


def test_a_range_may_be_the_first_that_is_seen_and_have_the_snapshot_inside_it() -> None:
    sequencer, joining = live(15), delta(20, 10)
    assert Verdict.JOINING is sequencer.judge(0, joining)
    sequencer.join(joining)
    assert Verdict.GAP is sequencer.judge(0, delta(30, 18))
    assert Verdict.GAP is live(15).judge(0, delta(10, 3))


def test_a_range_that_does_not_go_on_from_what_was_seen_continues_no_snapshot() -> None:
    sequencer = Sequencer()
    sequencer.hold_deltas()
    sequencer.judge(0, delta(3, 2))
    sequencer.splice(snapshot(15))
    assert Verdict.GAP is sequencer.judge(0, delta(20, 10))


@pytest.mark.parametrize(
    ("overtaken", "expected"),
    [
        (delta(10, 3), Verdict.STALE),
        (delta(15, 9), Verdict.STALE),
        (delta(2, -5), Verdict.STALE),
        (delta(1, -6), Verdict.GAP),  # more than two ranges of its width lie between
        (delta(14), Verdict.STALE),
        (delta(13), Verdict.GAP),
    ],
)
def test_a_snapshot_over_rest_may_overtake_deltas_of_which_none_was_seen(
    overtaken: Delta, expected: Verdict
) -> None:
    sequencer = Sequencer(overtaken_max=2)
    sequencer.hold_deltas()
    sequencer.splice(snapshot(15))
    assert expected is sequencer.judge(0, overtaken)
    if expected is Verdict.STALE:
        assert Verdict.GAP is sequencer.judge(0, overtaken)  # once it was seen


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
