"""The result of the chores of one feed."""

from msgspec import Struct

from shared.errors import ConnectionLost
from shared.event import Row


class Chores(Struct, frozen=True):
    """Rows to record and messages to send, or the reason for a new connection."""

    rows: list[Row]
    messages: list[str]
    lost: ConnectionLost | None = None
