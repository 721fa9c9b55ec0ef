"""Numbers, epochs and columns of the events of one session."""

import msgspec
import pytest

from shared.delivery.frame import (
    CHECKPOINT,
    DAY_NS,
    DELTA,
    NULL,
    SNAPSHOT,
    count_rows,
    decode_columns,
)
from shared.delivery.frame_builder import FrameBuilder
from shared.event import Checkpoint, Delta, FeedEvent, Instrument, Recorded, Snapshot, Ticker, Trade
from tests.support.columns import unpack
from tests.support.levels import levels

NOON = DAY_NS // 2


def snapshot(symbol: str, sequence: int | None) -> Snapshot:
    return Snapshot(symbol, *levels([("9", "1")], [("10", "1")]), sequence)


def delta(symbol: str, sequence: int) -> Delta:
    return Delta(symbol, *levels([("9", "2")], []), sequence)


def test_every_event_gets_the_next_number_over_all_frames() -> None:
    builder = FrameBuilder("s")
    events: list[tuple[str | None, Recorded]] = [
        (None, FeedEvent("session_start")),
        ("A", snapshot("A", 1)),
        ("A", Trade("A", "t", None, 1.0, 2.0)),
        ("A", Ticker("A", ask_size=3.0)),
        ("A", delta("A", 2)),
    ]
    numbers = [builder.add(NOON, symbol, event) for symbol, event in events]
    first = builder.take(0)
    numbers.append(builder.add(NOON, "A", delta("A", 3)))
    second = builder.take(0)
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert [(0, 4), (5, 5)] == [(first.first, first.last), (second.first, second.last)]


def test_an_epoch_is_named_by_its_snapshot_and_goes_on_over_frames() -> None:
    builder = FrameBuilder("s")
    for symbol in ("A", "B"):
        builder.add(NOON, symbol, snapshot(symbol, 1))
    builder.add(NOON, "A", delta("A", 2))
    builder.take(0)
    builder.add(NOON, "A", delta("A", 3))
    builder.add(NOON, "B", delta("B", 2))
    builder.add(NOON, "A", snapshot("A", 9))
    builder.add(NOON, "A", delta("A", 10))
    builder.add(NOON, "A", Checkpoint("A", [(9.0, 2.0)], [(1e-8, 0.1)], 10))
    book = decode_columns(builder.take(0)).book
    assert book is not None
    assert [0, 1, 5, 5, 5] == unpack(book, "epoch")
    assert [DELTA, DELTA, SNAPSHOT, DELTA, CHECKPOINT] == unpack(book, "kind")
    assert [3, 2, 9, 10, 10] == unpack(book, "sequence")


def test_a_delta_without_a_snapshot_is_our_own_fault() -> None:
    with pytest.raises(KeyError):
        FrameBuilder("s").add(NOON, "A", delta("A", 2))


def test_a_checkpoint_has_the_very_numbers_of_the_book() -> None:
    builder = FrameBuilder("s")
    numbers = [(0.1 + 0.2, 1e-8), (75516.0, 26072.536603339287)]
    builder.add(NOON, "A", snapshot("A", 1))
    builder.take(0)
    builder.add(NOON, "A", Checkpoint("A", numbers, [], 1))
    book = decode_columns(builder.take(0)).book
    assert book is not None
    assert [number for level in numbers for number in level] == unpack(book, "levels")
    assert [NULL] == unpack(book, "ts_event")


def test_a_frame_is_of_one_utc_day() -> None:
    builder = FrameBuilder("s")
    builder.add(DAY_NS - 1, None, FeedEvent("connected"))
    assert (0, DAY_NS) == (builder.begin, builder.end)
    assert builder.take(0).day == 0
    builder.add(DAY_NS, None, FeedEvent("connected"))
    assert (DAY_NS, 2 * DAY_NS) == (builder.begin, builder.end)
    assert builder.take(0).day == 1


