"""Rests an order in an exported day's book; prints when it was filled, as JSON.

python check_queue.py TAPE MARKET DATE FOLDER PRICE MODEL
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import FILLED, GTX, LIMIT, BacktestAsset, HashMapMarketDepthBacktest
from numba import njit

STEPS_MAX = 20_000
NS_OF_US, NS_OF_MS = 1_000, 1_000_000
STEP_NS = 100 * NS_OF_MS
ORDER = 1
WAITS = False  # for the answer


@njit
def rest(backtest: Any, price: float, step_ns: int, seen: Any) -> int:
    """Send one order once a book is seen; return at which step it was filled, or -1."""
    step = 0
    is_sent = False
    while backtest.elapse(step_ns) == 0 and step < len(seen):
        seen[step] = backtest.current_timestamp
        if is_sent and backtest.orders(0).get(ORDER).status == FILLED:
            return step
        if not is_sent and backtest.depth(0).best_ask > price:
            backtest.submit_buy_order(0, ORDER, price, 1.0, GTX, LIMIT, WAITS)
            is_sent = True
        step += 1
    return -1


def main() -> None:
    _, market, date, folder, price, model = sys.argv[1:]
    facts = json.loads((Path(folder) / f"{market.replace(':', '_')}_{date}.json").read_text())
    asset = (
        BacktestAsset()
        .data([str(Path(folder) / facts["file"])])
        .linear_asset(1.0)
        .constant_order_latency(NS_OF_MS, NS_OF_MS)
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(float(facts["tick_size"]))
        .lot_size(float(facts["lot_size"]))
    )
    if model == "careful":
        asset.risk_adverse_queue_model()
    else:
        asset.power_prob_queue_model3(3.0)
    backtest = HashMapMarketDepthBacktest([asset])
    seen = np.zeros(STEPS_MAX, np.int64)
    step = rest(backtest, float(price), STEP_NS, seen)
    backtest.close()
    print(json.dumps({"filled": None if step < 0 else int(seen[step]) // NS_OF_US}))


main()
