import json
from typing import Any

import pytest

from services.ingest_bitvavo import parser
from services.ingest_bitvavo.exchange import EXCHANGE
from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Refused, Snapshot, Subscribed, Throttled, Ticker, Trade
from shared.exchange import Message, Outage
from tests.support.levels import levels

NOW_NS = 1_790_000_000_000_000_000
INT64_MAX = 2**63 - 1
BOOK = {
    "event": "book",
    "market": "BTC-EUR",
    "nonce": 413289768,
    "bids": [["74968.00", "0"], ["75516.00", "0.00058294"]],
    "asks": [],
    "timestamp": 1790126693594483831,
}
ANSWER = {
    "market": "BTC-EUR",
    "nonce": 413297445,
    "bids": [["75521", "0.05641959"]],
    "asks": [["75522", "0.0235618"]],
    "timestamp": 1790127496313579360,
}
TRADE = {
    "event": "trade",
    "timestamp": 1785792508187,
    "market": "BTC-EUR",
    "id": "00000000-0000-0431-0000-0000036275c9",
    "amount": "0.00045068",
    "price": "55316",
    "side": "buy",
}
TICKER = {"event": "ticker", "market": "BTC-EUR", "bestBid": "75743", "bestBidSize": "0.1405"}


def parse(message: dict[str, Any], **changes: Any) -> list[Message]:
    return parser.parse(json.dumps(message | changes).encode())


def refusal(message: dict[str, Any], **changes: Any) -> MalformedMessage:
    with pytest.raises(MalformedMessage) as raised:
        parse(message, **changes)
    return raised.value


def test_a_book_event_is_a_delta_in_its_own_words() -> None:
    bids = [("74968.00", "0"), ("75516.00", "0.00058294")]
    assert [Delta("BTC-EUR", *levels(bids, []), 413289768, 1790126693594483831)] == parse(BOOK)


def test_a_book_event_of_old_has_no_time() -> None:
    without = {key: value for key, value in BOOK.items() if key != "timestamp"}
    (delta,) = parse(without)
    assert isinstance(delta, Delta)
    assert delta.ts_event is None
    assert parse(BOOK, timestamp=None) == [delta]


def test_a_time_of_13_digits_is_in_milliseconds() -> None:
    (delta,) = parse(BOOK, timestamp=1790126693594)
    assert isinstance(delta, Delta)
    assert 1790126693594000000 == delta.ts_event


def test_levels_stay_unsorted_and_either_side_may_be_empty() -> None:
    asks = [["3", "1"], ["1", "2"], ["2", "0"]]
    (delta,) = parse(BOOK, bids=[], asks=asks)
    assert isinstance(delta, Delta)
    assert ([], [(3.0, 1.0), (1.0, 2.0), (2.0, 0.0)]) == (delta.bids, delta.asks)
    (delta,) = parse(BOOK, bids=[], asks=[])
    assert isinstance(delta, Delta)
    assert ([], []) == (delta.bids, delta.asks)


def test_118_levels_in_one_event_are_taken() -> None:
    (delta,) = parse(BOOK, asks=[[f"{price}.00", "1"] for price in range(1, 119)])
    assert isinstance(delta, Delta)
    assert 118 == len(delta.asks)


def test_a_nonce_beyond_int32_is_taken_up_to_int64() -> None:
    (delta,) = parse(BOOK, nonce=INT64_MAX)
    assert isinstance(delta, Delta)
    assert INT64_MAX == delta.sequence
    assert "BTC-EUR" == refusal(BOOK, nonce=INT64_MAX + 1).raw_symbol


@pytest.mark.parametrize(
    ("timestamp", "ts_event"),
    [
        (1790126693594483831, 1790126693594483831),
        (1790126693594483, 1790126693594483000),
        (1790126693594, 1790126693594000000),
        (1790126693, 1790126693000000000),
        (1790126693.25, 1790126693250000000),
        (1790126693594.0, 1790126693594000000),
        ("1790126693594483831", 1790126693594483831),
        ("1790126693.594483831", 1790126693594483831),
    ],
)
def test_a_time_is_read_in_whatever_unit_and_type(timestamp: object, ts_event: int) -> None:
    (delta,) = parse(BOOK, timestamp=timestamp)
    assert isinstance(delta, Delta)
    assert (ts_event, ()) == (delta.ts_event, delta.unread)
    (trade,) = parse(TRADE, timestamp=timestamp)
    assert isinstance(trade, Trade)
    assert (ts_event, ()) == (trade.ts_event, trade.unread)


