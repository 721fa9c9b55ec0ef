"""Runs a backtest on an exported day; prints what it saw beside what the tape knows, as JSON.

python check_hftbacktest.py TAPE MARKET DATE FOLDER STEP_MS
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.data import validate_event_order
from hftbacktest.types import event_dtype
from numba import njit

import booktape

STEPS_MAX = 20_000
NS_OF_US, US_OF_MS = 1_000, 1_000


@njit
def look(backtest: Any, step_ns: int, seen: Any) -> int:
    steps = 0
    while backtest.elapse(step_ns) == 0 and steps < len(seen):
        depth = backtest.depth(0)
        seen[steps, 0] = backtest.current_timestamp
        seen[steps, 1] = depth.best_bid if depth.best_bid_tick != -9223372036854775808 else np.nan
        seen[steps, 2] = depth.best_ask if depth.best_ask_tick != 9223372036854775807 else np.nan
        steps += 1
    return steps


def main() -> None:
    tape, market, date, folder, step_ms = sys.argv[1:]
    facts = json.loads((Path(folder) / f"{market.replace(':', '_')}_{date}.json").read_text())
    path = Path(folder) / facts["file"]
    data = np.load(path)["data"]
    assert data.dtype == event_dtype, data.dtype
    validate_event_order(data)
    assert (data["exch_ts"] <= data["local_ts"]).all()
    tick, lot = float(facts["tick_size"]), float(facts["lot_size"])
    asset = (
        BacktestAsset()
        .data([str(path)])
        .linear_asset(1.0)
        .constant_order_latency(1_000_000, 1_000_000)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(tick)
        .lot_size(lot)
    )
    backtest = HashMapMarketDepthBacktest([asset])
    seen = np.zeros((STEPS_MAX, 3))
    steps = look(backtest, int(float(step_ms) * US_OF_MS) * NS_OF_US, seen)
    backtest.close()
    print(json.dumps(compare(tape, market, seen[:steps], tick)))


def compare(tape: str, market: str, seen: Any, tick: float) -> dict[str, int]:
    """Compare each step with the tape's best prices; a book that is crossed shows one of them."""
    moments = [int(ts) // NS_OF_US for ts in seen[:, 0]]
    top = booktape.open(tape).top(market, at=moments, depth=1).to_arrow()
    known = [session is not None for session in top["session"].to_pylist()]
    counts = {"steps": len(moments), "unknown": known.count(False), "crossed": 0, "wrong": 0}
    ours = (top[name].to_pylist() for name in ("bid_price_00", "ask_price_00"))
    for bid, ask, theirs in zip(*ours, seen[:, 1:], strict=True):
        is_crossed = None not in {bid, ask} and bid >= ask
        right = sum(
            bool(np.isnan(other)) if own is None else abs(own - other) < tick / 2
            for own, other in zip((bid, ask), theirs, strict=True)
        )
        counts["crossed"] += int(is_crossed)
        counts["wrong"] += int(right < (1 if is_crossed else 2))
    return counts


main()
