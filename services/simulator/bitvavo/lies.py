"""Lies of a Bitvavo that breaks our assumptions."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from services.simulator.bitvavo import edits
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
from services.simulator.protocol import Answer

REMAINING, RESET_AT = "bitvavo-ratelimit-remaining", "bitvavo-ratelimit-resetat"
MUTE_AFTER: Final = 40
DEARER: Final = 20  # points

_Edit = Callable[[Any], Any]


def _event(kind: str, edit: _Edit) -> Callable[[], Lie]:
    """Return a lie in each event of a kind; `edit` returns a new event, or changes it in place."""

    def change(_door: str, body: Any) -> Iterable[Any] | None:
        return [edit(body) or body] if body.get("event") == kind else None

    return lambda: edit_messages(change)


def _reply(edit: _Edit) -> Callable[[], Lie]:
    """Return a lie in each answer to getBook over the socket."""

    def change(_door: str, body: Any) -> Iterable[Any] | None:
        is_meant = body.get("action") == "getBook" and "response" in body
        return [edit(body) or body] if is_meant else None

    return lambda: edit_messages(change)


def _answers(part: str, edit: _Edit) -> Callable[[], Lie]:
    return lambda: edit_answers(lambda path: part in path, edit)


def _short_acknowledgement() -> Lie:
    def change(_door: str, body: Any) -> Iterable[Any] | None:
        if body.get("event") != "subscribed":
            return None
        body["subscriptions"]["book"] = body["subscriptions"]["book"][:-1]
        return [body]

    return edit_messages(change)


def _partial_subscribe() -> Lie:
    """Subscribe to the good names although one name is bad."""

    def change(_door: str, body: Any) -> Iterable[Any] | None:
        if body.get("action") != "subscribe" or "errorCode" not in body:
            return None
        return [{"event": "subscribed", "subscriptions": {"book": ["BTC-EUR"]}}]

    return edit_messages(change)


def _deaf_to_unsubscribe() -> Lie:
    last: dict[tuple[str, str], Any] = {}
    ended: set[str] = set()

    def change(door: str, body: Any) -> Iterable[Any] | None:
        if body.get("event") == "book":
            last[door, body["market"]] = body
        elif body.get("event") == "unsubscribed":
            ended.add(door)
        if door not in ended:
            return None
        return [body, *(event for (where, _), event in last.items() if where == door)]

    return edit_messages(change)


def _doubles() -> Lie:
    return edit_messages(lambda _, body: [body, body] if body.get("event") == "book" else None)


def _early_events() -> Lie:
    """Send an acknowledgement after the first event."""
    late: dict[str, Any] = {}

    def change(door: str, body: Any) -> Iterable[Any] | None:
        if body.get("event") == "subscribed":
            late[door] = body
            return []
        return [body, late.pop(door)] if body.get("event") == "book" and door in late else None

    return edit_messages(change)


def _two_voices() -> Lie:
    """Send the second client the same facts as other bytes."""
    doors: list[str] = []

    def change(door: str, body: Any) -> Iterable[Any] | None:
        doors.append(door)
        return [{**body, "voice": 2}] if door != doors[0] else None

    return edit_messages(change)


def _still_market(edit: Callable[[str], Any]) -> Callable[[], Lie]:
    """Return a lie about the market that getBook has called halted."""

    def begin() -> Lie:
        still: set[str] = set()

        def change(_door: str, body: Any) -> Iterable[Any] | None:
            if body.get("errorCode") == 431:  # noqa: PLR2004 (the exchange's number)
                still.add(body["market"])
            names = body.get("subscriptions", {}).get("book", [])
            named = next((name for name in names if name in still), None)
            return [edit(named)] if named else None

        return edit_messages(change)

    return begin


def _refuse(name: str) -> Any:
    error = f"market parameter {name} is invalid."
    return {"action": "subscribe", "errorCode": 205, "error": error}


def _error(name: int, code: int) -> Callable[[], Lie]:
    def change(_door: str, body: Any) -> Iterable[Any] | None:
        return [{**body, "errorCode": code}] if body.get("errorCode") == name else None

    return lambda: edit_messages(change)


def _mute() -> Lie:
    """Silence the book of a market while its ticker goes on."""
    counts: dict[str, int] = {}

    def change(_door: str, body: Any) -> Iterable[Any] | None:
        if body.get("event") != "book":
            return None
        market = body["market"]
        counts[market] = counts.get(market, 0) + 1
        return None if counts[market] < MUTE_AFTER else []

    return edit_messages(change)


def _statuses(part: str, status: int) -> Callable[[], Lie]:
    def change_answer(path: str, honest: Answer) -> Answer:
        return replace(honest, status=status) if part in path else honest

    return lambda: Lie(answer=change_answer)


def _headers(edit: Callable[[str, dict[str, str]], None]) -> Lie:
    def change_answer(path: str, honest: Answer) -> Answer:
        headers = dict(honest.headers)
        if REMAINING in headers:
            edit(path, headers)
        return replace(honest, headers=headers)

    return Lie(answer=change_answer)


def _dear_lists() -> Lie:
    spent = 0

    def edit(path: str, headers: dict[str, str]) -> None:
        nonlocal spent
        spent += DEARER if "/trades" in path else 0
        headers[REMAINING] = str(int(headers[REMAINING]) - spent)

    return _headers(edit)


def _free_questions() -> Lie:
    """Charge questions over REST alone."""
    spent = 0

    def edit(_path: str, headers: dict[str, str]) -> None:
        nonlocal spent
        spent += 1
        headers[REMAINING] = str(10_000 - spent)

    return _headers(edit)


def _odd_minutes() -> Lie:
    def edit(_path: str, headers: dict[str, str]) -> None:
        headers[RESET_AT] = str(int(headers[RESET_AT]) + 1)

    return _headers(edit)


LIES: Final[Lies] = {
    "closed_door": lambda: refuse_from(1, 403),
    "few_connections": lambda: refuse_from(3, 429),
    "other_pings": lambda: Lie(ping_s=20.0),
    "binary": in_binary,
    "parts": in_parts,
    "too_long": too_long,
    "short_acknowledgement": _short_acknowledgement,
    "book_needs_login": _reply(edits.need_login),
    "old_snapshot": _reply(edits.age),
    "deep_snapshot": _reply(edits.deepen),
    "steps_of_two": _event("book", edits.skip),
    "size_is_change": _event("book", edits.double),
    "price_twice": _event("book", edits.twice),
    "empty_event": _event("book", edits.empty),
    "crossed": _event("book", edits.cross),
    "long_digits": _event("book", edits.lengthen),
    "dust": _event("book", edits.dust),
    "time_in_ms": _event("book", edits.in_ms),
    "time_steps_back": _event("book", edits.step_back),
    "unreadable": _event("book", edits.spoil),
    "half_a_side": _event("ticker", edits.halve),
    "zero_side": _event("ticker", edits.zero),
    "null_side": _event("ticker", edits.null),
    "ticker_elsewhere": _event("ticker", edits.elsewhere),
    "new_kind": _event("ticker", edits.rename),
    "maker_side": _event("trade", edits.maker),
    "ids_by_two": _event("trade", edits.id_by_two),
    "rest_book_differs": _answers("/book", edits.resize),
    "exclusive_list": _answers("tradeIdFrom=", edits.shorten),
    "new_status": _answers("/markets", edits.pause),
    "unknown_id_fails": _statuses("tradeIdFrom=", 500),
    "unknown_path_bans": _statuses("/no-such-path", 429),
    "dear_lists": _dear_lists,
    "free_questions": _free_questions,
    "odd_minutes": _odd_minutes,
    "partial_subscribe": _partial_subscribe,
    "deaf_to_unsubscribe": _deaf_to_unsubscribe,
    "doubles": _doubles,
    "early_events": _early_events,
    "two_voices": _two_voices,
    "other_error_of_still": _error(431, 101),
    "still_is_refused": _still_market(_refuse),
    "mute_book": _mute,
}
