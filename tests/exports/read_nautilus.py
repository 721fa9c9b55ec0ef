"""Reads a catalog's changes and trades; writes each as a line of JSON, field by field.

python read_nautilus.py FOLDER ID OUT
"""

import json
import sys
from pathlib import Path

from nautilus_trader.model.enums import BookAction, OrderSide
from nautilus_trader.persistence.catalog import ParquetDataCatalog

_SIDES = {OrderSide.BUY: "bid", OrderSide.SELL: "ask"}


def main() -> None:
    folder, name, out = sys.argv[1:]
    catalog = ParquetDataCatalog(folder)
    with Path(out, "deltas").open("w") as file:
        for delta in catalog.order_book_deltas(instrument_ids=[name]):
            order = delta.order
            level = _SIDES.get(order.side), str(order.price), str(order.size)
            times = delta.ts_event, delta.ts_init
            action = BookAction(delta.action).name
            print(json.dumps([action, *level, delta.flags, delta.sequence, *times]), file=file)
    with Path(out, "trades").open("w") as file:
        for trade in catalog.trade_ticks(instrument_ids=[name]):
            print(json.dumps(trade.to_dict(trade)), file=file)


main()
