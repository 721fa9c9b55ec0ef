import json
import random

from services.simulator.btcturk.odd import empty_sides, write_oddly

CHANGES = '[432,{"CS":5,"PS":"X","AO":[],"BO":[{"CP":1,"P":"2","A":"1"}],"type":432}]'
TRADE = '[422,{"D":"1790126693594","I":"1001","A":"1","P":"2","PS":"X","S":0,"type":422}]'


def test_empty_sides_are_null_or_missing() -> None:
    seen = set()
    for seed in range(20):
        number, body = json.loads(write_oddly(CHANGES, random.Random(seed)))
        assert (432, 5, [{"CP": 1, "P": "2", "A": "1"}]) == (number, body["CS"], body["BO"])
        assert body.get("AO") is None
        seen.add("AO" in body)
    assert {True, False} == seen


def test_of_a_trade_the_price_the_size_and_the_id_stay() -> None:
    seen = set()
    for seed in range(60):
        number, body = json.loads(write_oddly(TRADE, random.Random(seed)))
        assert (422, 1001, "1", "2") == (number, body["I"], body["A"], body["P"])
        seen |= {str(body["D"]), str(body["S"])}
    assert {"1790126693594", "1790126693", "1790126693.594", "soon", "None", "0", "2"} <= seen


def test_a_list_of_no_trades_is_null_or_missing() -> None:
    lists = [write_oddly('[421,{"symbol":"X","items":[]}]', random.Random(n)) for n in range(20)]
    assert {'[421,{"symbol":"X","items":null}]', '[421,{"symbol":"X"}]'} == set(lists)


def test_the_sides_of_a_ticker_are_null() -> None:
    ticker = '[402,{"B":"1","A":"2","BA":"3","AA":"4","PS":"X"}]'
    expected = '[402,{"B":null,"A":null,"BA":null,"AA":null,"PS":"X"}]'
    assert expected == empty_sides(ticker)
