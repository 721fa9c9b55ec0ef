from services.operator.probe.bitvavo.talk import BAD_NAME
from services.operator.probe.record import ProbeRecord
from tests.support.probe_facts import answer, differing, judge, say


def ask(*markets: str, action: str = "subscribe", s: float = 0.0) -> ProbeRecord:
    channels = [{"name": "book", "markets": markets}]
    return say({"action": action, "channels": channels}, kind="sent", s=s)


def listed(*markets: str, event: str = "subscribed", s: float = 0.0) -> ProbeRecord:
    return say({"event": event, "subscriptions": {"book": markets}}, s=s)


def event(market: str = "X-EUR", *, s: float = 0.0) -> ProbeRecord:
    return say({"event": "book", "market": market, "nonce": 5, "bids": [], "asks": []}, s=s)


def error(code: int, text: str, action: str = "subscribe") -> ProbeRecord:
    return say({"action": action, "errorCode": code, "error": text})


BAD = error(205, f"market parameter {BAD_NAME} is invalid.")


def verdict(name: str, *records: ProbeRecord) -> str:
    return judge("bitvavo", *records)[name].verdict


def test_an_acknowledgement_lists_all_that_stands() -> None:
    assert "CONFIRMED" == verdict("B2", ask("X-EUR"), listed("X-EUR"))
    both = [ask("X-EUR"), listed("X-EUR"), ask("Y-EUR")]
    assert "CONFIRMED" == verdict("B2", *both, listed("X-EUR", "Y-EUR"))
    assert "REFUTED" == verdict("B2", *both, listed("Y-EUR"))


def test_what_was_refused_or_ended_need_not_be_listed() -> None:
    gone = error(205, "market parameter Y-EUR is invalid.")
    assert "CONFIRMED" == verdict("B2", ask("X-EUR"), ask("Y-EUR"), gone, listed("X-EUR"))
    ended = [ask("X-EUR", "Y-EUR"), ask("Y-EUR", action="unsubscribe")]
    assert "CONFIRMED" == verdict("B2", *ended, listed("X-EUR"))


def test_a_refusal_of_everything_without_a_name_is_found() -> None:
    assert "REFUTED" == verdict("B2", ask("X-EUR"), error(205, "channels parameter is invalid."))


def test_a_bad_name_has_to_be_named() -> None:
    assert "CONFIRMED" == verdict("B26", ask("X-EUR", BAD_NAME), BAD)
    other = error(205, "market parameter X-EUR is invalid.")
    assert "REFUTED" == verdict("B26", ask("X-EUR", BAD_NAME), other)
    assert "REFUTED" == verdict("B26", ask("X-EUR", BAD_NAME), listed("X-EUR"))
    assert "not seen" == verdict("B26", ask("X-EUR", BAD_NAME), ask("X-EUR"), listed("X-EUR"))


def test_an_end_has_to_be_silent_for_a_while() -> None:
    end = [ask("X-EUR"), listed("X-EUR"), ask("X-EUR", action="unsubscribe")]
    end.append(listed(event="unsubscribed", s=1.0))
    assert "not seen" == verdict("B27", *end, ask("X-EUR", s=1.5))
    assert "CONFIRMED" == verdict("B27", *end, ask("X-EUR", s=3.0), event(s=3.1))
    assert "REFUTED" == verdict("B27", *end, event(s=1.2), ask("X-EUR", s=3.0))


def test_the_first_event_has_to_come_after_its_acknowledgement() -> None:
    assert "CONFIRMED" == verdict("B29", ask("X-EUR"), listed("X-EUR"), event())
    assert "REFUTED" == verdict("B29", ask("X-EUR"), event(), listed("X-EUR"))


def test_a_market_that_stands_still_may_be_listed_and_has_no_book() -> None:
    still = answer("/markets", [{"market": "X-EUR", "status": "auction"}])
    rows = judge("bitvavo", still, error(431, "for X-EUR in state", "getBook"), listed("X-EUR"))
    assert ["CONFIRMED"] * 2 == [rows[name].verdict for name in ("B33", "B34")]
    assert "REFUTED" == verdict("B33", still, error(400, "for X-EUR", "getBook"))
    assert "REFUTED" == verdict("B34", still, ask("X-EUR"), error(205, "X-EUR"))
    book = {"market": "X-EUR", "nonce": 5, "bids": [], "asks": []}
    assert "REFUTED" == verdict("B33", still, say({"action": "getBook", "response": book}))


def test_a_book_that_is_refused_to_a_market_that_trades_is_found() -> None:
    assert "REFUTED" == verdict("B3", error(300, "for X-EUR", "getBook"))
    assert "REFUTED" != verdict("B3", error(431, "for X-EUR", "getBook"))  # it has just halted


def test_a_door_is_one_of_the_three_or_none_of_them() -> None:
    def at(door: str, kind: str) -> ProbeRecord:
        return say("", door=door, kind="opened" if kind == "opened" else "refused")

    rows = judge("bitvavo", at("a", "opened"), at("c0", "refused"))
    assert ["CONFIRMED", "REFUTED"] == [rows[name].verdict for name in ("B1", "B31")]


def test_what_an_unknown_path_gets_is_told() -> None:
    row = judge("bitvavo", answer("/no-such-path", "<html>\n404</html>", status=404))["B36"]
    assert ("CONFIRMED", "1 answers, 404 <html> 404</html>, 0 differ") == (row.verdict, row.seen)
    for status in (200, 429, 500):
        rows = judge("bitvavo", answer("/no-such-path", "{}", status=status))
        assert {"B36": (f"{status} {{}}",)} == differing(rows)
