from pathlib import Path

from booktape.certificate import MissingEvents
from booktape.certify.feed import DayFeed, SymbolFeed, find_missing, read_feed
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, feed

PLACE = "bitvavo", "2026-11-22"


def read(tape: HandTape) -> DayFeed:
    store = FolderStore(tape.root)
    flushes = tape.reading()[0].day(*PLACE)
    return read_feed(Segment(store, f.tables["feed_events"], "feed_events") for f in flushes)


def test_rows_are_added_up_by_symbol(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(
        A,
        feed(0, "session_start"),
        feed(1, "crossed", BTC, bid=1.0, ask=1.0),
        feed(2, "audit", BTC, cause="interval", compared=900, differ=0, ticker=[5, 6]),
        feed(3, "audit", BTC, cause="edge", compared=100, differ=3, ticker=[1, 1]),
        feed(3, "mismatch", BTC, side="bid", price=1.0),
        feed(4, "gap", BTC, channel="trades", last="t1", first="t9"),
        feed(5, "gap", ETH, channel="book"),
        feed(6, "audit", ETH),
    )
    found = read(tape)
    assert SymbolFeed(5, 1, 2, 1, 1000, 3, 1, 7, 6, 1) == found.symbols[BTC]
    assert SymbolFeed(events=2, audits=1) == found.symbols[ETH]
    assert SymbolFeed(events=1) == found.symbols[None]
    assert 0 == found.journal_holes


def test_the_rows_that_may_end_a_book_are_cuts(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, feed(0, "session_start"), feed(1, "gap", BTC), feed(2, "connected"))
    tape.write(B, feed(0, "session_start"), feed(3, "disconnected", connection=0))
    tape.write(A, feed(4, "gap", BTC), feed(5, "crossed", BTC))
    assert {(A, None): [0], (A, BTC): [1, 3], (B, None): [0, 1]} == read(tape).cuts


def test_events_that_no_manifest_has_are_missing_unless_a_hole_says_why(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, feed(0, "session_start"), feed(1, "connected"))
    tape.write(A, feed(2, "connected"), first=5)
    hole = feed(3, "journal_hole", events=3)
    hole.rows[0] |= {"sequence_expected": 6, "sequence_received": 9}
    tape.write(A, hole)
    tape.write(A, feed(4, "connected"), first=9)
    tape.write(B, feed(4, "connected"), first=2)
    found = read(tape)
    assert 1 == found.journal_holes
    flushes = tape.reading()[0].day(*PLACE)
    assert [MissingEvents(A, 2, 4)] == find_missing(flushes, found)


def test_a_detail_that_is_none_counts_nothing(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    strange = feed(1, "audit", BTC)
    strange.rows[0]["detail"] = "[1"
    tape.write(A, strange)
    assert SymbolFeed(events=1, audits=1) == read(tape).symbols[BTC]
