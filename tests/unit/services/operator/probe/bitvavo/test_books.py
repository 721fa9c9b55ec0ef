from services.operator.probe.record import ProbeRecord
from tests.support.probe_facts import answer, differing, judge, say

TIME = 1_790_000_000_000_000_000


def event(nonce: int, size: str = "1", *, door: str = "a", time: object = TIME) -> ProbeRecord:
    body = {"event": "book", "market": "X-EUR", "nonce": nonce, "timestamp": time}
    return say({**body, "bids": [["10", size]], "asks": []}, door=door)


def body(nonce: int, size: str = "1") -> dict[str, object]:
    return {"market": "X-EUR", "nonce": nonce, "bids": [["10", size]], "asks": [["20", "1"]]}


def snapshot(nonce: int, size: str = "1") -> ProbeRecord:
    return say({"action": "getBook", "response": body(nonce, size)})


def rest(nonce: int, size: str = "1") -> ProbeRecord:
    return answer("/X-EUR/book?depth=1000", body(nonce, size))


def test_a_book_over_rest_waits_for_its_number() -> None:
    begun = [snapshot(5), rest(7, "3"), event(6, "2")]
    assert "not seen" == judge("bitvavo", *begun)["B8"].verdict
    assert "CONFIRMED" == judge("bitvavo", *begun, event(7, "3"))["B8"].verdict
    assert "REFUTED" == judge("bitvavo", *begun, event(7, "4"))["B8"].verdict


def test_a_book_over_rest_that_is_too_late_says_nothing() -> None:
    rows = judge("bitvavo", snapshot(5), event(6), rest(5, "9"), event(7))
    assert "not seen" == rows["B8"].verdict


def test_a_snapshot_older_or_newer_than_what_was_sent_is_found() -> None:
    assert "CONFIRMED" == judge("bitvavo", event(5), snapshot(5))["B4"].verdict
    assert "REFUTED" == judge("bitvavo", event(5), snapshot(4))["B4"].verdict
    assert "REFUTED" == judge("bitvavo", event(5), snapshot(6))["B4"].verdict
    assert "not seen" == judge("bitvavo", snapshot(6))["B4"].verdict


def test_a_number_that_comes_twice_is_no_step() -> None:
    rows = judge("bitvavo", event(5), event(5), judge_at=0)
    assert {"B28": ("X-EUR on a: 5 after 5",)} == differing(rows)


def test_two_sockets_are_held_against_each_other() -> None:
    rows = judge("bitvavo", event(5), event(5, door="b"), event(6), event(6, "7", door="b"))
    assert {"B30"} == {name for name in differing(rows) if name != "B29"}
    assert "2 events, 1 differ" == rows["B30"].seen


def test_a_time_that_is_none_is_found() -> None:
    for time in (None, "1790000000000000000", 1_790_000_000_000, -1, 1.79e18):
        assert "B13" in differing(judge("bitvavo", event(5, time=time), judge_at=0))


def test_how_far_a_full_list_reaches_is_told() -> None:
    bids = [[str(1000 - number / 2), "1"] for number in range(1000)]
    full = {"market": "X-EUR", "nonce": 5, "bids": bids, "asks": [["2000", "1"]]}
    row = judge("bitvavo", say({"action": "getBook", "response": full}))["B6"]
    assert "2 sides, 1 of 1 markets full, ends 50.0 to 50.0 % away, 0 differ" == row.seen
