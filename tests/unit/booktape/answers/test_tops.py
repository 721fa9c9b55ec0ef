import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from booktape.answers.spread import Fees
from booktape.answers.tops import (
    check_quotes,
    choose_fees,
    parse_depth,
    parse_moments,
    parse_names,
    parse_via,
    scan_aligned,
    scan_spread,
    scan_top,
    scan_top_at,
)
from tests.support.hand_tape import BTC, ETH, at
from tests.support.opened import reading_of, rows_of

SECOND = 1_000_000
UTC_US = pa.timestamp("us", tz="UTC")
pytestmark = pytest.mark.filterwarnings("ignore:replaying without")


def test_the_top_is_on_a_grid_or_at_each_change(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    market = reading.make_market("bitvavo", BTC)
    span = at(3), at(8)
    grid = scan_top(reading, market, span, depth=1, every=SECOND, add=("mid",))
    assert [100.0, None, None, 100.0, 100.5] == [row["mid"] for row in rows_of(grid)]
    changes = scan_top(reading, market, span, depth=1, every=None, add=())
    assert [3.0, 4.0, 6.0, 7.0] == [row["ts"] for row in rows_of(changes)]
    empty = scan_top(reading, market, (5, 5), depth=2, every=None, add=())
    assert (0, grid.plan()) == (empty.count(), changes.plan())


def test_the_top_at_moments_comes_in_their_order(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    market = reading.make_market("bitvavo", BTC)
    for seconds in ([3.0, 5.0, 7.0], [7.0, 3.0, 5.0, 3.0]):
        scan = scan_top_at(reading, market, [at(s) for s in seconds], depth=1, add=())
        found = [(row["ts"], row["bid_price_00"]) for row in rows_of(scan)]
        assert [(s, {3.0: 99.0, 5.0: None, 7.0: 100.0}[s]) for s in seconds] == found
    assert 0 == scan_top_at(reading, market, [], depth=1, add=()).count()


def test_moments_are_an_array_of_times_or_a_list_of_any_kind() -> None:
    noon = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    wanted = pa.array([at(0)], pa.int64())
    for given in (
        [noon],
        ("2026-11-22T12:00:00Z",),
        pa.array([noon], UTC_US),
        pa.array([noon], pa.timestamp("ns", tz="UTC")),
        pa.chunked_array([pa.array([noon], UTC_US)]),
        pa.array([at(0)]),
    ):
        assert wanted == parse_moments(given)
    for wrong, reason in (
        (pa.array([at(0), None]), "null"),
        (pa.array([0], pa.timestamp("us")), "no time zone"),
        (pa.array([1.5]), "is of double"),
    ):
        with pytest.raises(ValueError, match=reason):
            parse_moments(wrong)


def test_markets_are_aligned_side_by_side(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    markets = {
        "eur": reading.make_market("bitvavo", BTC),
        "try": reading.make_market("btcturk", "BTC-TRY"),
    }
    columns = ("ask_price_01", "age_us", "mid")
    scan = scan_aligned(reading, markets, (at(3), at(5)), every=SECOND, columns=columns)
    rows = rows_of(scan)
    assert [
        {
            "ts": 3.0,
            "eur_ask_price_01": None,
            "eur_age_us": 2 * SECOND,
            "eur_mid": 100.0,
            "try_ask_price_01": None,
            "try_age_us": 3 * SECOND,
            "try_mid": 100.0,
        }
    ] == rows[:1]
    assert (None, 100.0) == (rows[1]["eur_mid"], rows[1]["try_mid"])
    assert list(rows[0]) == scan.schema.names
    with pytest.raises(ValueError, match="at least one"):
        scan_aligned(reading, {}, (0, 1), every=1, columns=columns)


def test_a_spread_is_of_two_markets_and_their_currencies(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    markets = {
        "a": reading.make_market("bitvavo", BTC),
        "b": reading.make_market("btcturk", "BTC-TRY"),
        "fx_a": reading.make_market("bitvavo", "USDT-EUR"),
        "fx_b": reading.make_market("btcturk", "USDT-TRY"),
    }
    check_quotes(markets)
    fees = choose_fees(markets, {"bitvavo": 0.0, "btcturk": 0.0})
    scan = scan_spread(reading, markets, (at(3), at(5)), fees=fees, every=SECOND, depth=2)
    assert [1.0, None] == [row["fx_mid"] for row in rows_of(scan)]
    assert Fees(0.0, 0.0, 0.0, 0.0) == fees


def test_quotes_that_differ_need_a_way_between_them(tmp_path: Path) -> None:
    reading = reading_of(tmp_path)
    eur, lira = reading.make_market("bitvavo", BTC), reading.make_market("btcturk", "BTC-TRY")
    usdt = reading.make_market("bitvavo", "USDT-EUR")
    same = {"a": reading.make_market("bitvavo", ETH), "b": reading.make_market("btcturk", ETH)}
    check_quotes(same)
    for markets, reason in (
        ({"a": eur, "b": lira}, "give via"),
        ({**same, "fx_a": usdt, "fx_b": usdt}, "leave out via"),
        ({"a": eur, "b": lira, "fx_a": usdt, "fx_b": usdt}, "one currency in EUR"),
    ):
        with pytest.raises(ValueError, match=reason):
            check_quotes(markets)
    with pytest.raises(ValueError, match="has no fee of btcturk"):
        choose_fees(same, {"bitvavo": 0.0})


@pytest.mark.parametrize("depth", [0, "3", 1.0, None])
def test_a_depth_is_a_whole_number(depth: object) -> None:
    with pytest.raises(ValueError, match="give a whole number"):
        parse_depth(depth)


def test_names_of_columns_are_a_list() -> None:
    assert ("mid",) == parse_names("add", ["mid"])
    with pytest.raises(ValueError, match=r"add='mid': give a list, add=\['mid'\]"):
        parse_names("add", "mid")


@pytest.mark.parametrize("via", [("bitvavo:USDT-EUR",), "bitvavo:USDT-EUR", ("a", "b", "c")])
def test_a_way_between_quotes_is_two_markets(via: object) -> None:
    assert {"fx_a": "x", "fx_b": "y"} == parse_via(["x", "y"])
    assert {} == parse_via(None)
    with pytest.raises(ValueError, match="give two markets"):
        parse_via(via)


@pytest.mark.parametrize("share", [-0.1, 1, "0.1", None])
def test_a_fee_is_a_share(tmp_path: Path, share: float) -> None:
    market = reading_of(tmp_path).make_market("bitvavo", BTC)
    with pytest.raises(ValueError, match=r"give shares, 0\.0025"):
        choose_fees({"a": market}, {"bitvavo": share})