@pytest.mark.parametrize(
    "timestamp",
    [-1, 0, 10**11, 10**14 - 1, 2**63, 10**30, 9e17, "soon", "", "1" * 5000, True, [1], {"a": 1}],
)
def test_an_event_whose_time_cannot_be_read_is_one_without_time(timestamp: object) -> None:
    (delta,) = parse(BOOK, timestamp=timestamp)
    (snapshot,) = parse({"action": "getBook", "response": ANSWER | {"timestamp": timestamp}})
    (trade,) = parse(TRADE, timestamp=timestamp)
    for event in (delta, snapshot, trade):
        assert isinstance(event, Delta | Snapshot | Trade)
        assert (None, ("ts_event",)) == (event.ts_event, event.unread)
    assert isinstance(delta, Delta)
    assert ([(74968.0, 0.0), (75516.0, 0.00058294)], 413289768) == (delta.bids, delta.sequence)


@pytest.mark.parametrize("levels", [[["1"]], [[1, True]], [None], {}, "1", 0, False])
def test_levels_of_another_shape_are_malformed(levels: object) -> None:
    assert "BTC-EUR" == refusal(BOOK, asks=levels).raw_symbol


def test_what_stands_behind_the_size_of_a_level_is_passed_over() -> None:
    bids = [["74968.00", "0", "3"], ["75516.00", "0.00058294", {"orders": []}, None]]
    (delta,) = parse(BOOK, bids=bids)
    assert parse(BOOK) == [delta]
    answer = ANSWER | {"bids": [["75521", "0.05641959", 7]]}
    expected = parse({"action": "getBook", "response": ANSWER})
    assert expected == parse({"action": "getBook", "response": answer})
    assert expected == [parser.parse_book("BTC-EUR", json.dumps(answer).encode())]


def test_a_side_that_is_null_or_missing_is_empty() -> None:
    expected = parse(BOOK, asks=[])
    assert expected == parse(BOOK, asks=None)
    assert expected == parse({key: value for key, value in BOOK.items() if key != "asks"})
    whole = parse({"action": "getBook", "response": ANSWER | {"asks": []}})
    assert whole == parse({"action": "getBook", "response": ANSWER | {"asks": None}})
    without = {key: value for key, value in ANSWER.items() if key != "asks"}
    assert whole == parse({"action": "getBook", "response": without})


def test_a_book_that_names_no_side_is_no_book() -> None:
    without = {key: value for key, value in BOOK.items() if key not in {"asks", "bids"}}
    assert "BTC-EUR" == refusal(without).raw_symbol
    answer = {key: value for key, value in ANSWER.items() if key not in {"asks", "bids"}}
    assert "BTC-EUR" == refusal({"action": "getBook", "response": answer}).raw_symbol
    with pytest.raises(MalformedMessage):
        parser.parse_book("BTC-EUR", json.dumps(answer).encode())


@pytest.mark.parametrize("level", [["1e400", "1"], ["5", "-1"], ["", "1"], ["0.00", "1"]])
def test_levels_of_another_form_are_malformed(level: list[str]) -> None:
    assert "BTC-EUR" == refusal(BOOK, asks=[level]).raw_symbol


def test_a_broken_book_message_names_its_market_as_long_as_it_can_be_read() -> None:
    raw = json.dumps(BOOK).encode()
    for end, raw_symbol in ((len(raw) - 1, "BTC-EUR"), (30, None)):
        with pytest.raises(MalformedMessage) as raised:
            parser.parse(raw[:end])
        assert raw_symbol == raised.value.raw_symbol


def test_bytes_that_are_not_utf_8_are_malformed() -> None:
    with pytest.raises(MalformedMessage) as raised:
        parser.parse(json.dumps(BOOK).encode().replace(b"75516.00", b"75\xff16.00"))
    assert "BTC-EUR" == raised.value.raw_symbol


