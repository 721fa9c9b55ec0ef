from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from booktape.ledger import Ledger
from booktape.segments import opened as opened_module
from booktape.segments.daily import FlushRows
from booktape.segments.opened import Segments
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all
from tests.support.hand_tape import BTC, A, HandTape, feed, snapshot, trade

PLACE = "bitvavo", "2026-11-22"
LEVEL = ("bid", 99.0, 1.0)


def test_a_segment_is_opened_once_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, LEVEL), trade(2, "t1"))
    [flush] = tape.reading()[0].day(*PLACE)
    segments = Segments(FolderStore(tmp_path))
    book = segments.open(flush, "book")
    assert book is segments.open(flush, "book")
    monkeypatch.setattr(opened_module, "SEGMENTS_REMEMBERED_MAX", 1)
    segments.open(flush, "trades")
    assert book is not segments.open(flush, "book")


def test_of_a_certified_day_the_days_file_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, LEVEL), trade(2, "t1"))
    certify_all(tape.root, tmp_path / "temporary")
    store = FolderStore(tape.root)
    [flush] = Ledger(store, "file:").day(*PLACE)
    segments = Segments(store)
    book, again = segments.open(flush, "book"), segments.open(flush, "book")
    assert isinstance(book, FlushRows)
    assert isinstance(again, FlushRows)
    assert book._daily is again._daily
    assert "daily/book/exchange=bitvavo/date=2026-11-22/rev=0/book.parquet" == book.key
    monkeypatch.setattr(opened_module, "SEGMENTS_REMEMBERED_MAX", 1)
    segments.open(flush, "trades")
    third = segments.open(flush, "book")
    assert isinstance(third, FlushRows)
    assert book._daily is not third._daily


def test_segments_that_will_be_asked_for_are_opened_together(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    for second in range(3):
        tape.write(A, snapshot(second, second), feed(second, "crossed", BTC))
    ledger, segments, _ = tape.reading()
    flushes = ledger.day("bitvavo", "2026-11-22")
    asked: list[int] = []

    def gather(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        asked.append(len(items))
        return [work(item) for item in items]

    segments.open_ahead(flushes[:2], ("book", "ticker", "feed_events"), gather)
    segments.open_ahead(flushes, ("book",), gather)
    assert [4, 1] == asked
    assert segments.open(flushes[0], "book") is segments.open(flushes[0], "book")


def test_of_small_segments_the_latest_are_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = HandTape(tmp_path)
    for second in range(4):
        tape.write(A, snapshot(second, second, ("bid", 1.0, second + 1.0)))
    ledger, segments, _ = tape.reading()
    flushes = ledger.day("bitvavo", "2026-11-22")
    size = flushes[0].tables["book"].bytes
    monkeypatch.setattr(opened_module, "WHOLE_BYTES_KEPT_MAX", 2 * size + size // 2)
    found = [segments.open(flush, "book") for flush in flushes]
    kept = [segment.kept_bytes for segment in found if isinstance(segment, Segment)]
    assert [0, 0] == kept[:2]
    assert min(kept[2:]) > 0
    sizes = [segment.read(0, ["size"])["size"].to_pylist() for segment in found]
    assert [[1.0], [2.0], [3.0], [4.0]] == sizes  # by ranges where it is not kept
