import msgspec
import pytest

from services.buffer_writer.incoming import UNKNOWN_SESSION, cut_frame, ends_session, guess_session
from shared.delivery.frame import decode_columns, encode
from shared.delivery.frame_builder import FrameBuilder
from shared.errors import FrameError
from shared.event import FeedEvent
from tests.support.columns import pack, unpack
from tests.support.writing import SESSION, make_book, make_end, numbers_of, replace_columns


def test_a_cut_leaves_what_is_new() -> None:
    assert [7, 8, 9] == numbers_of(cut_frame(make_book(0), 7))


def test_columns_of_different_lengths_cannot_be_cut() -> None:
    frame = make_book(0)
    columns = decode_columns(frame)
    assert columns.book is not None
    pack(columns.book, "bids", unpack(columns.book, "bids")[1:])
    with pytest.raises(FrameError):
        cut_frame(replace_columns(frame, columns), 10 - 1)


def test_too_few_levels_cannot_be_cut() -> None:
    frame = make_book(0)
    columns = decode_columns(frame)
    assert columns.book is not None
    columns.book.levels = b""
    with pytest.raises(FrameError):
        cut_frame(replace_columns(frame, columns), 7)


def test_a_session_end_is_seen() -> None:
    frame = make_end(5)
    assert ends_session(frame, encode(frame))


def test_what_only_talks_of_a_session_end_is_none() -> None:
    builder = FrameBuilder(SESSION)
    builder.add(0, None, FeedEvent("malformed", detail="session_end"))
    frame = builder.take(0)
    assert not ends_session(frame, encode(frame))


def test_books_end_no_session() -> None:
    frame = make_book(0)
    assert not ends_session(frame, encode(frame))


def test_the_session_of_a_foreign_frame_is_guessed() -> None:
    assert SESSION == guess_session(msgspec.msgpack.encode([99, SESSION, {"what": "ever"}]))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", msgspec.msgpack.encode(3), msgspec.msgpack.encode([99])]
    + [msgspec.msgpack.encode([99, name]) for name in (7, "../../x", "a-b-c")]
    + [b"\x92\x63\xa2\xff\xff", b"\x91" * 100_000],
)
def test_what_names_no_session_is_nobodys(data: bytes) -> None:
    assert UNKNOWN_SESSION == guess_session(data)
