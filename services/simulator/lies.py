"""Lies make a simulated exchange break one of our assumptions, on request.

A fault goes wrong now and then; a lie holds from the first message to the last. `booktape probe`
must detect every lie.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from services.simulator.protocol import Answer

Sent = str | bytes | tuple[str, ...]
"""A text, a binary message, or a text in parts."""

TEXT_BYTES_MAX: Final = 16 * 1024 * 1024  # a feed reads nothing longer


def _send_as_it_is(_door: str, text: str) -> list[Sent]:
    return [text]


def _answer_as_it_is(_path: str, answer: Answer) -> Answer:
    return answer


def _let_in() -> Answer | None:
    return None


@dataclass(frozen=True, slots=True)
class Lie:
    """One lie.

    `message` takes the number of a socket and a text for it, `answer` a path and its honest answer;
    `handshake` may refuse a client; `ping_s` sets the time between pings.
    """

    message: Callable[[str, str], list[Sent]] = _send_as_it_is
    answer: Callable[[str, Answer], Answer] = _answer_as_it_is
    handshake: Callable[[], Answer | None] = _let_in
    ping_s: float | None = None


Lies = Mapping[str, Callable[[], Lie]]
"""The makers of all lies; every simulator, and every test, makes its own."""


class Liar:
    """Tells several lies at once."""

    def __init__(self, lies: Sequence[Lie]) -> None:
        """Tell these lies; without any, tell the truth."""
        self._lies = lies

    def message(self, door: str, message: Sent) -> list[Sent]:
        """Return the messages to send in place of one."""
        told: list[Sent] = [message]
        for lie in self._lies:
            told = [
                new
                for one in told
                for new in (lie.message(door, one) if isinstance(one, str) else [one])
            ]
        return told

    def change_answer(self, path: str, answer: Answer) -> Answer:
        """Return the answer to give in place of one."""
        for lie in self._lies:
            answer = lie.answer(path, answer)
        return answer

    def handshake(self) -> Answer | None:
        """Return the first refusal of a lie, or None."""
        refusals = [lie.handshake() for lie in self._lies]
        return next((refusal for refusal in refusals if refusal is not None), None)

    def ping_s(self, honest_s: float) -> float:
        """Return the seconds between two pings."""
        return next((lie.ping_s for lie in self._lies if lie.ping_s is not None), honest_s)


def edit_messages(edit: Callable[[str, Any], Iterable[Any] | None]) -> Lie:
    """Return a lie that replaces messages by those of `edit`.

    `edit` takes the number of a socket and a message; it returns the messages to send instead, or
    `None` to leave the message as it is.
    """

    def message(door: str, text: str) -> list[Sent]:
        told = edit(door, msgspec.json.decode(text))
        return [text] if told is None else [msgspec.json.encode(one).decode() for one in told]

    return Lie(message=message)


def edit_answers(is_meant: Callable[[str], bool], edit: Callable[[Any], Any]) -> Lie:
    """Return a lie that edits the bodies of the answers to paths for which `is_meant` is true."""

    def change_answer(path: str, honest: Answer) -> Answer:
        if not is_meant(path):
            return honest
        body = msgspec.json.encode(edit(msgspec.json.decode(honest.body)))
        return replace(honest, body=body)

    return Lie(answer=change_answer)


def refuse_from(number: int, status: int) -> Lie:
    """Return a lie that refuses every handshake from this number on."""
    seen = 0

    def handshake() -> Answer | None:
        nonlocal seen
        seen += 1
        return None if seen < number else Answer(status, b"")

    return Lie(handshake=handshake)


def in_binary() -> Lie:
    """Return a lie that sends every message as a binary one."""
    return Lie(message=lambda _door, text: [text.encode()])


def in_parts() -> Lie:
    """Return a lie that sends every message in two parts."""
    return Lie(message=lambda _door, text: [(text[:10], text[10:])])


def too_long() -> Lie:
    """Return a lie that pads one message beyond the limit; JSON allows the blanks."""
    seen: list[str] = []

    def message(_door: str, text: str) -> list[Sent]:
        seen.append("")
        is_first = len(seen) == 1
        return [text + " " * TEXT_BYTES_MAX] if is_first else [text]

    return Lie(message=message)
