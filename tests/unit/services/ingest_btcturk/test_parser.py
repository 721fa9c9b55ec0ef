import json
from typing import Any

import pytest

from services.ingest_btcturk import parser
from services.ingest_btcturk.exchange import EXCHANGE
from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Refused, Snapshot, Subscribed, Ticker, Trade, TradeList
from shared.exchange import Message
from tests.support.levels import levels

FULL = {
    "CS": 3999242,
    "PS": "BTCUSDT",
    "AO": [{"A": "0.00288357", "P": "86699"}],
    "BO": [{"A": "0.00863785", "P": "86689"}],
    "channel": "obdiff",
    "event": "BTCUSDT",
    "type": 431,
}
CHANGES = {
    "CS": 4008255,
    "PS": "ETHUSDT",
    "AO": [{"CP": 1, "P": "2769", "A": "1.98"}, {"CP": 3, "P": "2769.6", "A": "1.98584633"}],
    "BO": [{"CP": 0, "P": "2765.9", "A": "2.86"}],
    "channel": "obdiff",
    "event": "ETHUSDT",
    "type": 432,
}
TRADE = {
    "D": "1647588210843",
    "I": "101963781951665674",
    "A": "0.0002456604",
    "P": "40670.0000000000",
    "PS": "BTCUSDT",
    "S": 0,
    "channel": "trade",
    "event": "BTCUSDT",
    "type": 422,
}
TICKER = {
    "B": "3779950",
    "A": "3781912",
    "BA": "0.00092482",
    "AA": "0.02976469",
    "PS": "BTCTRY",
    "LA": "3780291",
    "D": "-12647",
    "channel": "ticker",
    "event": "BTCTRY",
    "type": 402,
}


def parse(number: int, body: dict[str, Any], **changes: Any) -> list[Message]:
    return parser.parse(json.dumps([number, body | changes]).encode())


def refusal(number: int, body: dict[str, Any], **changes: Any) -> MalformedMessage:
    with pytest.raises(MalformedMessage) as raised:
        parse(number, body, **changes)
    return raised.value


def test_a_431_is_a_snapshot_without_a_time() -> None:
    bids, asks = [("86689", "0.00863785")], [("86699", "0.00288357")]
    assert [Snapshot("BTCUSDT", *levels(bids, asks), 3999242, None)] == parse(431, FULL)


def test_a_432_sets_what_was_updated_or_added_and_removes_what_was_deleted() -> None:
    asks = [("2769", "1.98"), ("2769.6", "0")]
    assert [Delta("ETHUSDT", *levels([("2765.9", "2.86")], asks), 4008255, None)] == parse(
        432, CHANGES
    )


@pytest.mark.parametrize("size", ["17", "0", ""])
def test_a_deleted_level_is_removed_whatever_its_size(size: str) -> None:
    (delta,) = parse(432, CHANGES, BO=[{"CP": 3, "P": "5", "A": size}])
    assert isinstance(delta, Delta)
    assert [(5.0, 0.0)] == delta.bids
    assert parse(432, CHANGES, BO=[{"CP": 3, "P": "5"}]) == [delta]


@pytest.mark.parametrize("kind", [2, 4, -1, "x", None, 3.5, True])
def test_any_other_kind_of_change_is_malformed(kind: object) -> None:
    level = {"CP": kind, "P": "5", "A": "1"}
    assert "ETHUSDT" == refusal(432, CHANGES, BO=[level]).raw_symbol


@pytest.mark.parametrize(
    "level", [{"P": "5", "A": "1"}, {"CP": 1, "P": "5"}, {"CP": 1, "A": "1"}, ["5", "1"], {}]
)
def test_a_change_without_its_parts_is_malformed(level: object) -> None:
    assert "ETHUSDT" == refusal(432, CHANGES, AO=[level]).raw_symbol
    assert "ETHUSDT" == refusal(432, CHANGES, BO=[level]).raw_symbol


def test_either_side_may_be_empty() -> None:
    (delta,) = parse(432, CHANGES, AO=[])
    assert isinstance(delta, Delta)
    assert [] == delta.asks
    (snapshot,) = parse(431, FULL, BO=[])
    assert isinstance(snapshot, Snapshot)
    assert [] == snapshot.bids


