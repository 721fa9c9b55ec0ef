from pathlib import Path

import pytest

from booktape.ledger import Ledger
from booktape.segments import opened as opened_module
from booktape.segments.daily import FlushRows
from booktape.segments.opened import Segments
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all
from tests.support.hand_tape import A, HandTape, snapshot, trade

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
