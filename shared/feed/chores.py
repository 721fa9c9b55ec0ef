"""The result of one feed's chores."""

from msgspec import Struct

from shared.errors import ConnectionLost
from shared.event import Row


class Chores(Struct, frozen=True):
    """Rows to record and messages to send, or why a new connection is needed."""

    rows: list[Row]
    messages: list[str]
    lost: ConnectionLost | None = None
