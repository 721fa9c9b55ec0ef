from collections.abc import Callable
from math import inf, nan

import msgspec
import pytest

from services.buffer_writer import events
from services.buffer_writer.events import BadFrame, decode_events
from shared.delivery.frame import (
    DAY_NS,
    BookColumns,
    Columns,
    FeedEventColumns,
    Frame,
    InstrumentColumns,
    decode_columns,
    trim,
)
from tests.support.columns import pack, set_at, unpack
from tests.support.tapes import BTC, ETH, NOON, SESSION, Recording, record_minute

Change = Callable[[Columns], object]


def make_frame(recording: Recording | None = None) -> Frame:
    """Return a frame with events of every table."""
    return record_minute(recording or Recording())[0]


def make_new(recording: Recording) -> Frame:
    """Return a frame that has what the first version had not, too."""
    recording.feed_event("connected")
    for symbol in (ETH, BTC):
        recording.snapshot(symbol)
        recording.delta(symbol, step=3)
        recording.instrument(symbol)
    recording.trade()
    return recording.take()


def change(frame: Frame, how: Change) -> Frame:
    columns = decode_columns(frame)
    how(columns)
    return msgspec.structs.replace(frame, events=msgspec.Raw(msgspec.msgpack.encode(columns)))


def book(columns: Columns) -> BookColumns:
    assert columns.book is not None
    return columns.book


def instruments(columns: Columns) -> InstrumentColumns:
    assert columns.instruments is not None
    return columns.instruments


def feed_events(columns: Columns) -> FeedEventColumns:
    assert columns.feed_events is not None
    return columns.feed_events


def test_events_keep_their_numbers_and_symbols() -> None:
    found = decode_events(record_minute(Recording()))
    numbers = {name: table["event_number"].to_pylist() for name, table in found.tables.items()}
    assert {
        "book": [2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14],
        "trades": [10],
        "ticker": [11],
        "feed_events": [0, 1],
    } == numbers
    places = found.tables["book"]["symbol"].to_pylist()
    assert [ETH, BTC, BTC, ETH] == [found.symbols[place] for place in places[:4]]
    assert [None, None] == found.tables["feed_events"]["symbol"].to_pylist()


def test_an_event_knows_its_levels() -> None:
    found = decode_events(record_minute(Recording()))
    table = found.tables["book"]
    assert [3, 3, 3, 1, 3, 1, 3, 1, 0, 2, 1] == table["count"].to_pylist()
    assert [0, 3, 6, 9, 10, 13, 14, 17, 18, 18, 20] == table["start"].to_pylist()
    assert [2, 2, 2, 1, 2, 1, 2, 1, None, 1, 1] == table["bids"].to_pylist()
    assert found.levels is not None
    assert [99.5, 1.0, 99.0, 2.5, 100.5, 3.0] == found.levels[:6].to_pylist()
    assert [99.5, 1e-07, 100.5, 3.0, 99.5, 0.0] == found.levels[36:].to_pylist()


def test_frames_of_many_chunks_are_as_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording()
    frames = record_minute(recording)
    for _ in range(5):
        frames += record_minute(recording, begins=False)
    whole = decode_events(frames)
    monkeypatch.setattr(events, "CHUNK_ROWS", 15)
    parts = decode_events(frames)
    assert whole.symbols == parts.symbols
    assert whole.levels == parts.levels
    assert whole.tables == parts.tables


def test_a_frame_of_feed_events_alone_has_no_levels() -> None:
    recording = Recording()
    recording.end()
    found = decode_events([recording.take()])
    assert ([], None, ["feed_events"]) == (found.symbols, found.levels, list(found.tables))


@pytest.mark.parametrize("first", range(1, 11))
def test_a_trimmed_frame_is_as_good_as_a_whole_one(first: int) -> None:
    tables = decode_events([trim(make_frame(), first)]).tables
    numbers = [number for table in tables.values() for number in table["event_number"].to_pylist()]
    assert list(range(first, 11)) == sorted(numbers)


