from typing import Any

import pyarrow as pa

from booktape.answers.raw import make_schema
from services.sink.lines import LINES_MAX, count_met, encode, find_newest_ts, find_times
from services.sink.protocol import SinkBatch
from tests.support.line_server import parse_line

TS = 1_795_348_800_000_000  # 2026-11-22T12:00:00Z in µs
COMMON = {"ts_recv": TS, "symbol": "BTC-EUR", "session": "s", "event_number": 7}


def make_rows(table: str, *rows: dict[str, Any]) -> pa.Table:
    schema = make_schema(table)
    filled = [{**COMMON, **row} for row in rows]
    columns = [pa.array([row.get(field.name) for row in filled], field.type) for field in schema]
    return pa.Table.from_arrays(columns, names=schema.names)


def lines_of(table: str, *rows: dict[str, Any]) -> list[str]:
    batch = SinkBatch(table, "bitvavo", "a", make_rows(table, *rows))
    return b"".join(encode(batch)).decode().splitlines()


def test_a_ticker_is_a_point_with_what_is_known_of_it() -> None:
    row = {"ts_event": TS - 5, "bid_price": 92457.0, "ask_price": 92475.5, "ask_size": 1e-08}
    [line] = lines_of("ticker", row)
    assert (
        "ticker,exchange=bitvavo,line=a,symbol=BTC-EUR event_number=7i,"
        "ts_event=1795348799999995000i,bid_price=92457,ask_price=92475.5,ask_size=1e-8 "
        "1795348800000000007"
    ) == line


def test_a_side_is_there_only_where_it_is_known() -> None:
    trade = {"trade_id": "a1", "side": "buy", "price": 0.1, "size": 2.0}
    [known, unknown] = lines_of("trades", trade, {**trade, "side": None})
    assert ' event_number=7i,trade_id="a1",side="buy",price=0.1,size=2 ' in known
    assert ' event_number=7i,trade_id="a1",price=0.1,size=2 ' in unknown


def test_an_event_of_the_connection_has_no_symbol() -> None:
    row = {"symbol": None, "kind": "gap", "sequence_expected": 1 << 60, "detail": "{}"}
    [line] = lines_of("feed_events", row)
    assert (
        "feed_events,exchange=bitvavo,line=a event_number=7i,"
        f'kind="gap",sequence_expected={1 << 60}i,detail="{{}}" 1795348800000000007'
    ) == line


def test_what_line_protocol_could_misread_is_escaped() -> None:
    detail = 'say "no\\", a=b\\\\'
    row = {"symbol": "A,B =C", "kind": "gap", "detail": detail}
    [line] = lines_of("feed_events", row)
    assert r"symbol=A\,B\ \=C " in line
    (_, fields) = parse_line(line)
    assert detail == fields["detail"]


def test_a_price_comes_back_as_the_number_that_it_was() -> None:
    prices = [0.1 + 0.2, 1e22, 5e-324, 123456789.123456, 1e-08]
    rows = [{"trade_id": "1", "price": price, "size": 1.0} for price in prices]
    assert prices == [parse_line(line)[1]["price"] for line in lines_of("trades", *rows)]


def test_messages_of_one_read_are_points_of_their_own_in_their_order() -> None:
    rows = make_rows("ticker", *({"event_number": number} for number in range(1_995, 2_005)))
    expected = [TS * 1000 + digits for digits in (995, 996, 997, 998, 999, 0, 1, 2, 3, 4)]
    assert expected == find_times(rows).to_pylist()
    assert 0 == count_met(rows)


def test_rows_that_would_take_the_place_of_others_are_counted() -> None:
    numbers = [0, 1, 1_000, 2_001]
    assert 2 == count_met(make_rows("ticker", *({"event_number": n} for n in numbers)))
    symbols: list[dict[str, Any]] = [
        {"event_number": 0},
        {"event_number": 1_000, "symbol": "ETH-EUR"},
    ]
    assert 0 == count_met(make_rows("ticker", *symbols))


def test_a_request_has_a_bounded_number_of_lines() -> None:
    rows = make_rows("ticker", *({"event_number": n} for n in range(LINES_MAX + 1)))
    counts = [part.count(b"\n") for part in encode(SinkBatch("ticker", "bitvavo", "a", rows))]
    assert [LINES_MAX, 1] == counts


def test_the_newest_row_is_the_one_received_last() -> None:
    rows = make_rows("ticker", {"ts_recv": TS + 9}, {"ts_recv": TS})
    assert (TS + 9) * 1000 == find_newest_ts(rows)