def test_a_sequence_may_be_negative_as_far_as_int64_goes() -> None:
    for sequence in (-1748790363, 1 - 2**63, 2**63 - 1):
        (snapshot,) = parse(431, FULL, CS=sequence)
        assert isinstance(snapshot, Snapshot)
        assert sequence == snapshot.sequence
    assert "BTCUSDT" == refusal(431, FULL, CS=2**63).raw_symbol


@pytest.mark.parametrize("symbol", [None, ""])
def test_a_symbol_that_is_null_is_taken_from_the_event(symbol: str | None) -> None:
    (snapshot,) = parse(431, FULL, PS=symbol)
    assert isinstance(snapshot, Snapshot)
    assert "BTCUSDT" == snapshot.raw_symbol
    assert "BTCUSDT" == refusal(431, FULL, PS=symbol, CS="x").raw_symbol


def test_the_symbol_counts_where_the_event_names_another() -> None:
    (trade,) = parse(422, TRADE, PS="AVAXTRY")
    assert isinstance(trade, Trade)
    assert "AVAXTRY" == trade.raw_symbol


@pytest.mark.parametrize(
    ("number", "body"), [(431, FULL), (432, CHANGES), (422, TRADE), (402, TICKER)]
)
def test_a_message_that_names_no_symbol_is_malformed(number: int, body: dict[str, Any]) -> None:
    assert "it names no symbol" == refusal(number, body, PS=None, event="").reason


def test_a_list_of_trades_that_names_no_symbol_is_malformed() -> None:
    assert "it names no symbol" == refusal(421, {"items": []}).reason


@pytest.mark.parametrize(("number", "body"), [(431, FULL), (432, CHANGES)])
def test_a_book_of_another_channel_is_no_part_of_the_chain(
    number: int, body: dict[str, Any]
) -> None:
    assert [Chatter("book of another channel")] == parse(number, body, channel="orderbook")


def test_a_book_that_does_not_tell_its_channel_is_malformed() -> None:
    without = {key: value for key, value in FULL.items() if key != "channel"}
    assert "BTCUSDT" == refusal(431, without).raw_symbol


def test_the_number_in_front_decides_and_not_the_one_inside() -> None:
    assert parse(431, FULL) == parse(431, FULL, type=999)
    assert parse(432, CHANGES) == parse(432, {k: v for k, v in CHANGES.items() if k != "type"})


def test_what_follows_the_object_is_ignored() -> None:
    assert parse(431, FULL) == parser.parse(json.dumps([431, FULL, "more"]).encode())


@pytest.mark.parametrize("key", ["AO", "BO"])
def test_a_bad_number_in_a_whole_book_names_the_symbol(key: str) -> None:
    for level in ({"P": "1E400", "A": "1"}, {"P": "0", "A": "1"}, {"P": "1"}, {"P": [], "A": "1"}):
        assert "BTCUSDT" == refusal(431, FULL, **{key: [level]}).raw_symbol


def test_a_broken_book_names_its_symbol_wherever_it_stands() -> None:
    last = b'[431,{"AO":[{"A":"1","P":"1e5"}],"BO":[],"CS":5,"channel":"obdiff","PS":"BTCTRY","'
    with pytest.raises(MalformedMessage) as raised:
        parser.parse(last)
    assert "BTCTRY" == raised.value.raw_symbol


def test_a_broken_trade_or_ticker_leaves_the_book_alone() -> None:
    assert refusal(422, TRADE, P="x").raw_symbol is None
    assert refusal(402, TICKER, B="-1").raw_symbol is None
    assert refusal(421, {"symbol": "BTCTRY", "items": [{}]}).raw_symbol is None
    assert refusal(401, {"items": [{}]}, event="all").raw_symbol is None


def test_a_422_is_a_trade() -> None:
    expected = Trade(
        raw_symbol="BTCUSDT",
        trade_id="101963781951665674",
        side="sell",
        price=40670.0,
        size=0.0002456604,
        ts_event=1647588210843000000,
    )
    assert [expected] == parse(422, TRADE)


@pytest.mark.parametrize(("sent", "side"), [(1, "buy"), (0, "sell"), (None, None)])
def test_the_side_of_the_taker_is_1_for_buy_and_0_for_sell(
    sent: int | None, side: str | None
) -> None:
    (trade,) = parse(422, TRADE, S=sent)
    assert isinstance(trade, Trade)
    assert side == trade.side