def test_a_broken_trade_or_ticker_leaves_the_book_alone() -> None:
    assert refusal(TRADE, price="x").raw_symbol is None
    assert refusal(TICKER, bestBid="-1").raw_symbol is None


def test_an_answer_to_get_book_is_a_snapshot() -> None:
    bids, asks = [("75521", "0.05641959")], [("75522", "0.0235618")]
    expected = Snapshot("BTC-EUR", *levels(bids, asks), 413297445, 1790127496313579360)
    assert [expected] == parse({"action": "getBook", "requestId": 1, "response": ANSWER})
    assert [expected] == parse({"action": "getBook", "response": ANSWER})


@pytest.mark.parametrize(
    "changes",
    [{"bids": [["x", "1"]]}, {"nonce": None}, {"asks": {}}, {"bids": [["1", "2", "3"], []]}],
)
def test_a_broken_answer_to_get_book_names_its_market(changes: dict[str, Any]) -> None:
    assert "BTC-EUR" == refusal({"action": "getBook", "response": ANSWER | changes}).raw_symbol


@pytest.mark.parametrize(
    ("channel", "raw"),
    [
        ("book", b'{"event":"book","market":"BTC-EUR"}'),
        ("book", b'{"action": "getBook","response":{}}'),
        ("trades", b'{"event": "trade","market":"BTC-EUR"}'),
        ("ticker", b'{"event":"ticker"}'),
        (None, b"\xff"),
        (None, b'{"event":"subscribed"}'),
    ],
)
def test_what_is_malformed_is_of_the_channel_that_it_names(channel: str | None, raw: bytes) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        parser.parse(raw)
    assert channel == refusal.value.channel


def test_an_answer_without_a_book_is_malformed() -> None:
    assert refusal({"action": "getBook"}).raw_symbol is None


def test_a_trade_has_its_nanoseconds_where_they_are_sent() -> None:
    trade = Trade(
        raw_symbol="BTC-EUR",
        trade_id="00000000-0000-0431-0000-0000036275c9",
        side="buy",
        price=55316.0,
        size=0.00045068,
        ts_event=1785792508187000000,
    )
    assert [trade] == parse(TRADE)
    (finer,) = parse(TRADE, timestampNs=1785792508187273941)
    assert isinstance(finer, Trade)
    assert 1785792508187273941 == finer.ts_event


def test_a_trade_without_a_side_leaves_it_open() -> None:
    (trade,) = parse({key: value for key, value in TRADE.items() if key != "side"})
    assert isinstance(trade, Trade)
    assert trade.side is None


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": "two\nlines"},
        {"id": "x" * 65},
        {"id": "two words"},
        {"id": "\u00e9"},
        {"id": -17},
        {"id": 1.5},
        {"id": None},
        {"price": True},
        {"amount": "1e"},
        {"amount": "-1"},
    ],
)
def test_a_trade_of_another_form_is_malformed(changes: dict[str, Any]) -> None:
    assert "`$." in refusal(TRADE, **changes).reason


def test_the_id_of_a_trade_may_be_a_number() -> None:
    (trade,) = parse(TRADE, id=100123456789012345)
    assert isinstance(trade, Trade)
    assert "100123456789012345" == trade.trade_id


@pytest.mark.parametrize("side", ["hold", "", 1, True, ["buy"], {"a": 1}])
def test_a_trade_whose_side_cannot_be_read_is_one_without_side(side: object) -> None:
    (trade,) = parse(TRADE, side=side)
    assert isinstance(trade, Trade)
    assert (None, ("side",), 55316.0) == (trade.side, trade.unread, trade.price)


def test_nanoseconds_that_cannot_be_read_leave_the_milliseconds() -> None:
    for timestamp_ns in (2**63, "soon", None):
        (trade,) = parse(TRADE, timestampNs=timestamp_ns)
        assert isinstance(trade, Trade)
        assert (1785792508187000000, ()) == (trade.ts_event, trade.unread)


def test_a_ticker_says_only_what_it_says() -> None:
    assert [Ticker("BTC-EUR", bid_price=75743.0, bid_size=0.1405)] == parse(TICKER)
    ask = {"event": "ticker", "market": "X", "bestAsk": "2", "bestAskSize": "1", "lastPrice": "3"}
    assert [Ticker("X", ask_price=2.0, ask_size=1.0, last_price=3.0)] == parse(ask)
    assert [Ticker("X")] == parse({"event": "ticker", "market": "X"})


