import json
from typing import Any

from services.simulator.bitvavo import rows as bitvavo_rows
from services.simulator.bitvavo.listing import list_markets as bitvavo_markets
from services.simulator.book_side import Execution
from services.simulator.market import SimulatedMarket
from tests.support.paths import RECORDINGS
from tests.unit.services.simulator.fakes import shape

MARKET = SimulatedMarket(bitvavo_markets(1, levels=10)[0], seed=1, ts=10**18)


def samples() -> dict[str, Any]:
    text = (RECORDINGS / "bitvavo" / "rest_2025-09-03_samples.jsonl").read_text()
    return {line["path"]: line["body"] for line in map(json.loads, text.splitlines())}


def test_a_market_has_the_recorded_shape() -> None:
    recorded = json.loads(
        (RECORDINGS / "bitvavo" / "rest_markets_BTC-EUR_2026-10-05.json").read_text()
    )
    row = json.loads(json.dumps(bitvavo_rows.market_row(MARKET)))
    assert shape(recorded) == shape(row)
    assert recorded["tickSize"] == row["tickSize"] == "1.00"
    assert recorded["quantityDecimals"] == row["quantityDecimals"]


def test_prices_and_quotes_have_the_recorded_shape() -> None:
    assert shape(samples()["/v2/ticker/price"][0]) == shape(bitvavo_rows.price_row(MARKET))
    assert shape(samples()["/v2/ticker/book"][0]) == shape(bitvavo_rows.quote_row(MARKET))


def test_a_candle_is_made_of_its_trades() -> None:
    trades = [
        Execution(3, 0, 75_500, 100_000_000, is_buy=True),
        Execution(2, 0, 75_520, 50_000_000, is_buy=True),
        Execution(1, 0, 75_490, 1, is_buy=False),
    ]
    expected = [60_000, "75490", "75520", "75490", "75500", "1.50000001"]
    assert expected == bitvavo_rows.candle(MARKET, 60_000, trades)


def test_an_asset_has_its_name() -> None:
    assert ("BTC", 8) == tuple(bitvavo_rows.asset_row("BTC")[key] for key in ("symbol", "decimals"))