def test_a_frame_has_a_row_for_each_level_and_one_for_whatever_has_none() -> None:
    builder = FrameBuilder("s")
    builder.add(NOON, "A", snapshot("A", 1))
    builder.add(NOON, "B", Snapshot("B", [], [], 1))
    builder.add(NOON, "A", Trade("A", "t", None, 1.0, 1.0))
    builder.add(NOON, None, FeedEvent("connected"))
    frame = builder.take(0)
    assert 5 == frame.rows == count_rows(decode_columns(frame))
    builder.add(NOON, None, FeedEvent("connected"))
    assert 1 == builder.take(0).rows


def test_bytes_follow_what_is_in_the_frame() -> None:
    builder = FrameBuilder("s")
    assert builder.bytes == 0
    builder.add(NOON, None, FeedEvent("malformed", detail="x" * 200))
    assert builder.bytes > 200
    builder.take(0)
    assert builder.bytes == 0


def test_what_an_exchange_does_not_number_has_no_number() -> None:
    builder = FrameBuilder("s")
    builder.add(NOON, "A", snapshot("A", None))
    builder.add(NOON, "B", Snapshot("B", *levels([], []), 0, ts_event=77))
    book = decode_columns(builder.take(0)).book
    assert book is not None
    assert [NULL, 0] == unpack(book, "sequence")
    assert [NULL, 77] == unpack(book, "ts_event")
    assert [9.0, 1.0, 10.0, 1.0] == unpack(book, "levels")
    assert ([1, 0], [1, 0]) == (unpack(book, "bids"), unpack(book, "asks"))


def test_a_delta_says_what_it_follows_only_where_that_is_not_its_own_number_less_one() -> None:
    builder = FrameBuilder("s")
    builder.add(NOON, "A", snapshot("A", 1))
    builder.add(NOON, "A", delta("A", 2))
    builder.add(NOON, "A", msgspec.structs.replace(delta("A", 3), previous=2))
    assert [] == unpack(decode_columns(builder.take(0)).book, "previous"), "it costs nothing"
    builder.add(NOON, "A", delta("A", 4))
    builder.add(NOON, "A", msgspec.structs.replace(delta("A", 9), previous=4))
    builder.add(NOON, "A", msgspec.structs.replace(delta("A", 10), previous=9))
    assert [NULL, 4, NULL] == unpack(decode_columns(builder.take(0)).book, "previous")
    builder.add(NOON, "A", delta("A", 11))
    assert [] == unpack(decode_columns(builder.take(0)).book, "previous")


def test_an_instrument_has_its_place_among_the_events() -> None:
    builder = FrameBuilder("s")
    instrument = Instrument(
        raw_symbol="AEUR",
        base="A",
        quote="EUR",
        status="halted",
        price_decimals=2,
        min_size=0.5,
        reason="changed",
        info='{"market":"A-EUR"}',
    )
    builder.add(NOON, None, FeedEvent("connected"))
    builder.add(NOON + 1, "A", instrument)
    assert builder.bytes > len(instrument.info)
    frame = builder.take(0)
    table = decode_columns(frame).instruments
    assert table is not None
    assert ([1], [NOON + 1], [0]) == (table.offset, table.ts_recv, table.symbol)
    for name in instrument.__struct_fields__:
        assert [getattr(instrument, name)] == getattr(table, name)
    assert 2 == frame.rows == count_rows(decode_columns(frame))
    builder.add(NOON, None, FeedEvent("connected"))
    assert decode_columns(builder.take(0)).instruments is None


def test_a_row_about_the_feed_may_name_a_symbol() -> None:
    builder = FrameBuilder("s")
    builder.add(NOON, "A", FeedEvent("gap"))
    builder.add(NOON, None, FeedEvent("connected"))
    columns = decode_columns(builder.take(0))
    assert columns.feed_events is not None
    assert ["A"] == columns.symbols
    assert [0, None] == columns.feed_events.symbol
