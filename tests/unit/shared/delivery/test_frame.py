"""Frames: encoding, hostile input, replays cut into other frames."""

import msgspec
import pytest

from shared.delivery.frame import (
    FRAME_VERSION,
    NULL,
    Frame,
    count_rows,
    decode,
    decode_columns,
    encode,
    trim,
)
from shared.delivery.frame_builder import FrameBuilder
from shared.errors import FrameError, UnknownFrameVersion
from shared.event import Delta, FeedEvent, Instrument, Recorded, Snapshot, Ticker, Trade
from tests.support import first as first_version
from tests.support.columns import pack, unpack
from tests.support.first import make_first_frame
from tests.support.levels import levels

SESSION = "20261122T091500.123456Z-bitvavo-a"
EVENTS: list[tuple[str | None, Recorded]] = [
    (None, FeedEvent("session_start")),
    ("BTC-EUR", Snapshot("BTC-EUR", *levels([("9", "1"), ("8", "2")], [("10", "3")]), 5, 77)),
    ("ETH-EUR", Trade("ETH-EUR", "t1", "buy", 2.5, 1.0)),
    ("BTC-EUR", Delta("BTC-EUR", *levels([], [("11", "0")]), 6)),
    ("BTC-EUR", Delta("BTC-EUR", *levels([], []), 7)),
    ("ETH-EUR", Ticker("ETH-EUR", bid_price=2.4)),
    ("ETH-EUR", FeedEvent("gap", sequence_expected=3, sequence_received=9)),
    ("BTC-EUR", Delta("BTC-EUR", *levels([("9", "0")], []), 8)),
]
INSTRUMENT = Instrument(
    raw_symbol="ETH-EUR", base="ETH", quote="EUR", status="trading", reason="start", info="{}"
)
# What the first version of a frame could not hold.
NEW: list[tuple[str | None, Recorded]] = [
    *EVENTS,
    ("ETH-EUR", INSTRUMENT),
    ("BTC-EUR", Delta("BTC-EUR", *levels([], []), 20, previous=8)),
    ("BTC-EUR", Delta("BTC-EUR", *levels([], []), 21, previous=20)),
    ("ETH-EUR", INSTRUMENT),
]


def frame(events: list[tuple[str | None, Recorded]] = EVENTS) -> Frame:
    builder = FrameBuilder(SESSION, 100)
    for ts, (symbol, event) in enumerate(events):
        builder.add(ts, symbol, event)
    return builder.take(base=40)


def test_a_frame_survives_the_wire() -> None:
    sent = frame()
    received = decode(encode(sent))
    assert (FRAME_VERSION, SESSION, 40, 100, 107) == (
        received.version,
        received.session,
        received.base,
        received.first,
        received.last,
    )
    assert decode_columns(received) == decode_columns(sent)


def test_rows_count_levels_and_events_without_any() -> None:
    assert frame().rows == 3 + 1 + 1 + 1 + 4
    assert count_rows(decode_columns(frame())) == 10


def test_a_frame_of_the_first_version_is_still_read() -> None:
    old = decode(first_version.FRAME)
    assert (1, 2, 3, 8, 7) == (old.version, old.base, old.first, old.last, old.rows)
    columns = decode_columns(old)
    assert ["BTC-EUR", "ETH-EUR"] == columns.symbols
    assert ([5, 6, 7], []) == (unpack(columns.book, "sequence"), unpack(columns.book, "previous"))
    assert columns.instruments is None
    assert [4, 2] == [trim(old, 5).rows, trim(old, 7).rows]
    assert FRAME_VERSION == trim(old, 5).version, "it is encoded anew"
    assert FRAME_VERSION > 1


def test_a_helper_makes_what_the_first_release_wrote() -> None:
    old = decode(first_version.FRAME)
    assert first_version.FRAME == encode(make_first_frame(trim_nothing(old)))


def trim_nothing(old: Frame) -> Frame:
    """Return the frame as this release encodes it."""
    events = msgspec.Raw(msgspec.msgpack.encode(decode_columns(old)))
    return msgspec.structs.replace(old, version=FRAME_VERSION, events=events)


@pytest.mark.parametrize("first", range(101, 112))
def test_a_trimmed_frame_keeps_what_each_delta_follows(first: int) -> None:
    columns = decode_columns(trim(frame(NEW), first))
    followed = [NULL, NULL, NULL, NULL, 8, NULL]  # of 101, 103, 104, 107, 109 and 110
    kept = sum(number >= first for number in (101, 103, 104, 107, 109, 110))
    assert followed[len(followed) - kept :] == (
        unpack(columns.book, "previous") if columns.book else []
    )
    listed = [number - first for number in (108, 111) if number >= first]
    assert columns.instruments is not None
    assert (listed, ["{}"] * len(listed)) == (columns.instruments.offset, columns.instruments.info)