@pytest.mark.parametrize("nothing", [None, "", "0", 0, "0.00"])
def test_a_side_of_a_ticker_that_is_null_is_gone(nothing: object) -> None:
    bid = {"event": "ticker", "market": "X", "bestBid": nothing, "bestBidSize": "0"}
    assert [Ticker("X", gone=("bid_price", "bid_size"))] == parse(bid)
    ask = {"event": "ticker", "market": "X", "bestBid": "1", "bestAsk": nothing}
    assert [Ticker("X", bid_price=1.0, gone=("ask_price", "ask_size"))] == parse(ask)
    assert [Ticker("X", gone=("last_price",))] == parse(
        {"event": "ticker", "market": "X", "lastPrice": nothing}
    )


def test_a_confirmation_names_everything_by_channel() -> None:
    subscriptions = {"trades": ["A-EUR"], "book": ["A-EUR", "B-EUR"], "candles": {"1m": ["A-EUR"]}}
    expected = [Subscribed("book", ["A-EUR", "B-EUR"]), Subscribed("trades", ["A-EUR"])]
    assert expected == parse({"event": "subscribed", "subscriptions": subscriptions})


def test_a_confirmation_may_be_called_book_as_one_page_says() -> None:
    message = {"event": "book", "subscriptions": {"book": ["A-EUR"]}}
    assert [Subscribed("book", ["A-EUR"])] == parse(message)


def test_a_confirmation_of_nothing_readable_is_malformed() -> None:
    refusal({"event": "subscribed"})
    refusal({"event": "subscribed", "subscriptions": ["BTC-EUR"]})


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"event": "unsubscribed", "subscriptions": {"book": ["A-EUR"]}}, "unsubscribed"),
        ({"event": "candle", "market": "A-EUR", "candle": []}, "candle"),
        ({"event": "ticker24h", "data": [{}]}, "ticker24h"),
        ({"event": "ticker24h", "data": {}}, "ticker24h"),
        ({"action": "getTime", "response": {"time": 1}}, "getTime"),
    ],
)
def test_what_means_nothing_to_us_is_chatter(message: dict[str, Any], kind: str) -> None:
    assert [Chatter(kind)] == parse(message)


@pytest.mark.parametrize("message", [{"event": "news"}, {"action": "news"}])
def test_what_nobody_knows_is_told_apart_by_its_name(message: dict[str, Any]) -> None:
    assert [Chatter("news", is_known=False)] == parse(message)


def test_an_error_comes_before_the_action_and_the_event() -> None:
    (notice,) = parse(BOOK, errorCode=105, error="")
    assert isinstance(notice, Throttled)
    (notice,) = parse(TRADE, errorCode=105)
    assert isinstance(notice, Throttled)
    (notice,) = parse(TICKER, errorCode=105)
    assert isinstance(notice, Throttled)
    halted = {"event": "error", "errorCode": 431, "error": "getBook is not available"}
    assert [Refused("snapshot", "431 getBook is not available", is_halted=True)] == parse(halted)


def test_an_unknown_market_refuses_a_subscription_by_name() -> None:
    error = "market parameter NOPE-EUR is invalid."
    expected = Refused("subscribe", f"205 {error}", "NOPE-EUR")
    assert [expected] == parse({"action": "subscribe", "errorCode": 205, "error": error})
    assert [expected] == parse({"event": "error", "errorCode": 205, "error": error})


@pytest.mark.parametrize(
    "error", ["market parameter is invalid.", "channel.name parameter is invalid.", ""]
)
def test_a_refusal_that_names_no_market_names_none(error: str) -> None:
    expected = Refused("subscribe", f"205 {error}")
    assert [expected] == parse({"action": "subscribe", "errorCode": 205, "error": error})


def test_a_halted_market_refuses_its_snapshot_with_or_without_its_name() -> None:
    error = "getBook is not available for WMTX-EUR in state HALTED"
    message = {"action": "getBook", "errorCode": 431, "error": error}
    expected = Refused("snapshot", f"431 {error}", "WMTX-EUR", is_halted=True)
    assert [expected] == parse(message)
    assert [expected] == parse(message, requestId=91, market="WMTX-EUR")


