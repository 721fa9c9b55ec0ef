from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from booktape.ledger import Ledger
from booktape.segments import opened as opened_module
from booktape.segments import segment as segment_module
from booktape.segments.daily import FlushRows
from booktape.segments.opened import Segments
from booktape.segments.segment import Segment
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all
from tests.support.hand_tape import BTC, A, HandTape, feed, snapshot, trade


class CountingStore(FolderStore):
    """Knows which ranges it was asked for."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[tuple[int, int]] = []

    @override
    def get_range(self, key: str, first: int, length: int) -> bytes:
        self.asked.append((first, length))
        return super().get_range(key, first, length)


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
    ledger, _, _ = tape.reading()
    flushes = ledger.day("bitvavo", "2026-11-22")
    asked: list[int] = []

    def gather(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        asked.append(len(items))
        return [work(item) for item in items]

    segments = Segments(FolderStore(tmp_path), gather)
    segments.open_ahead(flushes[:2], ("book", "ticker", "feed_events"), (BTC, ()))
    segments.open_ahead(flushes, ("book",), (BTC, ()))
    assert [4, 3] == asked
    assert segments.open(flushes[0], "book") is segments.open(flushes[0], "book")


def test_what_will_be_read_of_a_large_segment_is_had_in_one_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_module, "WHOLE_BYTES_MAX", 0)
    monkeypatch.setattr(segment_module, "SMALL_BYTES_MAX", 0)
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, LEVEL))
    [flush] = tape.reading()[0].day(*PLACE)
    store = CountingStore(tmp_path)
    segments = Segments(store)
    columns = ("ts_recv", "price", "size")
    for _ in range(2):
        segments.open_ahead([flush], ("book",), (BTC, columns))
    assert 2 == len(store.asked)  # the footer, and the columns
    book = segments.open(flush, "book")
    at_hand = [book.is_at_hand]
    assert [99.0] == book.read(0, ("price",))["price"].to_pylist()
    assert 2 == len(store.asked)
    assert isinstance(book, Segment)
    book.forget_bytes()
    assert [True, False] == [*at_hand, book.is_at_hand]
    assert [99.0] == book.read(0, ("price",))["price"].to_pylist()
    assert 3 == len(store.asked)


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