@pytest.mark.parametrize("first", range(101, 108))
def test_a_trimmed_frame_holds_exactly_the_later_events(first: int) -> None:
    trimmed = trim(frame(), first)
    builder = FrameBuilder(SESSION, first)
    whole, rest = decode_columns(frame()), decode_columns(trimmed)
    assert (first, 107) == (trimmed.first, trimmed.last)
    assert trimmed.rows == count_rows(rest)
    shift = first - 100
    for before, after in (
        (whole.trades, rest.trades),
        (whole.ticker, rest.ticker),
        (whole.feed_events, rest.feed_events),
    ):
        assert before is not None
        kept = [offset - shift for offset in before.offset if offset >= shift]
        assert (kept or None) == (after and after.offset)
        assert after is None or before.ts_recv[-len(kept) :] == after.ts_recv
    assert builder.next_number == trimmed.first
    places = [place for place in unpack(whole.book, "offset") if place >= shift]
    assert [place - shift for place in places] == unpack(rest.book, "offset")
    assert unpack(whole.book, "ts_recv")[-len(places) :] == unpack(rest.book, "ts_recv")


@pytest.mark.parametrize("name", ["offset", "sequence", "bids", "levels", "previous"])
def test_columns_of_different_lengths_cannot_be_trimmed(name: str) -> None:
    columns = decode_columns(frame(NEW))
    pack(columns.book, name, unpack(columns.book, name)[:-1])
    events = msgspec.Raw(msgspec.msgpack.encode(columns))
    with pytest.raises(ValueError, match="differ in length"):
        trim(msgspec.structs.replace(frame(NEW), events=events), 103)


def test_a_trimmed_book_keeps_the_levels_of_its_events() -> None:
    book = decode_columns(trim(frame(), 103)).book
    assert book is not None
    assert [11.0, 0.0, 9.0, 0.0] == unpack(book, "levels")
    assert ([0, 0, 1], [1, 0, 0]) == (unpack(book, "bids"), unpack(book, "asks"))
    assert ([6, 7, 8], [NULL] * 3) == (unpack(book, "sequence"), unpack(book, "ts_event"))


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_a_table_without_events_is_none_and_stays_none(number: int) -> None:
    builder = FrameBuilder(SESSION, 5)
    builder.add(0, "BTC-EUR", EVENTS[1][1])
    builder.take(0)
    symbol, event = EVENTS[number]
    for ts in range(3):
        builder.add(ts, symbol, event)
    columns = decode_columns(trim(builder.take(0), 7))
    tables = (columns.trades, columns.ticker, columns.feed_events)
    offsets = [table.offset for table in tables if table]
    offsets += [unpack(columns.book, "offset")] if columns.book else []
    assert [[0, 1]] == offsets


def test_a_cut_behind_the_last_event_of_each_table_leaves_none_of_it() -> None:
    builder = FrameBuilder(SESSION, 100)
    for ts, (symbol, event) in enumerate([*EVENTS, (None, FeedEvent("disconnected"))]):
        builder.add(ts, symbol, event)
    columns = decode_columns(trim(builder.take(0), 108))
    assert (None, None, None) == (columns.book, columns.trades, columns.ticker)
    assert columns.feed_events is not None
    assert ["disconnected"] == columns.feed_events.kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"garbage",
        msgspec.msgpack.encode([FRAME_VERSION]),
        msgspec.msgpack.encode({"version": FRAME_VERSION}),
        msgspec.msgpack.encode([FRAME_VERSION, SESSION, 0, 5, 4, 1, 0, None]),
        msgspec.msgpack.encode([FRAME_VERSION, SESSION, 6, 5, 7, 1, 0, None]),
        msgspec.msgpack.encode([FRAME_VERSION, SESSION, -1, 5, 7, 1, 0, None]),
        b"\x98\x01\xa2\xff\xff\x00\x00\x00\x01\x00\xc0",  # a session that is no UTF-8
        b"\xa2\xff\xff",
        b"\x91" * 100_000,
        b"\x98\x01\xa1a\x00\x00\x00\x01\x00" + b"\x91" * 100_000 + b"\xc0",
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        decode(data)
    assert not isinstance(caught.value, UnknownFrameVersion)


def test_a_version_of_another_release_is_told_apart_whatever_follows_it() -> None:
    for rest in ([SESSION, 0, 0, 0, 1, 0, None], ["anything", {"else": 1}]):
        with pytest.raises(UnknownFrameVersion, match="99"):
            decode(msgspec.msgpack.encode([99, *rest]))


@pytest.mark.parametrize(
    "events",
    [b"\x92\x01\x02", b"\x95\x91\xa2\xff\xff\xc0\xc0\xc0\xc0"],
    ids=["numbers", "no UTF-8"],
)
def test_damaged_events_are_refused(events: bytes) -> None:
    good = frame()
    bad = msgspec.structs.replace(good, events=msgspec.Raw(events))
    with pytest.raises(FrameError, match=r"100"):
        decode_columns(decode(encode(bad)))
