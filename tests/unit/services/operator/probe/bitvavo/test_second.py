from decimal import Decimal
from typing import Any

from services.operator.probe.bitvavo.second import BitvavoReading
from services.operator.probe.record import ProbeRecord
from tests.support.probe_facts import answer, read, say


def event(nonce: int, *bids: tuple[str, str]) -> ProbeRecord:
    return say({"event": "book", "market": "X-EUR", "nonce": nonce, "bids": bids, "asks": []})


def snapshot(nonce: int, *bids: tuple[str, str]) -> ProbeRecord:
    body = {"market": "X-EUR", "nonce": nonce, "bids": bids, "asks": [["20", "1"]]}
    return say({"action": "getBook", "response": body})


def book_after(*records: ProbeRecord) -> dict[str, str] | None:
    reading = BitvavoReading()
    for record in records:
        list(reading.see(record))
    book = reading.books.get(("a", "X-EUR"))
    if book is None:
        return None
    return {f"{price:f}": f"{size:f}" for price, size in book.sides["bids"].items()}


def test_events_before_a_book_are_spliced_in() -> None:
    early = [event(4, ("9", "9")), event(5, ("10.0", "3")), event(6, ("8", "1"))]
    assert {"10": "3", "8": "1"} == book_after(*early, snapshot(5, ("10", "3")))


def test_a_hole_between_a_book_and_what_waited_begins_nothing() -> None:
    assert book_after(event(7, ("9", "9")), snapshot(5, ("10", "3"))) is None


def test_padded_prices_are_the_same_level() -> None:
    assert {} == book_after(snapshot(5, ("10", "3")), event(6, ("10.00", "0.000")))


def test_a_hole_ends_a_book_until_it_is_asked_for_again() -> None:
    records = [snapshot(5, ("10", "3")), event(7, ("9", "1"))]
    assert book_after(*records) is None
    assert {"1": "1", "2": "2"} == book_after(
        *records, event(8, ("2", "2")), snapshot(7, ("1", "1"))
    )


def test_a_book_at_our_number_replaces_ours_and_another_does_not() -> None:
    begun = [snapshot(5, ("10", "3")), event(6, ("9", "1"))]
    assert {"7": "1"} == book_after(*begun, snapshot(6, ("7", "1")))
    assert {"10": "3", "9": "1"} == book_after(*begun, snapshot(5, ("7", "1")))
    assert {"10": "3", "9": "1"} == book_after(*begun, snapshot(8, ("7", "1")))


def test_a_fact_has_the_book_after_it_and_the_number_before() -> None:
    *_, fact = read(
        "bitvavo", snapshot(5, ("10", "3")), event(6, ("9", "1")), event(7, ("11", "1"))
    )
    assert ("event", "X-EUR", 6) == (fact.kind, fact.market, fact.last)
    assert fact.book is not None
    assert (Decimal(11), Decimal(20)) == fact.book.touch()


def test_what_is_unsubscribed_or_lost_is_forgotten() -> None:
    begun = [snapshot(5, ("10", "3"))]
    assert book_after(*begun, say({"event": "unsubscribed", "subscriptions": {}})) is None
    assert book_after(*begun, ProbeRecord(ts=0, door="a", kind="lost")) is None
    kept: Any = {"event": "unsubscribed", "subscriptions": {"book": ["X-EUR"]}}
    assert {"10": "3"} == book_after(*begun, say(kept))


def test_kinds_are_told_apart() -> None:
    facts = read(
        "bitvavo",
        ProbeRecord(ts=0, door="a", kind="opened"),
        say({"event": "subscribed", "subscriptions": {"book": ["X-EUR"]}}),
        say({"event": "trade", "market": "X-EUR"}),
        say({"event": "ticker24h", "data": []}),
        say({"action": "getTime", "response": {}}),
        say(
            {
                "action": "subscribe",
                "errorCode": 205,
                "error": "market parameter NO-EUR is invalid.",
            }
        ),
        say({"action": "getBook", "market": "X-EUR", "errorCode": 431, "error": "for X-EUR in"}),
    )
    expected = ["opened", "subscribed", "trade", "ticker24h", "getTime", "error", "error"]
    assert expected == [fact.kind for fact in facts]
    assert ["NO-EUR", "X-EUR"] == [fact.market for fact in facts[-2:]]


def test_a_refused_subscribe_names_whom_to_leave_out() -> None:
    reading = BitvavoReading()
    refusal = {
        "action": "subscribe",
        "errorCode": 205,
        "error": "market parameter NO-EUR is invalid.",
    }
    list(reading.see(say(refusal)))
    assert ["NO-EUR"] == reading.refused


def test_answers_are_remembered_by_their_path() -> None:
    reading = BitvavoReading()
    body = {"nonce": 5, "bids": [["10", "1"]], "asks": []}
    for record in (
        answer("/markets", [{"market": "X-EUR", "status": "halted"}]),
        answer("/X-EUR/trades?limit=10", [{"id": "9"}, {"id": "8"}]),
        answer("/Y-EUR/trades", {"errorCode": 205}),
        answer("/no-such-path", "<html>", status=404),
        answer("/X-EUR/book", {"errorCode": 431}, status=409),
    ):
        (fact,) = reading.see(record)
        assert fact.other is None
    assert ({"X-EUR": "halted"}, {"X-EUR": ["9", "8"]}) == (reading.statuses, reading.trades)
    (fact,) = reading.see(answer("/X-EUR/book?depth=1000", body))
    assert fact.other is not None
    assert ("X-EUR", 5) == (fact.market, fact.other.sequence)
