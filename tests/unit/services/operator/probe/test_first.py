from collections.abc import Mapping
from decimal import Decimal

import pytest
from msgspec.structs import replace

from services.operator.probe.evaluation import COMMON
from services.operator.probe.first import FirstReading
from services.operator.probe.levels import DecimalBook
from services.operator.probe.record import Kind, ProbeRecord
from services.operator.probe.table import AssumptionTable, JudgedRow
from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Snapshot, Throttled
from shared.exchange import Call, Exchange, Message, Raw, Rest

MESSAGES: Mapping[str, Message] = {
    "book 5": Snapshot("X", [(9.0, 1.0)], [(11.0, 1.0)], sequence=5),
    "book 6": Snapshot("X", [(8.0, 1.0)], [(12.0, 1.0)], sequence=6),
    "5": Delta("X", [(10.0, 5.0)], [], sequence=5),
    "6": Delta("X", [(10.0, 2.0)], [], sequence=6),
    "7": Delta("X", [(7.0, 2.0)], [], sequence=7),
    "9": Delta("X", [(6.0, 2.0)], [], sequence=9),
    "novelty": Chatter("novelty", is_known=False),
    "ping": Chatter("ping"),
    "stop": Throttled("stop", wait_s=9.0),
}


def parse(raw: Raw) -> list[Message]:
    text = bytes(raw).decode()
    if text not in MESSAGES:
        raise MalformedMessage("it is none", raw=text)
    return [MESSAGES[text]]


EXCHANGE = Exchange(
    name="toy",
    symbols=("X-Y",),
    websocket_url="",
    rest_url="",
    symbols_per_socket=1,
    raw_symbol=str,
    parse=parse,
    subscribe=lambda _channels, _symbols: [],
    unsubscribe=lambda _channels, _symbols: [],
    ready="data",
    snapshot_by="message",
    limits={},
    rest=Rest(
        markets=Call(path=lambda: "/"),
        parse_markets=lambda _raw: [],
        book=Call(path=lambda _raw_symbol: "/"),
        parse_book=lambda raw_symbol, _raw: Snapshot(raw_symbol, [], []),
        ban_s=lambda *_: None,
    ),
)
FIRST = replace(EXCHANGE, snapshot_by="first", window=1)
KEY = "a", "X"


@pytest.fixture
def table() -> AssumptionTable:
    return AssumptionTable(COMMON)


def read(table: AssumptionTable, *texts: str, exchange: Exchange = EXCHANGE) -> FirstReading:
    first = FirstReading(exchange, table)
    for ts, text in enumerate(texts):
        first.see(record(text, ts=ts))
    return first


def record(text: str = "", *, ts: int = 0, kind: Kind = "text") -> ProbeRecord:
    return ProbeRecord(ts=ts, door="a", kind=kind, text=text)


def book(sequence: int, bids: dict[str, str], asks: dict[str, str]) -> DecimalBook:
    other = DecimalBook()
    for side, levels in (("bids", bids), ("asks", asks)):
        for price, size in levels.items():
            other.set_level(side, Decimal(price), Decimal(size))
    other.sequence = sequence
    return other


def row(table: AssumptionTable, name: str) -> JudgedRow:
    return next(row for row in table.rows() if row.assumption.id == name)


def find_differences(table: AssumptionTable) -> tuple[str, ...]:
    return row(table, "P3").examples


def test_changes_that_came_before_their_book_are_spliced_in(table: AssumptionTable) -> None:
    first = read(table, "5", "6", "book 5", "7")
    first.compare_book(KEY, book(7, {"9": "1", "10": "2.0", "7": "2"}, {"11": "1"}))
    assert ("4 levels compared, 0 differ", ()) == (row(table, "P3").seen, find_differences(table))


def test_a_level_that_differs_is_named(table: AssumptionTable) -> None:
    first = read(table, "book 5", "6")
    first.compare_book(KEY, book(6, {"9": "1", "10": "2.5"}, {"11": "1", "12": "1"}))
    expected = ("X on a, bids 10.0: 2.0 for 2.5", "X on a, asks 12.0: None for 1.0")
    assert expected == find_differences(table)


def test_books_of_two_moments_are_not_compared(table: AssumptionTable) -> None:
    first = read(table, "book 5", "6")
    for key, other in ((KEY, book(5, {}, {})), (("b", "X"), book(6, {}, {})), (KEY, None)):
        first.compare_book(key, other)
    assert "not seen" == row(table, "P3").verdict


def test_a_gap_ends_a_book(table: AssumptionTable) -> None:
    first = read(table, "book 5", "6", "9")
    first.compare_book(KEY, book(6, {}, {}))
    assert "not seen" == row(table, "P3").verdict


def test_a_book_of_another_moment_begins_no_new_one(table: AssumptionTable) -> None:
    first = read(table, "book 5", "book 6", "6")
    first.compare_book(KEY, book(6, {"9": "1", "10": "2"}, {"11": "1"}))
    assert () == find_differences(table)
    first.see(record("book 6"))  # of this moment it does
    first.compare_book(KEY, book(6, {"8": "1"}, {"12": "1"}))
    assert () == find_differences(table)


def test_a_book_older_than_what_waits_begins_nothing(table: AssumptionTable) -> None:
    first = read(table, "7", "book 5")
    first.compare_book(KEY, book(5, {}, {}))
    assert "not seen" == row(table, "P3").verdict


def test_where_books_come_by_themselves_each_begins_anew_and_its_window_is_kept(
    table: AssumptionTable,
) -> None:
    first = read(table, "book 5", "book 6", "7", exchange=FIRST)
    first.compare_book(KEY, book(7, {"8": "1"}, {"12": "1"}))
    assert ("2 levels compared, 0 differ", ()) == (row(table, "P3").seen, find_differences(table))


@pytest.mark.parametrize("kind", ["closed", "lost"])
def test_a_socket_that_is_gone_takes_its_books_along(table: AssumptionTable, kind: Kind) -> None:
    first = read(table, "book 5")
    first.see(record(kind=kind))
    first.compare_book(KEY, book(5, {}, {}))
    assert "not seen" == row(table, "P3").verdict


def test_messages_are_counted_by_what_they_say(table: AssumptionTable) -> None:
    first = read(table, *["ping"] * 99, "garbage", "novelty", "novelty")
    first.finish()
    assert ("REFUTED", ("it is none: garbage",)) == (
        row(table, "P1").verdict,
        row(table, "P1").examples,
    )
    assert "REFUTED" == row(table, "P2").verdict
    assert "2 novelty" in row(table, "P2").seen
    assert first.throttled is None


def test_only_what_an_exchange_sends_is_read(table: AssumptionTable) -> None:
    read(table).see(record("garbage", kind="sent"))
    assert "not seen" == row(table, "P1").verdict


def test_a_word_to_stop_is_kept(table: AssumptionTable) -> None:
    assert MESSAGES["stop"] == read(table, "stop").throttled
