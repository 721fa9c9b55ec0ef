from decimal import Decimal

import pytest

from services.operator.probe.levels import DecimalBook, Touch
from services.operator.probe.table import Assumption, AssumptionTable, JudgedRow
from services.operator.probe.touches import PendingTickers, judge_side

WITHIN_NS = 200


@pytest.fixture
def table() -> AssumptionTable:
    return AssumptionTable([Assumption("X", "", "things")])


@pytest.fixture
def book() -> DecimalBook:
    """Return a book whose best bid was 1 until the time 1000, then 2, then none."""
    book = DecimalBook()
    for ts, price in ((0, 1), (1000, 2)):
        book.set_level("bids", Decimal(price), Decimal(1))
        book.note_touch(ts)
    return book


def ticker(table: AssumptionTable, book: DecimalBook, ts: int, price: int | None) -> JudgedRow:
    pending = PendingTickers(table, "X", WITHIN_NS)
    pending.add("BTC-EUR", ts, book, {"bids": None if price is None else Decimal(price)})
    pending.settle_due(ts + WITHIN_NS)
    assert "not seen" == table.rows()[0].verdict  # the book has its time
    pending.settle_due(ts + WITHIN_NS + 1)
    return table.rows()[0]


@pytest.mark.parametrize(
    ("ts", "price", "verdict"),
    [
        (500, 1, "CONFIRMED"),
        (500, 2, "REFUTED"),
        (801, 2, "CONFIRMED"),  # the book is later
        (1200, 1, "REFUTED"),
        (1199, 1, "CONFIRMED"),  # the ticker is
        (1500, None, "REFUTED"),
    ],
)
def test_a_ticker_is_held_against_the_touches_around_it(
    table: AssumptionTable, book: DecimalBook, ts: int, price: int | None, verdict: str
) -> None:
    assert verdict == ticker(table, book, ts, price).verdict


def test_an_empty_side_agrees_with_an_empty_side(table: AssumptionTable, book: DecimalBook) -> None:
    pending = PendingTickers(table, "X", WITHIN_NS)
    pending.add("BTC-EUR", 500, book, {"asks": None})
    pending.settle_due(1000)
    assert "CONFIRMED" == table.rows()[0].verdict


def test_a_ticker_without_a_price_or_a_book_that_is_known_says_nothing(
    table: AssumptionTable, book: DecimalBook
) -> None:
    pending = PendingTickers(table, "X", WITHIN_NS)
    pending.add("BTC-EUR", 500, book, {})
    pending.add("BTC-EUR", 500, DecimalBook(), {"bids": Decimal(1)})
    pending.settle_due(5000)
    assert "not seen" == table.rows()[0].verdict


TOUCHES: list[Touch] = [(Decimal(9), Decimal(11)), (Decimal(10), Decimal(12))]


@pytest.mark.parametrize(
    ("price", "side", "verdict"),
    [
        (12, "buy", "CONFIRMED"),
        (11, "buy", "CONFIRMED"),
        (11, "sell", "REFUTED"),
        (10, "sell", "CONFIRMED"),
        (9, "buy", "REFUTED"),
    ],
)
def test_a_buy_is_at_the_ask_or_above(
    table: AssumptionTable, price: int, side: str, verdict: str
) -> None:
    judge_side(table, "X", TOUCHES, is_buy=side == "buy", price=Decimal(price), example="")
    assert verdict == table.rows()[0].verdict


def test_a_price_between_or_at_both_says_nothing(table: AssumptionTable) -> None:
    moved: list[Touch] = [*TOUCHES, (Decimal(13), Decimal(14))]
    for touches, price in ((TOUCHES, "10.5"), (moved, "12"), ([(None, None)], "12")):
        judge_side(table, "X", touches, is_buy=True, price=Decimal(price), example="")
    assert "not seen" == table.rows()[0].verdict
