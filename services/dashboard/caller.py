"""The caller calls the webhook about troubles, the heartbeat while all is well."""

from collections.abc import Callable
from http import HTTPStatus
from random import Random
from threading import Event
from typing import Final

import msgspec
from msgspec import Struct

from services.dashboard.calls import Calls, Notice
from services.dashboard.sight import Complaint
from services.dashboard.web import Unsure, WebError
from shared.process import log
from shared.process.retry import Backoff

LOOK_S: Final = 1.0
HEARTBEAT_S: Final = 60.0
RETRY_BASE_S: Final = 1.0
RETRY_CAP_S: Final = 60.0

_log = log.get(__name__)

Find = Callable[[], list[Complaint] | None]  # every trouble; None before the first look
Send = Callable[[bytes | None], int]  # POST with a body, GET without: the status


class Message(Struct, frozen=True):
    """The webhook's message; Slack and Mattermost read `text`. A repeat keeps its id."""

    text: str
    ok: bool
    troubles: list[Complaint]
    host: str
    ts: int
    id: str


class Caller:
    """Sends the messages that are due, one after the other; its own thread owns it."""

    def __init__(
        self,
        calls: Calls,
        find: Find,
        send: Send,
        *,
        host: str,
        random: Random,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
    ) -> None:
        """Start with nothing sent."""
        self.error: str | None = None  # why calls fail; any thread may read both
        self.error_since: int | None = None
        self._calls = calls
        self._find = find
        self._send = send
        self._host = host
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._backoff = Backoff(base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, random=random)
        self._tried: tuple[Notice, str] | None = None  # a message that may have come through

    def run(self, stop: Event) -> None:
        """Send messages until told to stop."""
        while not stop.is_set():
            stop.wait(self.step())

    def step(self) -> float:
        """Send a message if one is due; return how long to wait before the next look."""
        complaints = self._find()
        call = None if complaints is None else self._calls.look(complaints, self._steady_s())
        if call is None:
            return LOOK_S
        ts = self._clock_ns()
        id_ = self._find_id(call, ts)
        text = call.describe(self._host)
        message = Message(text, call.ok, call.standing, self._host, ts, id_)
        try:
            status = self._send(msgspec.json.encode(message))
        except Unsure as error:
            self._tried = call, id_
            self._calls.note_told(call, self._steady_s(), is_unsure=True)
            return self._fail(str(error), ts)
        except WebError as error:
            return self._fail(str(error), ts)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            return self._fail(f"the webhook answers {status}", ts)
        self._calls.note_told(call, self._steady_s())
        self._tried = self.error = self.error_since = None
        self._backoff.reset()
        return LOOK_S

    def _find_id(self, call: Notice, ts: int) -> str:
        """Return the id of a message; a message that may have come through keeps its id."""
        if self._tried is not None and self._tried[0].keys == call.keys:
            return self._tried[1]
        return str(ts)

    def _fail(self, reason: str, ts: int) -> float:
        if self.error is None:
            self.error_since = ts
            _log.error("cannot call the webhook; it is tried again", extra={"reason": reason})
        self.error = reason
        return self._backoff.next_s()


class Heartbeat:
    """Tells a dead-man switch each minute that all is well; its own thread owns it."""

    def __init__(self, find: Find, send: Send) -> None:
        """Start with nothing sent."""
        self._find = find
        self._send = send

    def run(self, stop: Event) -> None:
        """Beat until told to stop; never repeat a failed beat, because silence is the alarm."""
        while not stop.is_set():
            self.step()
            stop.wait(HEARTBEAT_S)

    def step(self) -> None:
        """Beat once, if all is well."""
        if self._find() == []:
            try:
                self._send(None)
            except WebError as error:
                _log.warning(
                    "the heartbeat's server cannot be reached", extra={"reason": str(error)}
                )
