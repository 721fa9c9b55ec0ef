"""Parses the details of rows about the feed, as far as a proof needs them."""

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE, TapeError
from booktape.keys import are_of_one_line

_STOPPED = "stopped"


class End(Struct):
    """The detail of a `session_end`."""

    reason: str
    events: int

    @property
    def is_stop(self) -> bool:
        """Return whether somebody stopped the session; otherwise it was killed."""
        return self.reason == _STOPPED


def find_end(detail: str) -> End:
    """Return the detail of a `session_end`; raise `TapeError` if it is none."""
    try:
        return _end_decoder.decode(detail)
    except UNDECODABLE as error:
        raise TapeError(f"a session_end says {detail}: {error}") from None


def find_before(session: str, detail: str) -> str | None:
    """Return the session that this one follows, from the detail of its `session_start`.

    `None` if it is the first of its state folder, or of a release that did not name it. Raise
    `TapeError` if it names a session that cannot precede it.
    """
    try:
        before = _start_decoder.decode(detail).session_before
        is_of_line = before is None or (before != session and are_of_one_line(before, session))
    except (*UNDECODABLE, TapeError) as error:
        raise TapeError(f"a session_start says {detail}: {error}") from None
    if not is_of_line:
        raise TapeError(f"a session_start says {detail}: that is no other session of its line")
    return before


def is_stopped(detail: str) -> bool:
    """Return whether a connection closed because somebody stopped the feed."""
    try:
        return _reason_decoder.decode(detail).reason == _STOPPED
    except UNDECODABLE:
        return False


class _Start(Struct):
    """The detail of a `session_start`."""

    session_before: str | None = None


class _Reason(Struct):
    """The reason in the detail of a row about an outage."""

    reason: str = ""


_start_decoder = msgspec.json.Decoder(_Start)
_end_decoder = msgspec.json.Decoder(End)
_reason_decoder = msgspec.json.Decoder(_Reason)