def spoil(name: str, place: int, number: float) -> Change:
    return lambda columns: set_at(columns.book, name, place, number)


def shorten(name: str, count: int = 1) -> Change:
    def change(columns: Columns) -> None:
        pack(columns.book, name, unpack(columns.book, name)[:-count])

    return change


def forget_sizes(columns: Columns) -> None:
    assert columns.trades is not None
    columns.trades.size = []


def reverse(columns: Columns) -> None:
    pack(columns.book, "offset", unpack(columns.book, "offset")[::-1])


FAULTS: dict[str, Change] = {
    "lack events": shorten("offset"),
    "of different length": shorten("sequence"),
    "cut within a number": lambda c: setattr(book(c), "epoch", book(c).epoch[:-1]),
    "without events": lambda c: clear(feed_events(c)),
    "no range": spoil("offset", 0, 0),
    "beyond its range": spoil("offset", -1, 99),
    "before its range": spoil("offset", 0, -1),
    "out of order": reverse,
    "unknown symbol": spoil("symbol", 0, 2),
    "negative symbol": spoil("symbol", 0, -1),
    "unknown symbol of a feed event": lambda c: feed_events(c).symbol.__setitem__(0, 7),
    "another day": spoil("ts_recv", 0, 1),
    "the moment before its day": spoil("ts_recv", 0, NOON // DAY_NS * DAY_NS - 1),
    "the moment at which its day ends": spoil("ts_recv", 0, (NOON // DAY_NS + 1) * DAY_NS),
    "unknown kind": spoil("kind", 0, 3),
    "negative kind": spoil("kind", 0, -1),
    "negative count": spoil("asks", 0, -1),
    "more levels than int32": spoil("bids", 0, 2**31 - 1),
    "too few levels": shorten("levels", 2),
    "half a level": shorten("levels"),
    "a level too many": lambda c: pack(c.book, "levels", [*unpack(c.book, "levels"), 9.0, 1.0]),
    "infinite": spoil("levels", 0, inf),
    "not a number": spoil("levels", 1, nan),
    "huge sequence": lambda c: feed_events(c).sequence_expected.__setitem__(0, 1 << 63),
    "bad trade price": lambda c: c.trades and c.trades.price.__setitem__(0, "9"),  # type: ignore[call-overload]
    "infinite trade size": lambda c: c.trades and c.trades.size.__setitem__(0, inf),
    "bad trade side": lambda c: c.trades and c.trades.side.__setitem__(0, "bid"),
    "columns of trades differ": forget_sizes,
    "no previous for one": shorten("previous"),
    "no whole previous": lambda c: setattr(book(c), "previous", book(c).previous[:-1]),
    "unknown status": lambda c: instruments(c).status.__setitem__(0, "open"),
    "unknown reason": lambda c: instruments(c).reason.__setitem__(0, "because"),
    "too many decimals": lambda c: instruments(c).price_decimals.__setitem__(0, 1 << 31),
    "infinite increment": lambda c: instruments(c).price_increment.__setitem__(0, inf),
    "market without its row": lambda c: instruments(c).info.clear(),
    "no columns": lambda c: setattr(c, "book", 1),
}


def clear(table: FeedEventColumns) -> None:
    for name in table.__struct_fields__:
        getattr(table, name).clear()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_frame_that_contradicts_itself_is_named(fault: str) -> None:
    recording = Recording()
    frames = [make_frame(recording), make_new(recording), *record_minute(recording)]
    bad = frames[1] = change(frames[1], FAULTS[fault])
    with pytest.raises(BadFrame) as caught:
        decode_events(frames)
    assert caught.value.frame is bad
    assert f"frame {bad.first} to {bad.last} of {SESSION}: " in str(caught.value)


def test_frames_that_no_single_one_spoils_are_refused_too() -> None:
    frames = record_minute(Recording())
    with pytest.raises(BadFrame, match="out of order"):
        decode_events(frames[::-1])
