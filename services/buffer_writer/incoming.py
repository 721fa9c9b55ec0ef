"""Examines an incoming frame: its session, its first number, whether it ends the session."""

from typing import Final

import msgspec

from booktape.errors import UNDECODABLE, TapeError
from booktape.keys import exchange_of
from shared.delivery.frame import Frame, decode_columns, trim
from shared.errors import FrameError

UNKNOWN_SESSION: Final = "an unknown session"
_SESSION_END: Final = "session_end"


def cut_frame(frame: Frame, first: int) -> Frame:
    """Return the frame without the events before `first`; raise FrameError if it is damaged."""
    try:
        return trim(frame, first)
    except (ValueError, LookupError) as error:  # columns of different lengths
        raise FrameError(f"frame {frame.first} of {frame.session}: {error}") from None


def ends_session(frame: Frame, data: bytes) -> bool:
    """Return whether a frame ends its session; by `data` most frames need no decoding."""
    if _SESSION_END.encode() not in data:
        return False
    rows = decode_columns(frame).feed_events
    return bool(rows and rows.kind and rows.kind[-1] == _SESSION_END)


def guess_session(data: bytes) -> str:
    """Return the session of an unreadable frame, if its usual place has one."""
    try:
        session = msgspec.msgpack.decode(_parts_decoder.decode(data)[1], type=str)
        exchange_of(session)
    except (*UNDECODABLE, TapeError, LookupError):
        return UNKNOWN_SESSION
    return session


_parts_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])
