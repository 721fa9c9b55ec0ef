from pathlib import Path

from booktape.certify.symbol_rows import DayTable, read_symbols
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore
from tests.support.hand_tape import BTC, ETH, A, HandTape, delta, feed, snapshot, trade

LEVEL = ("bid", 99.0, 1.0)


def test_symbols_come_in_order_with_the_rows_of_every_file(tmp_path: Path) -> None:
    tape = HandTape(tmp_path, row_group_rows=2)
    tape.write(A, feed(0, "session_start"), trade(1, "t1", symbol="XRP-EUR"), trade(2, "t2"))
    tape.write(A, *(snapshot(3, 3, LEVEL, symbol=s) for s in (ETH, BTC)), delta(4, 4, LEVEL))
    store = FolderStore(tmp_path)
    flushes = tape.reading()[0].day("bitvavo", "2026-11-22")
    files = [
        DayTable(table, number, Segment(store, flush.tables[table], table), ("event_number",))
        for number, flush in enumerate(flushes)
        for table in flush.tables
    ]
    found = [
        (symbol, [(p.table, p.revision, p.rows["event_number"].to_pylist()) for p in parts])
        for symbol, parts in read_symbols(files)
    ]
    assert [
        (BTC, [("trades", 0, [2]), ("book", 1, [4, 5])]),
        (ETH, [("book", 1, [3])]),
        ("XRP-EUR", [("trades", 0, [1])]),
        (None, [("feed_events", 0, [0])]),
    ] == found
