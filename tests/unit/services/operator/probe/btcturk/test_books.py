from services.operator.probe.btcturk.books import read_asked
from services.operator.probe.record import ProbeRecord
from tests.support.probe_facts import answer, differing, judge, say

Level = tuple[str, str]


def join(*, door: str = "a", s: float = 0.0, leave: bool = False) -> ProbeRecord:
    body = {"type": 151, "channel": "obdiff", "event": "XTRY", "join": not leave}
    return say([151, body], kind="sent", door=door, s=s)


def book(number: int, size: str = "1", *, door: str = "a", s: float = 0.0) -> ProbeRecord:
    bids = [{"P": "10", "A": size}]
    body = {"CS": number, "PS": "XTRY", "BO": bids, "AO": [], "channel": "obdiff"}
    return say([431, body], door=door, s=s)


def change(
    number: int, size: str = "2", *, kind: int = 0, door: str = "a", s: float = 0.0
) -> ProbeRecord:
    bids = [{"CP": kind, "P": "10", "A": size}]
    return say([432, {"CS": number, "PS": "XTRY", "BO": bids, "AO": []}], door=door, s=s)


def rest(size: str, s: float) -> ProbeRecord:
    body = {"data": {"bids": [["10", size]], "asks": []}}
    return answer("/api/v2/orderbook?pairSymbol=XTRY&limit=100", body, s=s)


def later(s: float) -> ProbeRecord:
    return say([991, {}], s=s)


def verdict(name: str, *records: ProbeRecord) -> str:
    return judge("btcturk", *records, judge_at=0)[name].verdict


def test_a_message_of_ours_is_a_join_or_a_leave_or_none() -> None:
    assert [("obdiff", "XTRY", False)] == read_asked(join(leave=True).text)
    assert [] == read_asked('[101,{"type":101}]')


def test_what_comes_first_and_what_follows() -> None:
    rows = judge("btcturk", join(), book(5), change(6), change(7), judge_at=0)
    assert {} == differing(rows)
    assert ["1 books, 0 differ"] * 2 == [rows[name].seen for name in ("T4", "T5")]
    assert "1 steps, 0 differ" == rows["T6"].seen
    assert "REFUTED" == verdict("T4", join(), change(6))
    left = [join(), book(5), join(leave=True), join()]
    assert "CONFIRMED" == verdict("T4", *left, change(6), book(90))  # it was on its way
    assert "REFUTED" == verdict("T5", join(), book(5), change(7))
    assert "REFUTED" == verdict("T6", join(), book(5), change(6), change(8))


def test_a_book_that_nobody_asked_for_is_found() -> None:
    assert "REFUTED" == verdict("T13", join(), book(5), book(6))
    assert "REFUTED" == verdict("T13", join(), book(5), join(), book(6))  # a second join is none
    assert "CONFIRMED" == verdict("T13", join(), book(5), join(leave=True), join(), book(6))


def test_a_resync_takes_two_seconds_at_most() -> None:
    asked = [join(), book(5), join(leave=True, s=9.0), join(s=10.0)]
    assert "CONFIRMED" == verdict("T11", *asked, book(6, s=12.0))
    assert "REFUTED" == verdict("T11", *asked, book(6, s=12.1))
    assert "REFUTED" == verdict("T11", *asked)


def test_a_resync_brings_the_book_that_others_have() -> None:
    both = [join(), book(5), join(door="b"), book(1, door="b"), change(2, "3", door="b", s=9.0)]
    both += [join(leave=True, s=10.0), join(s=10.0)]
    same = [*both, book(6, "3", s=10.5), later(14.0)]
    assert "CONFIRMED" == verdict("T12", *same)
    assert "not seen" == verdict("T12", *same[:-1])
    assert "REFUTED" == verdict("T12", *both, book(6, "7", s=10.5), later(14.0))
    ahead = [*both, book(6, "7", s=10.5), change(3, "7", door="b", s=11.0), later(14.0)]
    assert "CONFIRMED" == verdict("T12", *ahead)


def test_a_book_over_rest_is_met_around_its_time() -> None:
    begun = [join(), book(5), change(6, "2", s=8.0), change(7, "3", s=9.0), rest("2", 10.0)]
    assert "CONFIRMED" == verdict("T14", *begun, later(13.5))
    other = [*begun[:-1], rest("4", 10.0), change(8, "4", s=13.2)]
    assert "REFUTED" == verdict("T14", *other, later(13.5))
    assert "not seen" == verdict("T14", rest("4", 10.0), later(13.5))


def test_two_sockets_that_count_alike_are_found() -> None:
    assert "CONFIRMED" == verdict("T7", join(), book(5), join(door="b"), book(9, door="b"))
    assert "REFUTED" == verdict("T7", join(), book(5), join(door="b"), book(5, door="b"))


def test_kinds_of_changes_are_held_against_the_book() -> None:
    assert "REFUTED" == verdict("T8", join(), book(5), change(6, kind=1))
    assert "REFUTED" == verdict("T9", join(), book(5, "1"), change(6, "2", kind=3))
    gone = judge("btcturk", join(), book(5, "1"), change(6, "1.0", kind=3), judge_at=0)
    assert {} == differing(gone)