def test_a_halted_market_may_refuse_its_subscription_too() -> None:
    error = "subscribe is not available for WMTX-EUR in state HALTED"
    expected = Refused("subscribe", f"431 {error}", "WMTX-EUR", is_halted=True)
    assert [expected] == parse({"action": "subscribe", "errorCode": 431, "error": error})


@pytest.mark.parametrize("code", [101, 107, 108, 109, 111, 203, 400, 419, 430, 999_999])
def test_any_other_error_about_a_snapshot_refuses_it_for_now(code: int) -> None:
    message = {"action": "getBook", "market": "A-EUR", "errorCode": code, "error": "busy"}
    assert [Refused("snapshot", f"{code} busy", "A-EUR")] == parse(message)


@pytest.mark.parametrize("code", [101, 107, 108, 109, 111, 419, 430])
def test_a_busy_exchange_is_no_word_against_the_symbols(code: int) -> None:
    message = {"action": "subscribe", "errorCode": code, "error": "busy"}
    assert [Chatter(f"error {code}")] == parse(message)


@pytest.mark.parametrize(
    ("code", "kind"), [(102, "error 102"), (415, "error 415"), (-1, "error"), (10**30, "error")]
)
def test_an_error_about_nothing_of_ours_is_counted(code: int, kind: str) -> None:
    assert [Chatter(kind)] == parse({"errorCode": code, "error": "?"})
    assert [Chatter(kind)] == parse({"action": "unsubscribe", "errorCode": code})


@pytest.mark.parametrize(
    ("code", "wait_s"),
    [(103, None), (105, parser.BAN_S), (110, parser.BAN_S), (112, None), (429, parser.BAN_S)],
)
def test_every_number_that_says_stop_is_obeyed(code: int, wait_s: float | None) -> None:
    message = {"action": "getBook", "market": "A-EUR", "errorCode": code, "error": "Stop."}
    assert [Throttled(f"{code} Stop.", wait_s=wait_s)] == parse(message)


def test_the_end_of_a_ban_is_taken_from_its_text() -> None:
    error = "Your IP or API key has been banned. The ban expires at 1790000900000."
    expected = Throttled(f"105 {error}", until_ns=1790000900000 * 10**6)
    assert [expected] == parse({"errorCode": 105, "error": error})


def test_the_reason_of_a_refusal_has_a_bound() -> None:
    (notice,) = parse({"action": "subscribe", "errorCode": 205, "error": "x" * 100_000})
    assert isinstance(notice, Refused)
    assert 200 == len(notice.reason)


def test_one_message_asks_for_all_channels_and_symbols() -> None:
    (message,) = parser.subscribe(["book", "trades"], ["A-EUR", "B-EUR"])
    assert {
        "action": "subscribe",
        "channels": [
            {"name": "book", "markets": ["A-EUR", "B-EUR"]},
            {"name": "trades", "markets": ["A-EUR", "B-EUR"]},
        ],
    } == json.loads(message)
    assert [] == parser.subscribe([], ["A-EUR"]) == parser.subscribe(["book"], [])
    (message,) = parser.unsubscribe(["ticker"], ["A-EUR"])
    assert "unsubscribe" == json.loads(message)["action"]


def test_a_snapshot_is_asked_for_as_deep_as_it_goes() -> None:
    expected = {"action": "getBook", "market": "A-EUR", "depth": 1000}
    assert expected == json.loads(parser.request_snapshot("A-EUR"))


@pytest.mark.parametrize(
    ("raw_status", "status"),
    [
        ("trading", "trading"),
        ("halted", "halted"),
        ("auction", "auction"),
        ("auctionMatching", "auction"),
        ("cancelOnly", "cancel_only"),
        ("new", "unknown"),
        (None, "unknown"),
        (5, "unknown"),
    ],
)
def test_a_market_has_a_status_whatever_its_word(raw_status: object, status: str) -> None:
    rows = [{"market": "A-EUR", "status": raw_status}, {"market": "B-EUR", "status": "trading"}]
    markets = parser.parse_markets(json.dumps(rows).encode())
    assert [("A-EUR", "A-EUR", status), ("B-EUR", "B-EUR", "trading")] == [
        (market.symbol, market.raw_symbol, market.status) for market in markets
    ]
    assert (raw_status if isinstance(raw_status, str) else "") == markets[0].raw_status


