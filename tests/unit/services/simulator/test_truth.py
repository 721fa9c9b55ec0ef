import json
from pathlib import Path

from services.simulator.bitvavo.listing import list_markets as bitvavo_markets
from services.simulator.truth import Truth

LISTING = bitvavo_markets(1, levels=10)[0]


def test_every_kind_of_line_is_written_in_order(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    truth = Truth(path, clock_ns=lambda: 7)
    truth.start(exchange="bitvavo", seed=3, symbols=["BTC-EUR"])
    truth.opened(1)
    truth.sent(1, '{"a":"é"}')
    truth.sent(1, b"\x00\xff")
    truth.request("/v2/time", status=200)
    truth.fault("gap", connection=1, listing=LISTING, sequence_expected=5, is_gap=True, kind="x")
    truth.closed(1, reason="drop", unsent_bytes=3)
    truth.book(LISTING, sequence={1: 9}, bids=[("1", "2")], asks=[])
    truth.end()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [
        {"type": "start", "exchange": "bitvavo", "seed": 3, "symbols": ["BTC-EUR"], "ts": 7},
        {"type": "connection", "connection": 1, "event": "open", "reason": "", "ts": 7},
        {"type": "sent", "connection": 1, "ts": 7, "message": '{"a":"é"}'},
        {"type": "sent", "connection": 1, "ts": 7, "message": "00ff", "is_binary": True},
        {"type": "request", "method": "GET", "path": "/v2/time", "status": 200, "ts": 7},
        {
            "type": "fault",
            "fault": "gap",
            "connection": 1,
            "symbol": "BTC-EUR",
            "raw_symbol": "BTC-EUR",
            "sequence_expected": 5,
            "sequence_received": None,
            "is_gap": True,
            "kind": "x",
            "ts": 7,
        },
        {
            "type": "connection",
            "connection": 1,
            "event": "close",
            "reason": "drop",
            "unsent_bytes": 3,
            "ts": 7,
        },
        {
            "type": "book",
            "symbol": "BTC-EUR",
            "raw_symbol": "BTC-EUR",
            "sequence": {"1": 9},
            "bids": [["1", "2"]],
            "asks": [],
            "ts": 7,
        },
        {"type": "end", "ts": 7},
    ] == lines


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    truth = Truth(None, clock_ns=lambda: 7)
    truth.start(exchange="bitvavo", seed=3, symbols=[])
    truth.sent(1, "x")
    truth.flush()
    truth.end()
    assert [] == list(tmp_path.iterdir())


def test_the_end_comes_once(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    truth = Truth(path, clock_ns=lambda: 7)
    truth.end()
    truth.end()
    assert '{"type":"end","ts":7}\n' == path.read_text()
