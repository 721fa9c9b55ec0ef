"""Events that are packed while they wait, and taken again."""

from typing import Any

import pyarrow as pa
import pytest

from services.buffer_writer import packed as packing
from services.buffer_writer import stretches
from services.buffer_writer.events import BadFrame, decode_events
from services.buffer_writer.packed import PackedEvents
from shared.delivery.frame import Frame
from shared.errors import SpoolError
from tests.support.tapes import BTC, ETH, Recording, record_minute
from tests.support.writing import damage

SYMBOLS = (BTC, ETH)


@pytest.fixture
def frames() -> list[Frame]:
    recording = Recording()
    return record_minute(recording) + record_minute(recording, begins=False)


def pack(frames: list[Frame], chunk: int = 2) -> PackedEvents:
    packed = PackedEvents()
    for begin in range(0, len(frames), chunk):
        packed.add(frames[begin : begin + chunk])
    return packed


def test_each_portion_has_its_events_with_their_levels(
    frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "PORTION_ROWS_MAX", 1)
    whole = decode_events(frames)
    assert whole.levels is not None
    packed = pack(frames)
    assert (set(whole.names), whole.symbols) == (set(packed.names), packed.symbols)
    (book,) = whole.take("book")
    for symbol, (found, levels) in zip(SYMBOLS, packed.take("book"), strict=True):
        assert levels is not None
        expected = [row for row in book[0].to_pylist() if whole.symbols[row["symbol"]] == symbol]
        for row, other in zip(expected, found.to_pylist(), strict=True):
            begin, end = row.pop("start"), other.pop("start")
            count = 2 * row["count"]
            assert whole.levels[2 * begin :][:count] == levels[2 * end :][:count]
            assert row == other
    assert ["book"] != packed.names


def test_small_stretches_are_one_portion(frames: list[Frame]) -> None:
    ((found, _),) = pack(frames).take("book")
    assert len(set(found["symbol"].to_pylist())) == len(SYMBOLS)


def test_other_tables_are_as_they_were(frames: list[Frame]) -> None:
    whole, packed = decode_events(frames), pack(frames)
    for table in ("trades", "ticker", "feed_events"):
        assert list(whole.take(table)) == list(packed.take(table))


def test_events_are_taken_as_often_as_one_likes(frames: list[Frame]) -> None:
    packed = pack(frames)
    assert list(packed.take("book")) == list(packed.take("book"))


def test_a_stretch_without_events_is_left_out(
    frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "PORTION_ROWS_MAX", 1)
    three = [stretches.Stretch("", "A"), stretches.Stretch("A", "ZZZ"), stretches.Stretch("ZZZ")]
    monkeypatch.setattr(packing, "find_stretches", lambda _: three)
    assert 1 == len(list(pack(frames).take("book")))


def test_it_counts_what_is_in_it(frames: list[Frame]) -> None:
    assert PackedEvents().is_empty
    packed = pack(frames)
    assert not packed.is_empty
    assert (frames[0].first, frames[-1].last) == (packed.first, packed.last)
    assert (len(frames), sum(frame.rows for frame in frames)) == (packed.frames, packed.rows)
    assert sum(len(frame.events) for frame in frames) == packed.event_bytes


def test_of_a_chunk_with_a_bad_frame_nothing_is_packed(frames: list[Frame]) -> None:
    packed = pack(frames[:2])
    before = count(packed)
    with pytest.raises(BadFrame, match=f"frame {frames[3].first} to"):
        packed.add([frames[2], damage(frames[3])])
    assert before == count(packed)
    assert frames[1].last == packed.last


def count(packed: PackedEvents) -> dict[str, int]:
    return {name: sum(len(part) for part, _ in packed.take(name)) for name in packed.names}


def test_what_is_packed_takes_its_bytes_and_no_more(frames: list[Frame]) -> None:
    before = pa.total_allocated_bytes()
    packed = pack(frames)
    assert before == pa.total_allocated_bytes()  # none is as large as its stream had grown
    assert list(packed.take("book"))


@pytest.mark.parametrize("place", ["_books", "_pairs"])
@pytest.mark.parametrize("harm", [lambda data: data[:-40], lambda data: bytes(len(data))])
def test_damaged_memory_makes_a_new_process_read_the_journal(
    frames: list[Frame], place: str, harm: Any
) -> None:
    packed = pack(frames)
    pieces = getattr(packed, place)[0]
    pieces[0] = pa.py_buffer(harm(pieces[0].to_pybytes()))
    with pytest.raises(SpoolError, match="damaged"):
        list(packed.take("book"))