def test_a_single_market_comes_without_a_list() -> None:
    row = {"market": "A-EUR", "status": "trading"}
    [market] = parser.parse_markets(b" " + json.dumps(row).encode())
    assert ("A-EUR", row) == (market.symbol, json.loads(market.info))


@pytest.mark.parametrize(
    ("tick_size", "decimals", "increment"),
    [
        ("1.00", 0, 1.0),
        ("0.0000000100", 8, 1e-8),
        ("10", 0, 10.0),
        (5, 0, 5.0),
        (0.01, 2, 0.01),
        (None, None, None),
        ("0", None, None),
        ("soon", None, None),
        ("1e400", None, None),
        ("1e-31", None, None),
        ("1e-99999999", None, None),
        ([], None, None),
    ],
)
def test_a_step_has_the_decimals_of_its_digits_whatever_its_type(
    tick_size: object, decimals: int | None, increment: float | None
) -> None:
    row = {"market": "A-EUR", "status": "trading", "pricePrecision": 5, "tickSize": tick_size}
    [market] = parser.parse_markets(json.dumps([row]).encode())
    assert (decimals, increment) == (market.price_decimals, market.price_increment)


def test_the_bounds_of_orders_are_read_and_what_cannot_be_is_none() -> None:
    row = {
        "market": "A-EUR",
        "quantityDecimals": 6,
        "minOrderInBaseAsset": "11.470558",
        "maxOrderInBaseAsset": 10,
        "minOrderInQuoteAsset": "-5",
        "maxOrderInQuoteAsset": {},
    }
    [market] = parser.parse_markets(json.dumps([row]).encode())
    assert (6, 1e-6, 11.470558, 10.0, None, None) == (
        market.size_decimals,
        market.size_increment,
        market.min_size,
        market.max_size,
        market.min_notional,
        market.max_notional,
    )


def test_a_row_that_is_too_long_is_left_out_and_one_without_a_name_refuses_the_list() -> None:
    [market] = parser.parse_markets(json.dumps([{"market": "A-EUR", "x": "y" * 5000}]).encode())
    assert "{}" == market.info
    for bad in (b'{"status":"trading"}', b'{"market":"B-EUR","x":"\xff"}'):
        with pytest.raises(MalformedMessage):
            parser.parse_markets(b'[{"market":"A-EUR"},' + bad + b"]")


def test_a_book_over_rest_is_that_of_get_book() -> None:
    raw = json.dumps(ANSWER).encode()
    assert parse({"action": "getBook", "response": ANSWER}) == [parser.parse_book("BTC-EUR", raw)]
    with pytest.raises(MalformedMessage):
        parser.parse_book("ETH-EUR", raw)


def test_trades_over_rest_are_turned_round() -> None:
    row = {"timestamp": 5, "amount": "1", "price": "2", "side": "sell"}
    rows = [row | {"id": name} for name in ("c", "b", "a")] + [row | {"id": "0", "timestamp": 4}]
    trades = parser.parse_trades("A-EUR", json.dumps(rows).encode())
    assert ["0", "a", "b", "c"] == [trade.trade_id for trade in trades.trades]
    assert not trades.is_cut
    assert parser.parse_trades("A-EUR", json.dumps(rows * 250).encode()).is_cut


@pytest.mark.parametrize(
    ("state", "is_halted"),
    [
        ("HALTED", True),
        ("", True),
        ("AUCTION", False),
        ("auctionMatching", False),
        ("CANCELONLY", False),
    ],
)
def test_a_book_that_cannot_be_had_is_halted_unless_its_market_goes_on(
    state: str, *, is_halted: bool
) -> None:
    error = f"getBook is not available for A-EUR in state {state}"
    [refused] = parse({"action": "getBook", "errorCode": 431, "error": error, "market": "A-EUR"})
    assert isinstance(refused, Refused)
    assert ("A-EUR", is_halted) == (refused.raw_symbol, refused.is_halted)