def test_a_trade_of_2020_has_no_side_and_16_decimals() -> None:
    item = {
        "D": "1587559995857",
        "I": "6",
        "A": "0.1909539327123324",
        "P": "48995.0000000000000000",
    }
    (trades,) = parse(421, {"symbol": "BTCTRY", "items": [item]})
    assert isinstance(trades, TradeList)
    assert (None, 0.1909539327123324) == (trades.trades[0].side, trades.trades[0].size)


@pytest.mark.parametrize(
    "changes",
    [
        {"I": -5},
        {"I": 1.5},
        {"I": None},
        {"I": ""},
        {"I": "two\nlines"},
        {"I": "two words"},
        {"A": "1e"},
        {"P": "-5"},
        {"P": None},
    ],
)
def test_a_trade_of_another_form_is_malformed(changes: dict[str, Any]) -> None:
    refusal(422, TRADE, **changes)


@pytest.mark.parametrize(
    "time",
    ["", "-1", "1.5", "99999999999999999999", "9300000000000", "soon", 5, True, [], {"a": 1}],
)
def test_a_trade_whose_time_cannot_be_read_is_one_without_time(time: object) -> None:
    (trade,) = parse(422, TRADE, D=time)
    assert isinstance(trade, Trade)
    assert (None, ("ts_event",), 40670.0) == (trade.ts_event, trade.unread, trade.price)


@pytest.mark.parametrize(
    "time",
    [1647588210843, 1647588210843.0, "1647588210.843", 1647588210843000, "1647588210843000000"],
)
def test_the_time_of_a_trade_may_be_in_another_unit_or_type(time: object) -> None:
    assert parse(422, TRADE) == parse(422, TRADE, D=time)


def test_the_id_of_a_trade_may_be_a_number() -> None:
    assert parse(422, TRADE) == parse(422, TRADE, I=101963781951665674)


@pytest.mark.parametrize("side", [2, -1, "buy", "", True, [0], {"a": 1}])
def test_a_trade_whose_side_cannot_be_read_is_one_without_side(side: object) -> None:
    (trade,) = parse(422, TRADE, S=side)
    assert isinstance(trade, Trade)
    assert (None, ("side",), 40670.0) == (trade.side, trade.unread, trade.price)


def test_the_side_of_a_trade_may_be_text() -> None:
    assert parse(422, TRADE) == parse(422, TRADE, S="0")


@pytest.mark.parametrize(("number", "book"), [(431, FULL), (432, CHANGES)])
def test_a_side_of_a_book_that_is_null_or_missing_is_empty(
    number: int, book: dict[str, Any]
) -> None:
    for side in ("AO", "BO"):
        expected = parse(number, book, **{side: []})
        assert expected == parse(number, book, **{side: None})
        assert expected == parse(number, {key: book[key] for key in book if key != side})
    neither = {key: book[key] for key in book if key not in {"AO", "BO"}}
    assert book["PS"] == refusal(number, neither).raw_symbol


def test_a_list_of_trades_that_is_null_is_empty() -> None:
    expected = parse(421, {"symbol": "BTCTRY", "items": []})
    assert expected == parse(421, {"symbol": "BTCTRY", "items": None})


def test_a_421_is_turned_round_and_keeps_the_order_of_one_time() -> None:
    item = {"A": "1", "P": "2", "S": 1}
    items = [item | {"D": at, "I": name} for at, name in (("9", "d"), ("9", "c"), ("8", "b"))]
    (trades,) = parse(421, {"symbol": "BTCTRY", "items": items})
    assert isinstance(trades, TradeList)
    assert "BTCTRY" == trades.raw_symbol
    assert ["b", "c", "d"] == [trade.trade_id for trade in trades.trades]
    assert {"BTCTRY"} == {trade.raw_symbol for trade in trades.trades}


def test_a_421_that_comes_oldest_first_stays_so() -> None:
    item = {"A": "1", "P": "2", "S": 1}
    items = [item | {"D": f"164758821084{at}", "I": str(at)} for at in (1, 2, 3)]
    (trades,) = parse(421, {"symbol": "BTCTRY", "items": items})
    assert isinstance(trades, TradeList)
    assert ["1", "2", "3"] == [trade.trade_id for trade in trades.trades]


def test_a_421_with_a_time_that_cannot_be_read_keeps_its_order() -> None:
    item = {"A": "1", "P": "2", "S": 1}
    items = [item | {"D": "1647588210843", "I": str(at)} for at in (3, 2, 1)]
    (trades,) = parse(
        421, {"symbol": "BTCTRY", "items": [items[0], items[1] | {"D": "x"}, items[2]]}
    )
    assert isinstance(trades, TradeList)
    assert ["1", "2", "3"] == [trade.trade_id for trade in trades.trades]


