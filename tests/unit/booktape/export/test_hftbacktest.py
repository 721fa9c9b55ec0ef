from pathlib import Path
from typing import Any

import numpy as np
import pytest

from booktape.errors import TapeError
from booktape.export.days import Day
from booktape.export.event_order import EXCH_EVENT, LOCAL_EVENT
from booktape.export.folder import Folder
from booktape.export.hftbacktest import (
    BUY,
    CLEAR,
    DEPTH,
    KINDS,
    SELL,
    SNAPSHOT,
    TRADE,
    write,
)
from booktape.opening import open_reading
from tests.support.hand_tape import BTC, A, HandTape, at, delta, feed, snapshot, trade

BOOK = ("bid", 98.0, 2.0), ("bid", 99.0, 1.0), ("ask", 101.0, 3.0)
STOP = feed(60, "session_end", reason="stopped")
NOTHING: dict[str, Any] = {"latency_ms": None, "tick": None, "lot": None, "stored": False}


def export(tape: HandTape, **options: Any) -> tuple[Any, dict[str, Any]]:
    day = Day(open_reading(tape.root), f"bitvavo:{BTC}", "2026-11-22")
    folder = Folder(tape.root / "out", "hftbacktest", {})
    facts = write(day, folder, **{**NOTHING, **options})
    return np.load(folder.path / str(facts["file"]))["data"], facts


def lines(data: Any) -> list[tuple[Any, ...]]:
    """Return each row: its kind and side, seconds there and here, price and size."""
    kinds = {DEPTH: "depth", TRADE: "trade", CLEAR: "clear", SNAPSHOT: "snapshot"}
    found = []
    for row in data:
        ev = int(row["ev"])
        side = {BUY: "buy", SELL: "sell", 0: ""}[ev & (BUY | SELL)]
        times = ((int(row[name]) // 1000 - at(0)) / 1e6 for name in ("exch_ts", "local_ts"))
        price = None if np.isnan(row["px"]) else float(row["px"])
        found.append((kinds[ev & KINDS], side, *times, price, float(row["qty"])))
    return found


def test_a_book_begins_with_clears_and_goes_from_the_best_on(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), delta(2, 0, ("bid", 99.0, 0.0)))
    tape.write(A, feed(4, "gap", BTC), snapshot(6, 3, BOOK[0]), STOP)
    data, facts = export(tape, latency_ms=100.0)
    assert [
        ("clear", "buy", 0.9, 1.0, None, 0.0),
        ("clear", "sell", 0.9, 1.0, None, 0.0),
        ("snapshot", "buy", 0.9, 1.0, 99.0, 1.0),
        ("snapshot", "buy", 0.9, 1.0, 98.0, 2.0),
        ("snapshot", "sell", 0.9, 1.0, 101.0, 3.0),
        ("depth", "buy", 1.9, 2.0, 99.0, 0.0),
        ("clear", "buy", 3.9, 4.0, None, 0.0),
        ("clear", "sell", 3.9, 4.0, None, 0.0),
        ("clear", "buy", 5.9, 6.0, None, 0.0),
        ("clear", "sell", 5.9, 6.0, None, 0.0),
        ("snapshot", "buy", 5.9, 6.0, 98.0, 2.0),
        ("clear", "buy", 59.9, 60.0, None, 0.0),
        ("clear", "sell", 59.9, 60.0, None, 0.0),
    ] == lines(data)
    assert {int(row["ev"]) & (EXCH_EVENT | LOCAL_EVENT) for row in data} == {
        EXCH_EVENT | LOCAL_EVENT
    }
    assert (13, 100_000) == (facts["rows"], facts["latency_us"])
    assert 64 == data.dtype.itemsize


def test_an_audit_of_an_equal_book_is_no_row(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), snapshot(5, 1, *BOOK), STOP)
    data, _ = export(tape, latency_ms=0.0)
    assert 2 + 3 + 2 == len(data)


