from services.buffer_writer.gather import Codes, gather
from tests.support.tapes import BTC, ETH, Recording, record_minute


def test_each_table_has_the_columns_of_all_its_frames() -> None:
    frames = record_minute(Recording())
    groups = gather(frames, Codes())
    assert {"book": 2, "trades": 1, "ticker": 1, "feed_events": 1} == {
        name: len(group.frames) for name, group in groups.items()
    }
    book = groups["book"]
    assert [(0, 11), (11, 4)] == [(first, count) for first, count, *_ in book.ranges]
    assert book.fields == tuple(book.columns())
    trades = groups["trades"].columns()
    assert ([[10]], [[100.5]]) == ([*trades["offset"]], [*trades["price"]])
    assert groups["feed_events"].columns()["kind"] == (["session_start", "connected"],)


def test_symbols_are_numbered_over_all_frames() -> None:
    first, second = Recording(), Recording()
    for recording, symbols in ((first, [ETH]), (second, [BTC, ETH])):
        for symbol in symbols:
            recording.snapshot(symbol)
    codes = Codes()
    book = gather([first.take(), second.take()], codes)["book"]
    assert [ETH, BTC] == list(codes)
    assert [0, 1, 0] == book.codes
    assert [(0, 1), (1, 2)] == [(begin, count) for *_, begin, count in book.ranges]
