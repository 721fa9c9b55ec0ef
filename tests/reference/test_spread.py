from pathlib import Path

import pytest

from tests.support.answers import Answers
from tests.support.reference.spread import Spread
from tests.support.tape_lines import at

MARKETS = [
    ("bitvavo", "BTC-EUR"),
    ("btcturk", "BTC-TRY"),
    ("bitvavo", "USDT-EUR"),
    ("btcturk", "USDT-TRY"),
]
FREE = {"bitvavo": 0.0, "btcturk": 0.0}


def find(
    folder: Path,
    start: float,
    end: float,
    *,
    fees: dict[str, float] | None = None,
    depth: int = 25,
    markets: list[tuple[str, str]] | None = None,
) -> list[Spread | None]:
    return Answers(folder, "spread").reference.spread(
        markets or MARKETS, at(start), at(end), fees=fees or FREE, every=1_000_000, depth=depth
    )


def test_both_ladders_are_walked_while_there_is_a_gain(tmp_path: Path) -> None:
    (spread,) = find(tmp_path, 2, 3)
    assert spread is not None
    # USDT: 1 and 1.25 in euro, 32 and 40 in lira.
    assert 36 / 1.125 == spread.fx_mid
    assert 1 / 40 == spread.fx_sell_b
    assert 1.25 / 32 == spread.fx_buy_b
    # Bought at 104 and 108, sold at 4800 / 40 = 120 and 4480 / 40 = 112:
    # 0.5 x 16, then 0.5 x 8, then 2 x 4.
    assert 3.0 == spread.a_to_b.size
    assert 20.0 == pytest.approx(spread.a_to_b.profit)
    assert (120 / 104 - 1) * 1e4 == pytest.approx(spread.a_to_b.edge_bps)
    # Bought at 4960 x 1.25 / 32 = 193.75, sold at 100.
    assert (0.0, 0.0) == (spread.b_to_a.size, spread.b_to_a.profit)
    assert (100 / 193.75 - 1) * 1e4 == pytest.approx(spread.b_to_a.edge_bps)
    # The middles: 4880 lira are 152.5 euro, against 102.
    assert (152.5 / 102 - 1) * 1e4 == pytest.approx(spread.mid_spread_bps)


def test_the_depth_bounds_the_walk(tmp_path: Path) -> None:
    (spread,) = find(tmp_path, 2, 3, depth=1)
    assert spread is not None
    assert 0.5 == spread.a_to_b.size
    assert 8.0 == pytest.approx(spread.a_to_b.profit)


def test_fees_are_paid_on_both_exchanges_and_for_both_currencies(tmp_path: Path) -> None:
    (spread,) = find(tmp_path, 2, 3, fees={"bitvavo": 0.01, "btcturk": 0.02})
    assert spread is not None
    assert 1 * 0.99 / (40 * 1.02) == pytest.approx(spread.fx_sell_b)
    assert 1.25 * 1.01 / (32 * 0.98) == pytest.approx(spread.fx_buy_b)
    sold = 4800 * 0.98 * 0.99 / (40 * 1.02)
    assert (sold / (104 * 1.01) - 1) * 1e4 == pytest.approx(spread.a_to_b.edge_bps)
    # The second bid, 4480, brings less than 108 x 1.01, and less than 104 x 1.01 still a gain.
    second = 4480 * 0.98 * 0.99 / (40 * 1.02)
    assert 105.04 < second < 109.08
    gain = 0.5 * (sold - 105.04) + 0.5 * (second - 105.04)
    assert 1.0 == spread.a_to_b.size
    assert gain == pytest.approx(spread.a_to_b.profit)
    bought = 4960 * 1.02 * 1.25 * 1.01 / (32 * 0.98)
    assert (100 * 0.99 / bought - 1) * 1e4 == pytest.approx(spread.b_to_a.edge_bps)


def test_where_a_leg_is_unknown_or_has_one_side_the_row_is_unknown(tmp_path: Path) -> None:
    rows = find(tmp_path, 0, 10)
    # 0, 1: no lira yet; 4: no USDT is offered for euro; 6: a gap; 9: all have stopped.
    assert [False, False, True, True, False, True, False, True, True, False] == [
        row is not None for row in rows
    ]


def test_the_other_way_round_pays_when_the_prices_turn(tmp_path: Path) -> None:
    spread = find(tmp_path, 8, 9)[0]
    assert spread is not None
    # Since 6.5 USDT costs 32 lira, since 7 the best bid is 128, since 8 the best ask 2048 lira:
    # bought at 2048 x 1.25 / 32 = 80, sold at 128; the next ask is 193.75.
    assert 1.0 == spread.b_to_a.size
    assert 48.0 == pytest.approx(spread.b_to_a.profit)
    assert (128 / 80 - 1) * 1e4 == pytest.approx(spread.b_to_a.edge_bps)


def test_with_one_quote_no_currency_is_changed(tmp_path: Path) -> None:
    markets = [("bitvavo", "ETH-EUR"), ("btcturk", "ETH-EUR")]
    (spread,) = find(tmp_path, 2, 3, markets=markets)
    assert spread is not None
    assert (1.0, 1.0, 1.0) == (spread.fx_mid, spread.fx_sell_b, spread.fx_buy_b)
    # 1 at 10 sold for 12; the next bid, 10.5, is below the next ask, 11.
    assert (1.0, 2.0) == (spread.a_to_b.size, spread.a_to_b.profit)
    assert (12.5 / 9.5 - 1) * 1e4 == pytest.approx(spread.mid_spread_bps)