def test_a_trade_comes_before_the_depth_of_its_moment_and_may_be_two_rows(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), delta(3, 0, ("bid", 99.0, 5.0)))
    tape.write(A, trade(3, "t1", 99.0, event=2.8, side="sell"), trade(4, "t2", 99.0, event=2.5))
    tape.write(A, trade(5, "t3", 99.0, side=None), STOP)
    data, facts = export(tape)
    assert 200_000 == facts["latency_us"]
    found = [(kind, side, there, here) for kind, side, there, here, *_ in lines(data)]
    assert (
        [
            ("trade", "buy", 2.5, 4.0),  # there
            ("trade", "sell", 2.8, 3.0),
            ("depth", "buy", 2.8, 3.0),
            ("trade", "buy", 2.5, 4.0),  # here
            ("trade", "", 4.8, 5.0),
        ]
        == found[5:10]
    )
    flags = [int(row["ev"]) & (EXCH_EVENT | LOCAL_EVENT) for row in data][5:9]
    assert [EXCH_EVENT, EXCH_EVENT | LOCAL_EVENT] == flags[:2]
    assert LOCAL_EVENT == flags[3]


def test_nothing_is_made_up_where_nothing_tells_the_latency(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), delta(2, 0, BOOK[0]), STOP)
    with pytest.raises(TapeError, match="give --latency-ms"):
        export(tape)


def test_a_day_without_a_book_is_refused(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, trade(1, "t"), STOP)
    with pytest.raises(TapeError, match="is not known on 2026-11-22"):
        export(tape)


def test_once_a_crossed_book_is_not_crossed_its_best_levels_are_said_again(tmp_path: Path) -> None:
    """The reader moves a side's best price when the other crosses it, and never back."""
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, *BOOK), delta(2, 0, ("bid", 102.0, 1.0)), feed(2, "crossed", BTC))
    tape.write(A, delta(3, 0, ("bid", 102.0, 0.0)), delta(3, 0, ("ask", 105.0, 2.0)), STOP)
    data, _ = export(tape, latency_ms=100.0)
    assert [
        ("depth", "buy", 1.9, 2.0, 102.0, 1.0),
        ("depth", "buy", 2.9, 3.0, 102.0, 0.0),
        ("depth", "sell", 2.9, 3.0, 105.0, 2.0),
        ("depth", "buy", 2.9, 3.0, 99.0, 1.0),
        ("depth", "sell", 2.9, 3.0, 101.0, 3.0),
    ] == lines(data)[5:10]


def test_rows_are_merged_however_many_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = HandTape(tmp_path, row_group_rows=3)
    tape.write(A, snapshot(1, 0, *BOOK), delta(3, 0, ("bid", 99.0, 5.0)))
    trades = [trade(3 + n / 4, f"t{n}", event=2.8 - n % 3 / 5 + n / 4) for n in range(8)]
    tape.write(A, *trades, delta(4, 0, ("bid", 97.0, 5.0)), delta(4, 0, ("ask", 102.0, 1.0)))
    tape.write(A, delta(5, 0, ("bid", 96.0, 5.0)), STOP)
    whole, _ = export(tape)
    for rows in (1, 2, 5):
        monkeypatch.setattr("booktape.export.hftbacktest.ROWS_AT_ONCE", rows)
        data, _ = export(tape)
        assert lines(whole) == lines(data)


def test_a_file_that_is_stored_has_the_same_rows(tmp_path: Path) -> None:
    compressed, stored = HandTape(tmp_path / "one"), HandTape(tmp_path / "two")
    for tape in (compressed, stored):
        tape.write(A, snapshot(1, 0, *BOOK), delta(2, 0, ("bid", 99.0, 0.0)), STOP)
    data, _ = export(compressed, latency_ms=1.0)
    same, facts = export(stored, latency_ms=1.0, stored=True)
    assert data.tobytes() == same.tobytes()
    assert data.nbytes < (stored.root / "out" / str(facts["file"])).stat().st_size
