import pytest

from services.operator.probe.record import ProbeRecord
from tests.support.probe_facts import answer, judge, say

MINUTE = 60_000


def left(path: str, remaining: int, *, until: int = 10 * MINUTE, body: object = ()) -> ProbeRecord:
    return answer(
        path,
        body,
        bitvavo_ratelimit_remaining=str(remaining),
        bitvavo_ratelimit_resetat=str(until),
    )


def question() -> ProbeRecord:
    return say({"action": "getBook", "market": "X-EUR"}, kind="sent")


def reply() -> ProbeRecord:
    book = {"market": "X-EUR", "nonce": 5, "bids": [], "asks": []}
    return say({"action": "getBook", "response": book})


def rows(*ids: int) -> list[dict[str, object]]:
    return [{"id": str(number), "timestamp": number} for number in ids]


def verdict(name: str, *records: ProbeRecord) -> str:
    return judge("bitvavo", *records, judge_at=3)[name].verdict


def test_the_cheapest_of_the_lists_tells_what_they_cost() -> None:
    """Who else asks from this address makes the others look dearer."""
    dear, cheap = left("/X-EUR/trades", 90), left("/X-EUR/trades", 85)
    assert "CONFIRMED" == verdict("B22", left("/time", 100), dear, cheap)
    assert "REFUTED" == verdict("B22", left("/time", 100), dear)


def test_what_was_left_of_another_minute_says_nothing() -> None:
    other = left("/X-EUR/trades", 95, until=11 * MINUTE)
    assert "not seen" == verdict("B22", left("/time", 100), other)


def test_questions_over_the_socket_are_counted() -> None:
    asked = [left("/time", 100), question(), question(), reply(), reply()]
    assert "CONFIRMED" == verdict("B23", *asked, left("/time", 97))
    assert "REFUTED" == verdict("B23", *asked, left("/time", 99))
    assert "not seen" == verdict("B23", *asked, left("/X-EUR/trades", 92))
    assert "not seen" == verdict("B22", *asked, left("/X-EUR/trades", 92))


def test_a_question_on_its_way_may_be_counted_or_not() -> None:
    late = [left("/time", 100), question(), left("/time", 99)]
    assert "not seen" == verdict("B23", *late, reply(), left("/time", 97))
    clear = [*late, reply(), left("/time", 97), question(), reply()]
    assert "CONFIRMED" == verdict("B23", *clear, left("/time", 95))
    refused = say({"action": "getBook", "market": "X-EUR", "errorCode": 431, "error": ""})
    assert "CONFIRMED" == verdict("B23", late[0], question(), refused, left("/time", 98))


def test_an_answer_without_headers_begins_anew() -> None:
    page = answer("/no-such-path", "<html>", status=404)
    assert "not seen" == verdict(
        "B23", left("/time", 100), question(), reply(), page, left("/time", 97)
    )


def test_a_minute_is_whole() -> None:
    assert "CONFIRMED" == verdict("B24", left("/time", 100))
    assert "REFUTED" == verdict("B24", left("/time", 100, until=MINUTE + 1))


@pytest.mark.parametrize(
    ("since", "outcome"),
    [
        (rows(9, 8, 7), "CONFIRMED"),
        (rows(9, 8), "REFUTED"),
        (rows(7, 8, 9), "REFUTED"),
        (rows(9, 8, 7, 6), "REFUTED"),
    ],
)
def test_a_list_since_a_trade_ends_with_it(since: list[dict[str, object]], outcome: str) -> None:
    first = left("/X-EUR/trades?limit=10", 100, body=rows(9, 8, 7, 6))
    second = left("/X-EUR/trades?limit=1000&tradeIdFrom=7", 95, body=since)
    assert outcome == verdict("B20", first, second)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, rows(9), "CONFIRMED"),
        (200, [], "CONFIRMED"),
        (400, {"errorCode": 205}, "CONFIRMED"),
        (400, {"errorCode": 105}, "REFUTED"),
        (429, {"errorCode": 205}, "REFUTED"),
        (503, "<html>", "REFUTED"),
    ],
)
def test_an_unknown_id_may_be_refused_and_nothing_worse(
    status: int, body: object, outcome: str
) -> None:
    asked = answer("/X-EUR/trades?tradeIdFrom=1", body, status=status)
    assert outcome == verdict("B21", asked, asked)
