"""Reads an exported day back, field by field, and runs an engine on it; prints what it saw.

python check_nautilus.py TAPE MARKET DATE FOLDER
"""

import json
import sys
from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.data.config import DataEngineConfig
from nautilus_trader.model.enums import AccountType, BookType, OmsType
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.trading.strategy import Strategy

import booktape
from booktape.export.days import Day
from booktape.export.nautilus import _make_deltas, _make_trades
from booktape.opening import open_reading

NS_OF_US, STEP_US = 1_000, 50_000


class Look(Strategy):  # type: ignore[misc] # it has no types
    """Sees the best prices after the last message of each instant."""

    def __init__(self, instrument: Any) -> None:
        super().__init__()
        self.instrument = instrument
        self.seen: dict[int, tuple[str | None, str | None]] = {}

    def on_start(self) -> None:
        self.subscribe_order_book_deltas(self.instrument.id, BookType.L2_MBP)

    def on_order_book_deltas(self, deltas: Any) -> None:
        book = self.cache.order_book(self.instrument.id)
        prices = book.best_bid_price(), book.best_ask_price()
        bid, ask = (None if price is None else str(price) for price in prices)
        self.seen[deltas.ts_init // NS_OF_US] = bid, ask


def main() -> None:
    tape, market, date, folder = sys.argv[1:]
    facts = json.loads((Path(folder) / f"{market.replace(':', '_')}_{date}.json").read_text())
    catalog = ParquetDataCatalog(folder)
    (instrument,) = catalog.instruments(instrument_ids=[facts["file"]])
    deltas = catalog.order_book_deltas(instrument_ids=[facts["file"]])
    trades = catalog.trade_ticks(instrument_ids=[facts["file"]])
    day = Day(open_reading(tape), market, date)
    assert [to_fields(each) for each in _make_deltas(day, instrument)] == [
        to_fields(each) for each in deltas
    ]
    assert [str(each.to_dict(each)) for each in _make_trades(day, instrument)] == [
        str(each.to_dict(each)) for each in trades
    ]
    seen = run(instrument, [*deltas, *trades])
    print(json.dumps({**compare(tape, market, instrument, seen), "rows": len(deltas)}))


def to_fields(delta: Any) -> tuple[Any, ...]:
    order = delta.order
    named = delta.action, delta.flags, delta.sequence, delta.ts_event, delta.ts_init
    return (*named, order.side, str(order.price), str(order.size))


def run(instrument: Any, data: list[Any]) -> dict[int, tuple[str | None, str | None]]:
    config = BacktestEngineConfig(
        trader_id="BOOKTAPE-001",
        data_engine=DataEngineConfig(buffer_deltas=True),
        logging=LoggingConfig(log_level="ERROR"),
    )
    engine = BacktestEngine(config=config)
    engine.add_venue(
        venue=instrument.id.venue,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(1_000_000, instrument.quote_currency)],
        book_type=BookType.L2_MBP,
    )
    engine.add_instrument(instrument)
    engine.add_data(data)
    look = Look(instrument)
    engine.add_strategy(look)
    engine.run()
    engine.dispose()
    return look.seen


def compare(
    tape: str, market: str, instrument: Any, seen: dict[int, tuple[str | None, str | None]]
) -> dict[str, int]:
    """Compare best prices at each change and each 50 ms; a lost book has none."""
    instants = sorted(seen)
    moments = sorted({*instants, *range(instants[0], instants[-1], STEP_US)})
    top = booktape.open(tape).top(market, at=moments, depth=1).to_arrow()
    counts = Counter(steps=len(moments), unknown=0, wrong=0)
    columns = (top[name].to_pylist() for name in ("session", "bid_price_00", "ask_price_00"))
    for moment, session, *prices in zip(moments, *columns, strict=True):
        found = seen[instants[bisect_right(instants, moment) - 1]]
        counts["unknown"] += session is None
        texts = [None if p is None else f"{p:.{instrument.price_precision}f}" for p in prices]
        counts["wrong"] += texts != list(found)
    return dict(counts)


main()
