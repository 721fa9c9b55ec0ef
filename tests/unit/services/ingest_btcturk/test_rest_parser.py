import json
from typing import Any

import pytest

from services.ingest_btcturk import rest_parser
from shared.errors import MalformedMessage
from shared.event import Snapshot
from shared.exchange import ListedMarket
from tests.support.levels import levels

BIDS, ASKS = [["3712281", "0.03866329"]], [["3715990", "0.01663000"]]
TRADE = {
    "date": 1618828421497,
    "tid": "637544252214980918",
    "price": "462585.00",
    "amount": "0.016",
    "side": "sell",
}


def answer(data: Any, **changes: Any) -> bytes:
    envelope = {"data": data, "success": True, "message": None, "code": 0}
    return json.dumps(envelope | changes).encode()


def parse_book(timestamp: Any = None, **changes: Any) -> Snapshot:
    book = {"timestamp": timestamp, "bids": BIDS, "asks": ASKS} | changes
    return rest_parser.parse_book("BTCTRY", answer(book, code="SUCCESS"))


PAIR = {"name": "USDTTRY", "numerator": "USDT", "denominator": "TRY", "status": "TRADING"}


def parse_pairs(*rows: dict[str, Any]) -> list[ListedMarket]:
    return rest_parser.parse_markets(answer({"symbols": rows, "timeZone": "UTC"}))


def test_a_market_is_named_by_its_fields_and_not_by_cutting_its_name() -> None:
    [market] = parse_pairs(PAIR)
    assert ("USDT-TRY", "USDTTRY", "trading") == (market.symbol, market.raw_symbol, market.status)
    assert PAIR == json.loads(market.info)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("HALT", "halted"),
        ("BREAK", "halted"),
        ("DELISTED", "unknown"),
        (None, "unknown"),
        (3, "unknown"),
    ],
)
def test_a_market_has_a_status_whatever_its_word(status: object, expected: str) -> None:
    [market] = parse_pairs(PAIR | {"status": status})
    assert (expected, status if isinstance(status, str) else "") == (
        market.status,
        market.raw_status,
    )


def test_steps_come_from_scales_and_never_from_the_tick_size_of_the_user_interface() -> None:
    limits = {"tickSize": "10", "minExchangeValue": "99.91", "minAmount": None, "maxAmount": None}
    scales = {"numeratorScale": 8, "denominatorScale": 0, "maximumOrderAmount": 3570000000}
    [market] = parse_pairs(PAIR | scales | {"filters": [limits]})
    assert (0, 1.0, 8, 1e-8) == (
        market.price_decimals,
        market.price_increment,
        market.size_decimals,
        market.size_increment,
    )
    assert (None, 3.57e9, 99.91, None) == (
        market.min_size,
        market.max_size,
        market.min_notional,
        market.max_notional,
    )


def test_what_a_market_does_not_say_is_none() -> None:
    [market] = parse_pairs(PAIR | {"numeratorScale": "x", "denominatorScale": -1, "filters": []})
    assert (None, None, None, None) == (
        market.price_decimals,
        market.price_increment,
        market.size_decimals,
        market.min_notional,
    )


def test_a_book_has_no_sequence() -> None:
    bids, asks = [("3712281", "0.03866329")], [("3715990", "0.01663000")]
    expected = Snapshot("BTCTRY", *levels(bids, asks), None, 1787525059089000000)
    assert expected == parse_book(1787525059089)


def test_the_time_of_a_book_may_be_written_as_a_float_or_missing() -> None:
    assert 1568899482709000000 == parse_book(1568899482709.0).ts_event
    assert parse_book(None).ts_event is None


@pytest.mark.parametrize("timestamp", [-1, 10**11, 1e14, 2**63, "soon", True, [], {}])
def test_a_book_whose_time_cannot_be_read_is_one_without_time(timestamp: object) -> None:
    book = parse_book(timestamp)
    assert (None, ("ts_event",)) == (book.ts_event, book.unread)


