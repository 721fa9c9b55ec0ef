"""Runs where nautilus_trader is: `make test-exports`."""

from pathlib import Path
from typing import Any

import pytest

from booktape.export.days import Day
from booktape.export.folder import Folder
from booktape.opening import open_reading
from tests.support.hand_tape import BTC, A, HandTape, at, delta, feed, snapshot, trade

pytest.importorskip("nautilus_trader")

STOP = feed(60, "session_end", reason="stopped")


def make_tape(root: Path) -> HandTape:
    tape = HandTape(root)
    book = ("bid", 98.0, 2.0), ("bid", 99.5, 1.0), ("ask", 101.0, 3.0)
    tape.write(A, snapshot(1, 0, *book, sequence=7))
    change = ("bid", 98.0, 0.0), ("bid", 97.0, 0.125), ("ask", 101.0, 1.0)
    tape.write(A, delta(2, 0, *change, sequence=-8), trade(3, "t1", 99.5, event=2.5))
    tape.write(A, feed(4, "gap", BTC), STOP)
    return tape


def export(tape: HandTape) -> tuple[Path, dict[str, Any]]:
    from booktape.export.nautilus import write  # noqa: PLC0415 (it is not everywhere)

    day = Day(open_reading(tape.root), f"bitvavo:{BTC}", "2026-11-22")
    folder = Folder(tape.root.parent / "out", "nautilus", {})
    facts: dict[str, Any] = write(day, folder, tick=None, lot=None)
    return folder.path, facts


def test_a_day_is_in_the_catalog_and_may_be_written_again(tmp_path: Path) -> None:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog  # noqa: PLC0415

    tape = make_tape(tmp_path / "tape")
    out, facts = export(tape)
    assert (out, facts) == export(tape)
    catalog = ParquetDataCatalog(str(out))
    deltas = catalog.order_book_deltas(instrument_ids=[facts["file"]])
    assert [
        ("CLEAR", 32, 7, "0.0", "0.000"),
        ("ADD", 32, 7, "99.5", "1.000"),
        ("ADD", 32, 7, "98.0", "2.000"),
        ("ADD", 128, 7, "101.0", "3.000"),
        ("DELETE", 0, 0, "98.0", "0.000"),
        ("ADD", 0, 0, "97.0", "0.125"),
        ("UPDATE", 128, 0, "101.0", "1.000"),
        ("CLEAR", 128, 0, "0.0", "0.000"),
    ] == [
        (
            str(each.to_dict(each)["action"]),
            each.flags,
            each.sequence,
            str(each.order.price),
            str(each.order.size),
        )
        for each in deltas
    ]
    assert [at(second) * 1000 for second in (1, 2, 4)] == sorted({d.ts_init for d in deltas})
    (tick,) = catalog.trade_ticks(instrument_ids=[facts["file"]])
    assert (at(2.5) * 1000, at(3) * 1000) == (tick.ts_event, tick.ts_init)
    (instrument,) = catalog.instruments(instrument_ids=[facts["file"]])
    assert ("BTC", "EUR") == (str(instrument.base_currency), str(instrument.quote_currency))
    assert (8, 1) == (facts["deltas"], facts["trades"])
