"""A large flush, packed by stretches and taken again."""

import pyarrow as pa
import pytest

from services.buffer_writer import events
from services.buffer_writer.events import BadFrame, decode_events
from services.buffer_writer.packed import PackedEvents
from services.buffer_writer.stretches import Stretch
from shared.delivery.frame import Frame
from tests.support.tapes import BTC, ETH, Recording, record_minute

UP_TO_ETH, FROM_ETH = Stretch("", ETH), Stretch(ETH, None)


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[Frame]:
    monkeypatch.setattr(events, "CHUNK_ROWS", 15)
    recording = Recording()
    return record_minute(recording) + record_minute(recording, begins=False)


def test_each_stretch_has_its_events_with_their_levels(frames: list[Frame]) -> None:
    whole = decode_events(frames)
    assert whole.levels is not None
    packed = PackedEvents(frames, [UP_TO_ETH, FROM_ETH])
    assert (set(whole.names), whole.symbols) == (set(packed.names), packed.symbols)
    (book,) = whole.take("book")
    for symbol, (found, levels) in zip((BTC, ETH), packed.take("book"), strict=True):
        assert levels is not None
        expected = [row for row in book[0].to_pylist() if whole.symbols[row["symbol"]] == symbol]
        for row, other in zip(expected, found.to_pylist(), strict=True):
            begin, end = row.pop("start"), other.pop("start")
            count = 2 * row["count"]
            assert whole.levels[2 * begin :][:count] == levels[2 * end :][:count]
            assert row == other
    assert ["book"] != packed.names


def test_other_tables_are_as_they_were(frames: list[Frame]) -> None:
    whole, packed = decode_events(frames), PackedEvents(frames, [UP_TO_ETH, FROM_ETH])
    for table in ("trades", "ticker", "feed_events"):
        assert list(whole.take(table)) == list(packed.take(table))


def test_a_stretch_without_events_is_left_out(frames: list[Frame]) -> None:
    empty = Stretch("ZZZ", None)
    packed = PackedEvents(frames, [Stretch("", "ZZZ"), empty])
    assert 1 == len(list(packed.take("book")))


def test_a_bad_frame_is_found_before_anything_is_written(frames: list[Frame]) -> None:
    with pytest.raises(BadFrame):
        PackedEvents(frames[::-1], [UP_TO_ETH, FROM_ETH])


def test_what_is_packed_takes_its_bytes_and_no_more(frames: list[Frame]) -> None:
    before = pa.total_allocated_bytes()
    packed = PackedEvents(frames, [UP_TO_ETH, FROM_ETH])
    del packed._others
    assert before == pa.total_allocated_bytes()  # none is as large as its stream had grown
    assert list(packed.take("book"))
