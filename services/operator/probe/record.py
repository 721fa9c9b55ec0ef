"""A record says one thing that an exchange did or was asked, with our time of it."""

from typing import Literal

from msgspec import Struct

REST = "rest"
"""The door of all answers over REST; the others are sockets: a, b, ..."""

Kind = Literal[
    "opened", "refused", "closed", "lost", "sent", "text", "binary", "fragmented", "ping", "answer"
]  # fmt: skip


class ProbeRecord(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a probe's recording.

    Kinds: `text` is a message as it came; `sent` is a message of ours. `binary` and `fragmented`
    report that one of the next messages was no text, or came in parts. `answer` is an answer over
    REST: `path`, `status`, `headers` (names in small letters), its body as `text`. `refused` is a
    refused handshake, with its status if it had one. `lost` is a lost socket, with the reason.
    """

    ts: int
    door: str
    kind: Kind
    text: str = ""
    path: str = ""
    status: int = 0
    headers: dict[str, str] = {}
