from services.operator.probe.record import ProbeRecord
from tests.support.probe_facts import differing, judge, say

FIRST = "00000000-0000-0431-0000-0000036275c9"
SECOND = "00000000-0000-0431-0000-0000036275ca"


def ticker(s: float = 1.0, **fields: str | None) -> ProbeRecord:
    return say({"event": "ticker", "market": "X-EUR", **fields}, s=s)


def trade(identity: str, price: str = "20", side: str = "buy", *, door: str = "a") -> ProbeRecord:
    body = {"event": "trade", "market": "X-EUR", "id": identity, "price": price, "side": side}
    return say(body, s=1.0, door=door)


def book() -> ProbeRecord:
    body = {"market": "X-EUR", "nonce": 5, "bids": [["10", "1"]], "asks": [["20", "1"]]}
    return say({"action": "getBook", "response": body}, s=0.5)


def test_halves_are_merged_before_they_are_held_against_the_book() -> None:
    bid = ticker(bestBid="10", bestBidSize="1")
    ask = ticker(1.1, bestAsk="21", bestAskSize="1")
    row = judge("bitvavo", book(), bid, ask, ticker(5.0, lastPrice="3"))["B17"]
    assert "3 tickers, 1 differ" == row.seen  # the bid twice, as merged
    assert ("X-EUR asks 21: the book had ['20']",) == row.examples


def test_the_forms_of_an_empty_side_are_told() -> None:
    rows = judge(
        "bitvavo", ticker(bestBid=None, bestBidSize=None), ticker(bestAsk="", bestAskSize="")
    )
    assert ("CONFIRMED", "2 empty sides, 1 None, 1 '', 0 differ") == (
        rows["B16"].verdict,
        rows["B16"].seen,
    )


def test_ids_are_counted_on_the_first_socket_alone() -> None:
    rows = judge("bitvavo", trade(FIRST), trade(SECOND, door="b"), trade(SECOND))
    assert "1 steps, 0 differ" == rows["B19"].seen


def test_an_id_without_a_number_is_found() -> None:
    for identity in ("57b1159b-6bf5-4cde-9e2c-6bd6a5678baf", "00000000-0000-0431-0000-x"):
        assert "B19" in differing(judge("bitvavo", trade(identity)))


def test_a_new_connection_begins_its_ids_anew() -> None:
    lost = ProbeRecord(ts=0, door="a", kind="lost")
    assert "not seen" == judge("bitvavo", trade(FIRST), lost, trade(FIRST))["B19"].verdict


def test_a_trade_without_a_book_has_no_side_to_judge() -> None:
    assert "0 trades at the touch" == judge("bitvavo", trade(FIRST))["B18"].seen
    assert "1 trades at the touch, 0 differ" == judge("bitvavo", book(), trade(FIRST))["B18"].seen
