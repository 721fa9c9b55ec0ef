"""Lets nautilus read exported files of Tardis's format; prints how many rows it had of each.

python check_tardis_csv.py TAPE MARKET DATE FOLDER
"""

import json
import sys
from pathlib import Path

from nautilus_trader.adapters.tardis.loaders import TardisCSVDataLoader
from nautilus_trader.model.identifiers import InstrumentId


def main() -> None:
    _, market, date, folder = sys.argv[1:]
    symbol = market.partition(":")[2]
    facts = json.loads((Path(folder) / f"{market.replace(':', '_')}_{date}.json").read_text())
    loader = TardisCSVDataLoader(
        price_precision=8,
        size_precision=8,
        instrument_id=InstrumentId.from_str(f"{symbol}.BINANCE"),
    )
    load = {
        "incremental_book_L2": loader.load_deltas,
        "trades": loader.load_trades,
        "quotes": loader.load_quotes,
    }
    said: dict[str, dict[str, int]] = {"read": {}, "written": {}}
    for name, rows in facts["files"].items():
        kind = name.removeprefix("binance_").partition(f"_{date}")[0]
        if kind in load:
            said["read"][kind] = len(load[kind](Path(folder) / name))
            said["written"][kind] = rows
    print(json.dumps(said))


main()
