from collections.abc import Callable
from random import Random
from struct import unpack

import msgspec
import pytest

from services.buffer_writer import events
from services.buffer_writer.events import BadFrame, decode_events
from shared.frame import BookColumns, Columns, FeedEventColumns, Frame, decode_columns, trim
from tests.tapes import BTC, ETH, SESSION, Recording, record_minute

Change = Callable[[Columns], object]


def make_frame(recording: Recording | None = None) -> Frame:
    """Return a frame with events of every table."""
    return record_minute(recording or Recording())[0]


def change(frame: Frame, how: Change) -> Frame:
    columns = decode_columns(frame)
    how(columns)
    return msgspec.structs.replace(frame, events=msgspec.Raw(msgspec.msgpack.encode(columns)))


def book(columns: Columns) -> BookColumns:
    assert columns.book is not None
    return columns.book


def feed_events(columns: Columns) -> FeedEventColumns:
    assert columns.feed_events is not None
    return columns.feed_events


def read_numbers(texts: list[str]) -> list[float]:
    """Return what the tape makes of the texts of prices."""

    def put(columns: Columns) -> None:
        book(columns).asks[0] = len(texts)
        book(columns).bids[0] = 0
        book(columns).price = "".join(f"{text}\n" for text in texts)
        book(columns).size = "1\n" * len(texts)

    recording = Recording()
    recording.snapshot()
    levels = decode_events([change(recording.take(), put)]).levels
    assert levels is not None
    return list(levels["price"].to_pylist())


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
    assert [3, 3, 3, 1, 3, 1, 3, 1, 1, 2, 1] == table["rows"].to_pylist()
    assert [0, 3, 6, 9, 10, 13, 14, 17, 18, 19, 21] == table["start"].to_pylist()
    assert [2, 2, 2, 1, 2, 1, 2, 1, None, 1, 1] == table["bids"].to_pylist()
    assert found.levels is not None
    assert [99.5, 99.0, 100.5] == found.levels["price"][:3].to_pylist()
    assert [None, 1e-07, 3.0, 0.0] == found.levels["size"][18:].to_pylist()


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


NASTY = (
    "0.1",
    "0.30000000000000004",
    "9007199254740993",
    "75516.00",
    "75516",
    "0.000000000000000001",
    "123456789012345678901234.5",
    "2.2250738585072011",
    "8.5",
    "17976931348623157.0814526220",
    "6929495644600919.5",
    "0.500000000000000166533453693773481063544750213623046875",
    "1e-07",
    "5e-324",
    "1.7976931348623157e+308",
)


def test_numbers_are_rounded_as_python_rounds_them() -> None:
    assert [float(text) for text in NASTY] == read_numbers(list(NASTY))


def test_any_float_comes_back_from_its_text() -> None:
    random = Random(7)
    floats = [abs(unpack("d", random.randbytes(8))[0]) for _ in range(5000)]
    texts = [repr(number) for number in floats if number < float("inf")]
    assert [float(text) for text in texts] == read_numbers(texts)
    decimals = [f"{random.random() * 10 ** random.randrange(12):.18f}" for _ in range(5000)]
    assert [float(text) for text in decimals] == read_numbers(decimals)


FAULTS: dict[str, Change] = {
    "lack events": lambda c: book(c).offset.pop(),
    "of different length": lambda c: book(c).sequence.pop(),
    "without events": lambda c: clear(feed_events(c)),
    "no range": lambda c: book(c).offset.__setitem__(0, 0),
    "beyond its range": lambda c: book(c).offset.__setitem__(-1, 99),
    "out of order": lambda c: book(c).offset.reverse(),
    "unknown symbol": lambda c: book(c).symbol.__setitem__(0, 2),
    "negative symbol": lambda c: book(c).symbol.__setitem__(0, -1),
    "unknown symbol of a feed event": lambda c: feed_events(c).symbol.__setitem__(0, 7),
    "another day": lambda c: book(c).ts_recv.__setitem__(0, 1),
    "unknown kind": lambda c: book(c).kind.__setitem__(0, 3),
    "kind beyond a byte": lambda c: book(c).kind.__setitem__(0, 300),
    "negative count": lambda c: book(c).asks.__setitem__(0, -1),
    "too few lines": lambda c: put_price(c, book(c).price[4:]),
    "too many lines": lambda c: put_price(c, book(c).price + "1\n"),
    "no last newline": lambda c: put_price(c, book(c).price[:-1]),
    "two lines by a carriage return": lambda c: put_price(c, "9\r" + book(c).price),
    "no number": lambda c: put_price(c, "x" + book(c).price),
    "two numbers": lambda c: put_price(c, "1,2" + book(c).price),
    "infinite": lambda c: put_price(c, "inf" + book(c).price[4:]),
    "not a number": lambda c: put_price(c, "nan" + book(c).price[4:]),
    "too large": lambda c: put_price(c, "1e999" + book(c).price[4:]),
    "no price": lambda c: put_price(c, book(c).price[4:].join(["", "\n"])),
    "huge sequence": lambda c: book(c).sequence.__setitem__(0, 1 << 63),
    "bad trade price": lambda c: c.trades and c.trades.price.__setitem__(0, ""),
    "infinite trade size": lambda c: c.trades and c.trades.size.__setitem__(0, "inf"),
    "bad trade side": lambda c: c.trades and c.trades.side.__setitem__(0, "bid"),
    "no columns": lambda c: setattr(c, "book", 1),
}


def put_price(columns: Columns, text: str) -> None:
    book(columns).price = text


def clear(table: FeedEventColumns) -> None:
    for name in table.__struct_fields__:
        getattr(table, name).clear()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_frame_that_contradicts_itself_is_named(fault: str) -> None:
    recording = Recording()
    frames = [make_frame(recording), *record_minute(recording), *record_minute(recording)]
    bad = frames[1] = change(frames[1], FAULTS[fault])
    with pytest.raises(BadFrame) as caught:
        decode_events(frames)
    assert caught.value.frame is bad
    assert f"frame {bad.first} to {bad.last} of {SESSION}: " in str(caught.value)


def test_frames_that_no_single_one_spoils_are_refused_too() -> None:
    frames = record_minute(Recording())
    with pytest.raises(BadFrame, match="out of order"):
        decode_events(frames[::-1])
