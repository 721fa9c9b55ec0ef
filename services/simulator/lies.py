"""Lies: what an exchange would do if it were not as we believe; each is told on request.

A fault is something that goes wrong now and then; a lie is another way to be, from the first
message to the last. `booktape probe` must find out each of them.
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

    `message` takes the number of a socket and a text for it, `answer` a path and what it would be
    answered; `handshake` may refuse who connects; pings are `ping_s` apart where that is said.
    """

    message: Callable[[str, str], list[Sent]] = _send_as_it_is
    answer: Callable[[str, Answer], Answer] = _answer_as_it_is
    handshake: Callable[[], Answer | None] = _let_in
    ping_s: float | None = None


Lies = Mapping[str, Callable[[], Lie]]
"""How to begin each lie; every simulator, and every test, begins its own."""


class Liar:
    """Tells several lies at once."""

    def __init__(self, lies: Sequence[Lie]) -> None:
        """Tell none where there is none."""
        self._lies = lies

    def message(self, door: str, message: Sent) -> list[Sent]:
        """Return what becomes of one message."""
        told: list[Sent] = [message]
        for lie in self._lies:
            told = [
                new
                for one in told
                for new in (lie.message(door, one) if isinstance(one, str) else [one])
            ]
        return told

    def change_answer(self, path: str, answer: Answer) -> Answer:
        """Return what becomes of one answer."""
        for lie in self._lies:
            answer = lie.answer(path, answer)
        return answer

    def handshake(self) -> Answer | None:
        """Return a refusal, if there is one."""
        refusals = [lie.handshake() for lie in self._lies]
        return next((refusal for refusal in refusals if refusal is not None), None)

    def ping_s(self, honest_s: float) -> float:
        """Return the seconds between two pings."""
        return next((lie.ping_s for lie in self._lies if lie.ping_s is not None), honest_s)


def edit_messages(edit: Callable[[str, Any], Iterable[Any] | None]) -> Lie:
    """Return a lie that makes other messages of those that `edit` knows.

    It takes the number of a socket and a message; it returns what is sent instead, `None` where
    the message stays as it is.
    """

    def message(door: str, text: str) -> list[Sent]:
        told = edit(door, msgspec.json.decode(text))
        return [text] if told is None else [msgspec.json.encode(one).decode() for one in told]

    return Lie(message=message)


def edit_answers(is_meant: Callable[[str], bool], edit: Callable[[Any], Any]) -> Lie:
    """Return a lie that makes other bodies of the answers to the paths that are meant."""

    def change_answer(path: str, honest: Answer) -> Answer:
        if not is_meant(path):
            return honest
        body = msgspec.json.encode(edit(msgspec.json.decode(honest.body)))
        return replace(honest, body=body)

    return Lie(answer=change_answer)


def refuse_from(number: int, status: int) -> Lie:
    """Return a lie that refuses handshakes, beginning with this one of them all."""
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
    """Return a lie that sends one message that is too long: blanks are no fault in JSON."""
    seen: list[str] = []

    def message(_door: str, text: str) -> list[Sent]:
        seen.append("")
        is_first = len(seen) == 1
        return [text + " " * TEXT_BYTES_MAX] if is_first else [text]

    return Lie(message=message)