def test_a_list_of_trades_may_have_had_more_however_short_it_is() -> None:
    def is_cut(count: int) -> bool:
        items = [{"A": "1", "P": "2", "D": "5", "I": str(i)} for i in range(count)]
        (trades,) = parse(421, {"event": "BTCTRY", "items": items})
        assert isinstance(trades, TradeList)
        return trades.is_cut

    assert [False, True, True] == [is_cut(0), is_cut(1), is_cut(50)]


def test_a_402_is_a_ticker() -> None:
    expected = Ticker(
        "BTCTRY",
        bid_price=3779950.0,
        bid_size=0.00092482,
        ask_price=3781912.0,
        ask_size=0.02976469,
        last_price=3780291.0,
    )
    assert [expected] == parse(402, TICKER)


def test_what_is_missing_in_a_ticker_was_not_said_and_what_is_empty_is_gone() -> None:
    assert [Ticker("BTCTRY")] == parse(402, {"PS": "BTCTRY"})
    everything = ("bid_price", "bid_size", "ask_price", "ask_size", "last_price")
    for empty in ("", None, "0", 0):
        nothing: dict[str, Any] = dict.fromkeys(("B", "A", "BA", "AA", "LA"), empty)
        expected = Ticker("BTCTRY", gone=everything)
        assert [expected] == parse(402, nothing, PS=None, event="BTCTRY")
    (ticker,) = parse(402, TICKER, A=None, AA="5")
    assert isinstance(ticker, Ticker)
    assert (3779950.0, None, None) == (ticker.bid_price, ticker.ask_price, ticker.ask_size)
    assert ("ask_price", "ask_size") == ticker.gone


def test_an_answer_without_a_message_is_chatter() -> None:
    assert [Chatter("result")] == parse(100, {"ok": True, "message": None})
    assert [Chatter("result")] == parse(100, {"ok": False})


def test_a_ticker_can_be_asked_for_alone_and_all_of_them_anew() -> None:
    def ask(event: str, *, join: bool) -> list[Any]:
        return [151, {"type": 151, "channel": "ticker", "event": event, "join": join}]

    alone = EXCHANGE.alone
    assert alone is not None
    assert [ask("BTCTRY", join=True)] == [
        json.loads(m) for m in alone.subscribe("ticker", "BTCTRY")
    ]
    left = alone.unsubscribe("ticker", "BTCTRY")
    assert [ask("BTCTRY", join=False)] == [json.loads(message) for message in left]
    renewed = [json.loads(message) for message in alone.renew("ticker")]
    assert [ask("all", join=False), ask("all", join=True)] == renewed


def test_the_tickers_of_all_may_be_null() -> None:
    assert [] == parse(401, {"items": None})


def test_a_401_is_a_ticker_for_each_item() -> None:
    items = [{"PS": "BTCTRY", "B": "1"}, {"PS": "ETHTRY", "LA": "2"}]
    expected = [
        Ticker("BTCTRY", bid_price=1.0, is_whole=True),
        Ticker("ETHTRY", last_price=2.0, is_whole=True),
    ]
    assert expected == parse(401, {"items": items, "channel": "ticker", "event": "all"})
    assert [] == parse(401, {"items": []})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("join|obdiff:BTCUSDT", Subscribed("book", ["BTCUSDT"])),
        ("join|trade:BTCTRY", Subscribed("trades", ["BTCTRY"])),
        ("join|ticker:BTCTRY", Subscribed("ticker", ["BTCTRY"])),
        ("join|ticker:all", Subscribed("ticker", [])),
        ("join|orderbook:BTCTRY", Chatter("result")),
        ("leave|obdiff:BTCTRY", Chatter("result")),
        ("", Chatter("result")),
    ],
)
def test_a_100_acknowledges_what_its_message_names(message: str, expected: Message) -> None:
    assert [expected] == parse(100, {"type": 100, "ok": True, "message": message})
    assert [expected] == parse(100, {"ok": True, "id": 0, "message": message, "type": 100})


def test_a_100_that_is_not_ok_refuses_what_its_message_names() -> None:
    expected = Refused("subscribe", "join|obdiff:BTCUSDT", "BTCUSDT")
    assert [expected] == parse(100, {"ok": False, "message": "join|obdiff:BTCUSDT"})


