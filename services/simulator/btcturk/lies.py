"""Lies of a BtcTurk that breaks our assumptions."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from services.simulator.btcturk import edits
from services.simulator.lies import (
    Lie,
    Lies,
    edit_answers,
    edit_messages,
    in_binary,
    in_parts,
    refuse_from,
    too_long,
)

BOOK, CHANGE, TICKERS, TRADE, TRADES, RESULT, VERSION = 431, 432, 401, 422, 421, 100, 991
MUTE_AFTER: Final = 30
PAIRS_MAX: Final = 2
UNASKED_EVERY: Final = 10
TICKERS_SENT: Final = 4  # one of so many
NOBODY: Final = "NOPETRY"

_Edit = Callable[[Any], Any]


def _of(numbers: Iterable[int], edit: _Edit) -> Callable[[], Lie]:
    """Return a lie in each message of these numbers, which `edit` changes in place."""

    def change(_door: str, message: Any) -> Iterable[Any] | None:
        if message[0] not in numbers:
            return None
        edit(message[1])
        return [message]

    return lambda: edit_messages(change)


def _answers(part: str, edit: _Edit) -> Callable[[], Lie]:
    def change(body: Any) -> Any:
        edit(body["data"])
        return body

    return lambda: edit_answers(lambda path: part in path, change)


def _renumber(number: int, other: int) -> Callable[[], Lie]:
    return lambda: edit_messages(lambda _, message: _other_number(message, number, other))


def _other_number(message: Any, number: int, other: int) -> Iterable[Any] | None:
    return [[other, {**message[1], "type": other}]] if message[0] == number else None


def _results(*, is_ok: bool, about: str) -> Callable[[], Lie]:
    """Return a lie in the result of a join."""

    def change(_door: str, message: Any) -> Iterable[Any] | None:
        if message[0] != RESULT or about not in message[1]["message"]:
            return None
        return [[RESULT, {**message[1], "ok": is_ok}]]

    return lambda: edit_messages(change)


def _late_book() -> Lie:
    """Send the first change of a book before the book."""
    late: dict[tuple[str, str], Any] = {}

    def change(door: str, message: Any) -> Iterable[Any] | None:
        if message[0] == BOOK:
            late[door, message[1]["PS"]] = message
            return []
        if message[0] == CHANGE and (door, message[1]["PS"]) in late:
            return [message, late.pop((door, message[1]["PS"]))]
        return None

    return edit_messages(change)


def _again(edit: Callable[[Any], list[Any]]) -> Callable[[], Lie]:
    """Return a lie in each book that is not the first of its pair on a socket."""

    def begin() -> Lie:
        seen: set[tuple[str, str]] = set()

        def change(door: str, message: Any) -> Iterable[Any] | None:
            if message[0] != BOOK:
                return None
            key = door, message[1]["PS"]
            is_first = key not in seen
            seen.add(key)
            return None if is_first else edit(message)

        return edit_messages(change)

    return begin


def _unasked_book() -> Lie:
    books: dict[tuple[str, str], Any] = {}
    changes = 0

    def change(door: str, message: Any) -> Iterable[Any] | None:
        nonlocal changes
        number, body = message
        if number == BOOK:
            books[door, body["PS"]] = body
        if number != CHANGE:
            return None
        changes += 1
        if changes % UNASKED_EVERY:
            return None
        return [message, [BOOK, {**books[door, body["PS"]], "CS": body["CS"]}]]

    return edit_messages(change)


def _slow_tickers() -> Lie:
    seen = 0

    def change(_door: str, message: Any) -> Iterable[Any] | None:
        nonlocal seen
        if message[0] != TICKERS:
            return None
        seen += 1
        return [] if seen % TICKERS_SENT else [message]

    return edit_messages(change)


def _few_pairs() -> Lie:
    """Carry only two pairs on a socket, however many it has joined."""
    pairs: dict[str, list[str]] = {}

    def change(door: str, message: Any) -> Iterable[Any] | None:
        if message[0] not in (BOOK, CHANGE):
            return None
        carried, pair = pairs.setdefault(door, []), message[1]["PS"]
        if pair not in carried:
            carried.append(pair)
        return None if carried.index(pair) < PAIRS_MAX else []

    return edit_messages(change)


def _mute_book() -> Lie:
    """Silence the book of a pair while its ticker goes on."""
    counts: dict[str, int] = {}

    def change(_door: str, message: Any) -> Iterable[Any] | None:
        if message[0] != CHANGE:
            return None
        pair = message[1]["PS"]
        counts[pair] = counts.get(pair, 0) + 1
        return None if counts[pair] < MUTE_AFTER else []

    return edit_messages(change)


LIES: Final[Lies] = {
    "closed_door": lambda: refuse_from(1, 403),
    "other_pings": lambda: Lie(ping_s=40.0),
    "binary": in_binary,
    "parts": in_parts,
    "too_long": too_long,
    "other_greeting": _renumber(VERSION, 802),
    "new_number": _renumber(TICKERS, 999),
    "honest_acknowledgement": _results(is_ok=False, about=NOBODY),
    "second_join_in_order": _results(is_ok=True, about="join|"),
    "late_book": _late_book,
    "first_number_skips": _of([CHANGE], edits.skip),
    "numbers_by_two": _of([BOOK, CHANGE], edits.count_by_two),
    "one_count": _of([BOOK, CHANGE], edits.count_alike),
    "added_again": _of([CHANGE], edits.add_again),
    "deleted_without_size": _of([CHANGE], edits.empty_deleted),
    "deep_window": _of([CHANGE], edits.deepen),
    "no_resync": _again(lambda _message: []),
    "other_resync": _again(lambda message: [[BOOK, edits.resize(message[1])]]),
    "unasked_book": _unasked_book,
    "price_twice": _of([BOOK, CHANGE], edits.name_twice),
    "crossed": _of([CHANGE], edits.cross),
    "long_digits": _of([BOOK, CHANGE], edits.lengthen),
    "dust": _of([CHANGE], edits.dust),
    "unreadable": _of([CHANGE], edits.spoil),
    "other_side": _of([TRADE], edits.turn),
    "oldest_first": _of([TRADES], edits.reverse),
    "ids_fall": _of([TRADE], edits.count_down),
    "short_tickers": _of([TICKERS], edits.shorten),
    "slow_tickers": _slow_tickers,
    "ticker_elsewhere": _of([TICKERS], edits.move),
    "dash_side": _of([TICKERS], edits.dash),
    "empty_side": _of([TICKERS], edits.blank),
    "few_pairs": _few_pairs,
    "mute_book": _mute_book,
    "rest_book_differs": _answers("/orderbook", edits.resize_rest),
    "other_ids_over_rest": _answers("/trades", edits.rename_rest),
    "other_names": _answers("/exchangeinfo", edits.rename_pairs),
    "paused_pair": _answers("/exchangeinfo", edits.pause_pair),
}
