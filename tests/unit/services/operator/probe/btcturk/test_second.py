from decimal import Decimal

from services.operator.probe.btcturk.second import STATES_NS, BtcturkReading
from services.operator.probe.record import ProbeRecord
from tests.support.probe_facts import answer, read, say

Change = tuple[int, str, str]


def book(
    number: int, *bids: tuple[str, str], channel: str = "obdiff", s: float = 0.0
) -> ProbeRecord:
    levels = [{"P": price, "A": size} for price, size in bids]
    body = {"CS": number, "PS": "XTRY", "BO": levels, "AO": [], "channel": channel}
    return say([431, body], s=s)


def change(number: int, *bids: Change, s: float = 0.0, door: str = "a") -> ProbeRecord:
    levels = [{"CP": kind, "P": price, "A": size} for kind, price, size in bids]
    return say([432, {"CS": number, "PS": "XTRY", "BO": levels, "AO": []}], s=s, door=door)


def bids_after(*records: ProbeRecord) -> dict[str, str] | None:
    reading = BtcturkReading()
    for record in records:
        list(reading.see(record))
    found = reading.books.get(("a", "XTRY"))
    if found is None:
        return None
    return {f"{price:f}": f"{size:f}" for price, size in found.sides["bids"].items()}


def test_changes_are_applied_by_their_kind() -> None:
    begun = book(-5, ("10", "1"), ("9", "2"))
    changed = change(-4, (0, "10.0", "3"), (3, "9", "2"), (1, "8", "0.1"))
    assert {"10": "3", "8": "0.1"} == bids_after(begun, changed)


def test_a_hole_ends_a_book_until_one_comes() -> None:
    assert bids_after(book(5, ("10", "1")), change(7)) is None
    assert {"1": "1"} == bids_after(book(5, ("10", "1")), change(7), book(3, ("1", "1")))


def test_a_book_of_another_channel_is_none() -> None:
    assert bids_after(book(5, ("10", "1"), channel="orderbook")) is None
    assert bids_after(change(5, (1, "10", "1"))) is None


def test_a_change_has_the_book_before_and_after() -> None:
    _, fact = read("btcturk", book(5, ("10", "1")), change(6, (1, "11", "1")))
    assert fact.book is not None
    assert fact.other is not None
    assert (Decimal(11), Decimal(10)) == (
        fact.book.touch()[0],
        next(iter(fact.other.sides["bids"])),
    )
    assert 5 == fact.last


def test_a_books_last_seconds_are_kept() -> None:
    reading = BtcturkReading()
    for number in range(20):
        list(reading.see(book(number, ("10", str(number + 1)), s=float(number))))
    states = reading.states["a", "XTRY"]
    assert (states[-1][0] - states[1][0]) <= STATES_NS
    assert [Decimal(20)] == list(states[-1][1].sides["bids"].values())


def test_a_pair_is_at_home_where_it_came_from_first() -> None:
    reading = BtcturkReading()
    for record in (book(5, ("10", "1")), say([431, {"CS": 1, "PS": "XTRY", "BO": [], "AO": [],
                   "channel": "obdiff"}], door="b")):  # fmt: skip
        list(reading.see(record))
    assert "a" == reading.homes["XTRY"]
    list(reading.see(ProbeRecord(ts=0, door="a", kind="lost")))
    assert reading.find_book("XTRY") is None


def test_answers_are_opened() -> None:
    reading = BtcturkReading()
    pairs = {"data": {"symbols": [{"name": "XTRY", "status": "TRADING"}]}}
    list(reading.see(answer("/api/v2/server/exchangeinfo", pairs)))
    assert {"XTRY": "TRADING"} == reading.pairs
    levels = {"data": {"bids": [["10.0", "1"]], "asks": []}}
    (fact,) = reading.see(answer("/api/v2/orderbook?pairSymbol=XTRY&limit=100", levels))
    assert fact.other is not None
    assert ("XTRY", {Decimal(10): Decimal(1)}) == (fact.market, fact.other.sides["bids"])


def test_an_answer_that_is_none_has_no_body() -> None:
    for body in ("<html>", "[]", "{}", "null"):
        (fact,) = BtcturkReading().see(answer("/api/v2/orderbook?pairSymbol=XTRY", body))
        assert fact.body is None


def test_kinds_are_numbers_and_a_pair_may_be_named_in_three_ways() -> None:
    facts = read(
        "btcturk",
        ProbeRecord(ts=0, door="a", kind="opened"),
        say([991, {"type": 991}]),
        say([421, {"symbol": "XTRY"}]),
        say([402, {"PS": None, "event": "XTRY"}]),
    )
    assert ["opened", "991", "421", "402"] == [fact.kind for fact in facts]
    assert ["XTRY", "XTRY"] == [fact.market for fact in facts[2:]]