@pytest.mark.parametrize("message", ["join|ticker:all", "leave|obdiff:BTCTRY", "login"])
def test_a_refusal_that_is_about_no_symbol_is_chatter(message: str) -> None:
    assert [Chatter("result")] == parse(100, {"ok": False, "message": message})


@pytest.mark.parametrize("number", [101, 114, 151, 201, 423, 428, 441, 451, 452, 801, 802, 991])
def test_a_number_that_says_nothing_to_us_is_counted(number: int) -> None:
    assert [Chatter(str(number))] == parse(number, {"type": number})


@pytest.mark.parametrize("number", [0, -1, 301, 10**6, 2**64, 10**30])
def test_a_number_that_nobody_knows_is_counted(number: int) -> None:
    assert [Chatter(str(number), is_known=False)] == parse(number, {})


@pytest.mark.parametrize(
    "raw",
    [
        b"[451]",
        b"[451,5]",
        b"[451,null]",
        b'["432",{}]',
        b"[432.0,{}]",
        b"[true,{}]",
        b"[null,{}]",
        b'{"event":"ping"}',
        b'{"type":432}',
        b"[432,{}]",
        b"[432]",
        b"[100,{}]",
    ],
)
def test_a_message_of_another_shape_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parser.parse(raw)


@pytest.mark.parametrize(
    ("channel", "raw"),
    [
        ("ticker", b"[401,{}]"),
        ("ticker", b' [ 402 , {"B":"1"}]'),
        ("trades", b"[421,{}]"),
        ("trades", b'[422,{"D":"1","I":"1","A":"1","P":"1"}]'),
        ("book", b"[431,{}]"),
        ("book", b'[432,{"CS":1,"channel":"obdiff","BO":[],"AO":[]}]'),
        ("book", b'[432,{"CS":1,"channel":"obdiff","PS":"X","BO":[{"CP":0,"P":"1"}],"AO":[]}]'),
        (None, b"[100,{}]"),
        (None, b"garbage"),
    ],
)
def test_what_is_malformed_is_of_the_channel_of_its_number(channel: str | None, raw: bytes) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        parser.parse(raw)
    assert channel == refusal.value.channel
    with pytest.raises(MalformedMessage) as again:
        parser.parse(memoryview(raw))
    assert channel == again.value.channel


def test_a_message_joins_one_channel_of_one_symbol() -> None:
    def ask(channel: str, event: str, *, join: bool) -> list[Any]:
        return [151, {"type": 151, "channel": channel, "event": event, "join": join}]

    asked = parser.subscribe(["book", "trades"], ["BTCTRY", "ETHTRY"])
    assert [
        ask("obdiff", "BTCTRY", join=True),
        ask("obdiff", "ETHTRY", join=True),
        ask("trade", "BTCTRY", join=True),
        ask("trade", "ETHTRY", join=True),
    ] == list(map(json.loads, asked))
    left = parser.unsubscribe(["book"], ["BTCTRY"])
    assert [ask("obdiff", "BTCTRY", join=False)] == list(map(json.loads, left))


def test_one_message_joins_the_tickers_of_all_symbols_and_nobody_leaves_them() -> None:
    (asked,) = parser.subscribe(["ticker"], ["BTCTRY", "ETHTRY"])
    body = {"type": 151, "channel": "ticker", "event": "all", "join": True}
    assert [151, body] == json.loads(asked)
    assert [] == parser.unsubscribe(["ticker"], ["BTCTRY"])


def test_what_it_declares_is_what_its_pages_say() -> None:
    limits = {name: (limit.points, limit.interval_s) for name, limit in EXCHANGE.limits.items()}
    assert {"connects": (15, 60.0), "orderbook": (180, 60.0), "trades": (90, 60.0)} == limits
    rest = EXCHANGE.rest
    assert rest.trades is not None
    assert "/api/v2/server/exchangeinfo" == rest.markets.path()
    assert "/api/v2/orderbook?pairSymbol=BTCTRY&limit=100" == rest.book.path("BTCTRY")
    assert "/api/v2/trades?pairSymbol=BTCTRY&last=50" == rest.trades.path("BTCTRY", None, 1)
    assert "data" == EXCHANGE.ready
    assert EXCHANGE.request_snapshot is None
    assert 50 == EXCHANGE.symbols_per_socket
    assert "BTCTRY" == EXCHANGE.raw_symbol("BTC-TRY")
