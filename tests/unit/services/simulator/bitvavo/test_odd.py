import json
import random

from services.simulator.bitvavo.odd import empty_sides, write_oddly

BOOK = (
    '{"event":"book","market":"X","nonce":5,"bids":[["2.0","1"]],"asks":[],'
    '"timestamp":1790126693594483831}'
)


def test_what_matters_stays_and_what_decorates_does_not() -> None:
    seen = set()
    for seed in range(40):
        body = json.loads(write_oddly(BOOK, random.Random(seed)))
        assert ("X", 5) == (body["market"], body["nonce"])
        first, last = body["bids"]
        assert (["2.0", "0.12345"], ["2.0", "1"], 3) == (first, last[:2], len(last))
        assert body.get("asks") is None
        seen.add(str(body["timestamp"]))
    assert {"1790126693", "1790126693594483831", "-1", "soon", "None"} <= seen


def test_a_ticker_has_nothing_that_could_be_odd() -> None:
    ticker = '{"event":"ticker","market":"X","bestBid":"5"}'
    assert ticker == write_oddly(ticker, random.Random(1))


def test_the_sides_of_a_ticker_are_null() -> None:
    ticker = '{"event":"ticker","market":"X","bestBid":"5","bestBidSize":"1","lastPrice":"5"}'
    assert {
        "event": "ticker",
        "market": "X",
        "bestBid": None,
        "bestBidSize": None,
        "lastPrice": "5",
    } == json.loads(empty_sides(ticker))
