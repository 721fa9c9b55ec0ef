from pathlib import Path

import pytest

from booktape.certificate import CertifiedManifest
from booktape.certify.day_sums import DaySums, find_borders
from booktape.certify.feed import read_feed
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, delta, feed, snapshot, trade

LEVEL = ("bid", 99.0, 1.0)
XRP = "XRP-EUR"


@pytest.mark.parametrize("group_rows", [1, 2, 100])
def test_symbols_add_up_whatever_the_row_groups(tmp_path: Path, group_rows: int) -> None:
    tape = HandTape(tmp_path, row_group_rows=group_rows)
    tape.write(A, feed(0, "session_start"), trade(1, "t1", symbol=XRP, event=0.5), trade(2, "t2"))
    books = (snapshot(3, 3, LEVEL, symbol=ETH), snapshot(3, 4, LEVEL, LEVEL))
    tape.write(A, *books, delta(4, 4, LEVEL), feed(5, "gap", BTC, channel="book"))
    tape.write(A, delta(6, 4, LEVEL), feed(7, "resync", "ADA-EUR"))
    store = FolderStore(tmp_path)
    flushes = tape.reading()[0].day("bitvavo", "2026-11-22")
    segments = [
        (table, Segment(store, entry, table))
        for flush in flushes
        for table, entry in flush.tables.items()
    ]
    sums = DaySums(read_feed(one for table, one in segments if table == "feed_events"), {})
    for table, segment in segments:
        if table != "feed_events":
            sums.read(segment, table, 0)
    assert ["ADA-EUR", BTC, ETH, XRP] == sums.symbols
    found = sums.find(BTC)
    assert ({"trades": 1, "book": 3}, {"trades": 1, "book": 4}) == (found.events, found.rows)
    # What the feed says of the book cuts its rows.
    assert {A: [(4, 4), (5, 5), (7, 7)]} == {
        session: [(run.number, run.last) for run in runs] for session, runs in found.runs.items()
    }
    assert {"trades": {500: 1}} == sums.find(XRP).late_ms
    assert {} == sums.find("ADA-EUR").rows


def test_a_border_is_where_the_manifest_before_does_not_go_on() -> None:
    def make(session: str, first: int, last: int, revision: int = 0) -> CertifiedManifest:
        return CertifiedManifest(session, first, last, 2, "", revision, {})

    manifests = [
        make(A, 0, 9),
        make(A, 10, 19),
        make(A, 30, 39),
        make(A, 40, 49, 1),
        make(B, 50, 59),
    ]
    assert {A: [0, 30, 40], B: [50]} == find_borders(manifests)