def test_a_confirmation_may_have_a_channel_that_is_null() -> None:
    message = {"event": "subscribed", "subscriptions": {"book": ["A-EUR"], "trades": None}}
    assert [Subscribed("book", ["A-EUR"])] == parse(message)


def test_a_ban_ends_when_its_text_says_so_else_after_15_minutes() -> None:
    text = b'{"errorCode":105,"error":"The ban expires at 1790000600000."}'
    # The next whole minute, which is not the end of a ban.
    headers = {"bitvavo-ratelimit-resetat": "1790000060000"}
    assert 600.0 == parser.ban_s(429, headers, text, NOW_NS)
    assert 900.0 == parser.ban_s(429, headers, b"{}", NOW_NS)
    assert 900.0 == parser.ban_s(429, {}, b"<html>", NOW_NS)
    assert 30.0 == parser.ban_s(429, {"retry-after": "30"}, b"<html>", NOW_NS)
    for odd in ("", "soon", "-5", "1" * 5000):
        assert 900.0 == parser.ban_s(429, {"retry-after": odd}, b"{}", NOW_NS)


def test_a_ban_has_bounds_whatever_the_clocks_say() -> None:
    def wait_s(end_ms: int) -> float | None:
        return parser.ban_s(429, {}, b'{"error":"The ban expires at %d."}' % end_ms, NOW_NS)

    assert parser.BAN_S_MIN == wait_s(1_700_000_000_000)
    assert parser.BAN_S_MAX == wait_s(4_000_000_000_000)
    assert parser.BAN_S == wait_s(9_999_999_999_999)  # no time of this century


@pytest.mark.parametrize("status", [400, 403, 404, 409, 503])
@pytest.mark.parametrize("code", [105, 110, 112])
def test_an_error_with_another_status_than_429_is_of_one_question(status: int, code: int) -> None:
    assert parser.ban_s(status, {}, b'{"errorCode":%d}' % code, NOW_NS) is None


@pytest.mark.parametrize(("status", "code"), [(409, 431), (400, 205), (503, 107), (200, 0)])
def test_any_other_error_is_no_ban(status: int, code: int) -> None:
    assert parser.ban_s(status, {}, b'{"errorCode":%d}' % code, NOW_NS) is None


@pytest.mark.parametrize(
    ("last_s", "lost_s", "start_s"),
    [
        (None, 5, 65),  # the trade before the outage is in the list, where there is one of late
        (30, 5, 65),
        (7200, 5, 7200),
        (90_000, 5, 86_340),  # 24 hours from start to end are the most
        (90_000, 80_000, 86_340),
        (90_000, 89_000, 86_340),
    ],
)
def test_trades_are_asked_for_from_before_the_outage_as_far_as_can_be(
    last_s: int | None, lost_s: int, start_s: int
) -> None:
    ts_event = None if last_s is None else NOW_NS - last_s * 10**9
    query = parser.trades_query(Outage("1", ts_event, NOW_NS - lost_s * 10**9), NOW_NS)
    start_ms, end_ms = NOW_NS // 10**6 - start_s * 1000, NOW_NS // 10**6 + 60_000
    assert f"limit=1000&start={start_ms}&end={end_ms}" == query


def test_what_it_declares_is_what_its_pages_say() -> None:
    assert (1000, 60.0) == (EXCHANGE.limits["points"].points, EXCHANGE.limits["points"].interval_s)
    rest = EXCHANGE.rest
    assert rest.trades is not None
    assert "/markets" == rest.markets.path()
    assert "/A-EUR/book?depth=1000" == rest.book.path("A-EUR")
    assert rest.trades.path("A-EUR", Outage("0-1", None, NOW_NS - 10**9), NOW_NS) == (
        "/A-EUR/trades?limit=1000&start=1789999939000&end=1790000060000"
    )
    costs = (EXCHANGE.subscribe_cost, EXCHANGE.snapshot_cost, rest.markets.cost, rest.book.cost)
    assert [1, 1, 1, 1] == [cost.points for cost in costs if cost]
    assert rest.trades.cost is not None
    assert 5 == rest.trades.cost.points
    assert 0.2 == EXCHANGE.snapshot_interval_s  # 5 a second
    assert "acknowledgement" == EXCHANGE.ready
    assert "BTC-EUR" == EXCHANGE.raw_symbol("BTC-EUR")
