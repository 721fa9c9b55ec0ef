from typing import Any

from services.operator.probe.record import ProbeRecord
from tests.support.probe_facts import answer, differing, judge, say


def ticker(
    bid: object = "10", ask: object = "20", *, s: float = 0.0, pair: str = "XTRY"
) -> ProbeRecord:
    return say([401, {"items": [{"PS": pair, "B": bid, "A": ask}]}], s=s)


def pairs(*names: str) -> ProbeRecord:
    rows = [{"name": name, "status": "TRADING"} for name in names]
    return answer("/api/v2/server/exchangeinfo", {"data": {"symbols": rows}})


def book(s: float = 0.0) -> ProbeRecord:
    body = {"CS": 5, "PS": "XTRY", "channel": "obdiff"}
    sides = {"BO": [{"P": "10", "A": "1"}], "AO": [{"P": "20", "A": "1"}]}
    return say([431, {**body, **sides}], s=s)


def trade(number: int, price: str = "20", side: int = 1, *, s: float = 0.0) -> ProbeRecord:
    return say([422, {"PS": "XTRY", "I": str(number), "P": price, "S": side}], s=s)


def trades(*numbers: int) -> ProbeRecord:
    items = [{"I": str(number), "D": str(number)} for number in numbers]
    return say([421, {"symbol": "XTRY", "items": items}])


def row(name: str, *records: ProbeRecord) -> Any:
    return judge("btcturk", *records, judge_at=1)[name]


def test_all_tickers_have_every_pair_that_trades() -> None:
    assert "1 messages, 0 differ" == row("T21", pairs("XTRY"), ticker()).seen
    missing = row("T21", pairs("XTRY", "YTRY"), ticker())
    assert ("REFUTED", ("1 are missing: ['YTRY']",)) == (missing.verdict, missing.examples)


def test_the_time_between_them_is_told() -> None:
    seen = row("T22", ticker(), ticker(s=1.0), ticker(s=3.1))
    assert "2 messages, 1.00 to 2.10 s apart, 1 differ" == seen.seen
    lost = ProbeRecord(ts=0, door="a", kind="lost")
    assert "0 messages" == row("T22", ticker(), lost, ticker(s=9.0)).seen


def test_a_ticker_is_held_against_the_book_of_its_time() -> None:
    assert "2 tickers, 0 differ" == row("T23", book(), ticker(s=1.0), ticker(s=3.0)).seen
    assert "2 tickers, 1 differ" == row("T23", book(), ticker(ask="21", s=1.0), ticker(s=3.0)).seen
    assert "0 tickers" == row("T23", ticker(s=1.0), ticker(s=3.0)).seen


def test_the_forms_of_an_empty_side_are_told() -> None:
    seen = row("T24", ticker("", None), ticker("0", "0.00"))
    assert "4 empty sides, 1 '', 1 None, 1 '0', 1 '0.00', 0 differ" == seen.seen
    assert "REFUTED" == row("T24", ticker("-")).verdict


def test_a_list_has_fifty_trades_and_others_follow() -> None:
    full = trades(*range(50, 0, -1))
    seen = row("T18", full, trade(51), trade(52))
    assert ("CONFIRMED", "1 lists, 2 trades after them, 0 differ") == (seen.verdict, seen.seen)
    assert "REFUTED" == row("T18", trades(*range(49, 0, -1))).verdict
    assert "REFUTED" == row("T18", trades(*range(1, 51))).verdict


def test_ids_have_to_rise() -> None:
    assert "2 steps, the last step 4, 0 differ" == row("T19", trade(1), trade(2), trade(6)).seen
    assert "REFUTED" == row("T19", trade(2), trade(2)).verdict


def test_ids_over_rest_are_looked_for_among_those_of_the_socket() -> None:
    def listed(*numbers: int) -> ProbeRecord:
        body = {"data": [{"tid": str(number)} for number in numbers]}
        return answer("/api/v2/trades?pairSymbol=XTRY&last=50", body)

    begun = [trade(11), trade(13)]
    assert "2 trades, 0 differ" == row("T20", *begun, listed(11, 13, 14)).seen
    assert "REFUTED" == row("T20", *begun, listed(12)).verdict
    assert "REFUTED" == row("T20", *begun, listed(110)).verdict
    assert "0 trades" == row("T20", listed(11)).seen
    refused = answer("/api/v2/trades?pairSymbol=XTRY&last=50", "<html>")
    assert "0 trades" == row("T20", *begun, refused).seen


def test_a_side_is_judged_by_the_touch() -> None:
    assert {} == differing(judge("btcturk", book(), trade(1), trade(2, "10", 0), judge_at=1))
    assert (
        "REFUTED"
        == row("T17", book(), trade(1, side=0), trade(2, side=0), trade(3, side=0)).verdict
    )
    assert "0 trades at the touch" == row("T17", trade(1)).seen