def test_a_book_of_an_odd_shape_is_read() -> None:
    assert parse_book(bids=[[*BIDS[0], "17"]]) == parse_book()
    assert parse_book(asks=None) == parse_book(asks=[])
    assert [] == parse_book(asks=None).asks
    with pytest.raises(MalformedMessage):
        rest_parser.parse_book("BTCTRY", answer({"timestamp": None}))


def test_what_decorates_a_trade_may_be_of_any_type() -> None:
    odd: list[dict[str, Any]] = [
        {"date": "1618828421.497", "tid": 637544252214980918},
        {"date": "x"},
        {"side": 3},
    ]
    lists = [rest_parser.parse_trades("BTCTRY", answer([TRADE | each])) for each in odd]
    expected = rest_parser.parse_trades("BTCTRY", answer([TRADE]))
    assert lists[0] == expected
    assert [(None, ("ts_event",)), (1618828421497000000, ("side",))] == [
        (trade.ts_event, trade.unread) for each in lists[1:] for trade in each.trades
    ]


@pytest.mark.parametrize("level", [["1E400", "1"], [1, -2], ["1"], ["", "1"], ["0", "1"]])
def test_a_bad_level_is_malformed(level: list[Any]) -> None:
    with pytest.raises(MalformedMessage):
        parse_book(bids=[level])


def test_trades_are_turned_round_and_their_time_may_be_text() -> None:
    rows = [TRADE, TRADE | {"date": "1618828421496", "tid": "5", "side": "buy"}]
    trades = rest_parser.parse_trades("BTCTRY", answer(rows))
    assert ["5", "637544252214980918"] == [trade.trade_id for trade in trades.trades]
    assert [1618828421496000000, 1618828421497000000] == [t.ts_event for t in trades.trades]
    assert ["buy", "sell"] == [trade.side for trade in trades.trades]
    assert not trades.is_cut
    assert rest_parser.parse_trades("BTCTRY", answer(rows * 25)).is_cut


def test_a_side_that_is_not_sent_stays_open() -> None:
    row = {key: value for key, value in TRADE.items() if key != "side"}
    (trade,) = rest_parser.parse_trades("BTCTRY", answer([row])).trades
    assert trade.side is None


def test_a_failure_under_status_200_is_malformed_and_names_its_reason() -> None:
    refused = answer(None, success=False, code=1000, message="SYSTEM_ERROR")
    with pytest.raises(MalformedMessage) as raised:
        rest_parser.parse_book("BTCTRY", refused)
    assert "refused: 1000 SYSTEM_ERROR" == raised.value.reason


def test_an_empty_list_where_an_object_should_be_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        rest_parser.parse_book("BTCTRY", answer([]))
    with pytest.raises(MalformedMessage):
        rest_parser.parse_markets(answer([]))
    assert [] == rest_parser.parse_trades("BTCTRY", answer([])).trades


@pytest.mark.parametrize("code", [0, 200, "SUCCESS", "", None, 1.5, []])
def test_the_code_may_be_anything_where_it_succeeded(code: object) -> None:
    assert [] == rest_parser.parse_trades("BTCTRY", answer([], code=code)).trades


@pytest.mark.parametrize("message", [None, ""])
def test_the_message_may_be_empty_and_more_may_be_added(message: str | None) -> None:
    raw = answer([], message=message, extensions=None)
    assert [] == rest_parser.parse_trades("BTCTRY", raw).trades


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [("49", 49.0), ("0", 1.0), ("", 60.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 60.0), ("-5", 60.0)],
)
def test_a_block_lasts_as_long_as_the_header_says(text: str, wait_s: float) -> None:
    assert wait_s == rest_parser.ban_s(429, {"retry-after": text}, b"", 0)


def test_a_block_has_a_bound_and_a_default() -> None:
    assert 86_400.0 == rest_parser.ban_s(429, {"retry-after": "999999999"}, b"", 0)
    assert 60.0 == rest_parser.ban_s(429, {}, b"", 0)
    assert rest_parser.ban_s(403, {"retry-after": "49"}, b"", 0) is None
