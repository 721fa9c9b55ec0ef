"""Records an exchange the plain way, with pandas, to compare with; without our code.

websocket-client's WebSocketApp, json, a message of the pipe for each event, a dict for each row,
pandas, a Parquet file for each symbol. It proves nothing and survives nothing.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # pyright: ignore[reportMissingImports]
import websocket
import zmq

FLUSH_ROWS = 500_000  # as in booktape.toml


def ingest(url: str, endpoint: str, symbols: list[str], messages: int) -> None:
    """Send so many changes of all books to the writer."""
    pipe = zmq.Context().socket(zmq.PUSH)
    pipe.connect(endpoint)
    count = 0

    def on_open(app: Any) -> None:
        channels = [{"name": "book", "markets": symbols}]
        app.send(json.dumps({"action": "subscribe", "channels": channels}))
        for symbol in symbols:
            app.send(json.dumps({"action": "getBook", "market": symbol}))

    def on_message(app: Any, message: str) -> None:
        nonlocal count
        parsed = json.loads(message)
        is_snapshot = parsed.get("action") == "getBook"
        if not is_snapshot and parsed.get("event") != "book":
            return
        book = parsed["response"] if is_snapshot else parsed
        pipe.send_json(
            {
                "exchange": "bitvavo",
                "symbol": book["market"],
                "ts_recv": time.time_ns(),
                "ts_event": book["timestamp"],
                "sequence": book["nonce"],
                "is_snapshot": is_snapshot,
                "bids": book["bids"],
                "asks": book["asks"],
            }
        )
        count += not is_snapshot
        if count == messages:
            app.close()

    websocket.WebSocketApp(url, on_open=on_open, on_message=on_message).run_forever()
    pipe.send_json(None)
    pipe.close()
    zmq.Context.instance().term()


def write(endpoint: str, folder: Path) -> None:
    """Write the ingest's messages until they stop."""
    pipe: Any = zmq.Context().socket(zmq.PULL)
    pipe.bind(endpoint)
    rows: list[dict[str, Any]] = []
    flushes = 0
    while (event := pipe.recv_json()) is not None:
        bids, asks = event.pop("bids"), event.pop("asks")
        for side, levels in (("bid", bids), ("ask", asks)):
            for price, size in levels:
                row = {**event, "side": side, "price": float(price), "size": float(size)}
                rows.append(row)
        if len(rows) >= FLUSH_ROWS:
            _flush(rows, folder, flushes)
            rows, flushes = [], flushes + 1
    _flush(rows, folder, flushes)


def _flush(rows: list[dict[str, Any]], folder: Path, number: int) -> None:
    frame = pd.DataFrame(rows)
    for column in ("ts_recv", "ts_event"):
        frame[column] = pd.to_datetime(frame[column], unit="ns", utc=True)
    for symbol, part in frame.groupby("symbol"):
        part.to_parquet(folder / f"{symbol}-{number}.parquet", index=False)


if __name__ == "__main__":
    if sys.argv[1] == "ingest":
        ingest(
            sys.argv[2], sys.argv[3], json.loads(Path(sys.argv[4]).read_text()), int(sys.argv[5])
        )
    else:
        write(sys.argv[2], Path(sys.argv[3]))
