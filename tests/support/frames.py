"""Frames to journal and to send, without a feed."""

import msgspec

from shared.delivery.frame import Frame, decode, decode_columns
from shared.delivery.frame_builder import FrameBuilder
from shared.event import FeedEvent

SESSION = "20261122T091500.123456Z-toy-a"


def make_frame(
    first: int = 0, events: int = 1, *, session: str = SESSION, detail: str = "{}"
) -> Frame:
    builder = FrameBuilder(session, first)
    for _ in range(events):
        builder.add(0, None, FeedEvent("connected", detail=detail))
    return builder.take(0)


def make_end(first: int, *, session: str = SESSION) -> Frame:
    builder = FrameBuilder(session, first)
    builder.add(0, None, FeedEvent("session_end"))
    return builder.take(0)


def make_foreign(version: int, *, session: str = SESSION) -> Frame:
    return msgspec.structs.replace(make_frame(session=session), version=version)


def span(data: bytes | Frame) -> tuple[int, int, int]:
    """Return base, first and last of a consistent frame."""
    frame = decode(data) if isinstance(data, bytes) else data
    rows = decode_columns(frame).feed_events
    assert rows is not None
    assert list(range(frame.last - frame.first + 1)) == rows.offset
    return frame.base, frame.first, frame.last
