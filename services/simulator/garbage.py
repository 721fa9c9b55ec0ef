"""Messages that no client can read, for the fault `garbage`."""

from collections.abc import Callable

HUGE_BYTES = 1 << 20


def truncated(message: str) -> str:
    """Return a book message that was cut in its middle."""
    return message[: len(message) * 2 // 3]


def wrongly_typed(message: str) -> str:
    """Return a book message whose levels are numbers where text belongs, and other nonsense."""
    for sequence in ('"nonce":', '"CS":'):
        message = message.replace(sequence, sequence + '"x",' + '"was":', 1)
    return message.replace('"bids":[', '"bids":[[1.5,null],').replace('"BO":[', '"BO":[{"P":1.5},')


BOOK_GARBAGE: dict[str, Callable[[str], str]] = {
    "truncated_book": truncated,
    "wrong_types": wrongly_typed,
}
PLAIN_GARBAGE: dict[str, str | bytes] = {
    "broken_json": '{"event":"book","market":',
    "binary": bytes(range(256)),
    "huge": '{"event":"unheard-of","payload":"' + "x" * HUGE_BYTES + '"}',
}
