import pytest
from msgspec.structs import replace

from services.buffer_writer.gather import Codes, gather
from tests.tapes import BTC, ETH, Recording, record_minute


def test_the_columns_of_frames_become_one() -> None:
    frames = record_minute(Recording())
    codes = Codes()
    groups = gather(frames, codes)
    assert {"book": 11, "trades": 1, "ticker": 1, "feed_events": 2} == {
        name: len(group.columns["offset"]) for name, group in groups.items()
    }
    book = groups["book"]
    assert [0, 11] == book.firsts
    assert [8, 11] == book.ends
    assert 2 == len(book.texts["price"]) == len(book.texts["size"])


def test_symbols_are_numbered_over_all_frames() -> None:
    first, second = Recording(), Recording()
    for recording, symbols in ((first, [ETH]), (second, [BTC, ETH])):
        for symbol in symbols:
            recording.snapshot(symbol)
    codes = Codes()
    book = gather([first.take(), second.take()], codes)["book"]
    assert [ETH, BTC] == list(codes)
    assert ([0, 1, 0], [0, 1], [1, 2]) == (book.codes, book.code_begins, book.code_counts)


def test_a_frame_without_all_events_of_its_range_is_refused() -> None:
    frame = record_minute(Recording())[0]
    frame = replace(frame, last=frame.last + 1)
    with pytest.raises(ValueError, match="lacks events"):
        gather([frame], Codes())
