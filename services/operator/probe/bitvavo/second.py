"""Reads Bitvavo a second time, in decimals and dictionaries, without the feed's own code."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

from services.operator.probe.facts import Fact
from services.operator.probe.levels import DecimalBook
from services.operator.probe.record import REST, ProbeRecord

DEPTH: Final = 1000
HELD_MAX: Final = 4096

_PATH = re.compile(r"/([A-Z0-9]+-[A-Z0-9]+)/(book|trades)(?:\?.*)?")


class BitvavoReading:
    """Reads Bitvavo's messages into books of its own."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self.open: set[str] = set()
        self.statuses: dict[str, str] = {}
        self.books: dict[tuple[str, str], DecimalBook] = {}
        self.events: Counter[str] = Counter()  # book events of each market
        self.trades: dict[str, list[str]] = {}  # ids of the list over REST, as it came
        self.refused: list[str] = []  # markets that made the exchange refuse a subscribe
        self._last: dict[tuple[str, str], int] = {}
        self._held: dict[tuple[str, str], list[Any]] = defaultdict(list)

    def see(self, record: ProbeRecord) -> Iterator[Fact]:
        """Yield the facts of one record."""
        if record.kind == "text":
            yield from self._message(record, json.loads(record.text))
        elif record.kind == "answer":
            yield from self._take_answer(record)
        else:
            if record.kind == "opened":
                self.open.add(record.door)
            elif record.kind in ("closed", "lost"):
                self.open.discard(record.door)
                self._forget_all_but(record.door, [])
            yield Fact(record.kind, record)

    def _forget_all_but(self, door: str, markets: list[str]) -> None:
        for kept in (self.books, self._last, self._held):
            for key in [key for key in kept if key[0] == door and key[1] not in markets]:
                del kept[key]

    def _message(self, record: ProbeRecord, body: Any) -> Iterator[Fact]:
        market = str(body.get("market", ""))
        if "errorCode" in body:
            yield self._error(record, body)
        elif body.get("event") == "book":
            yield self._event(record, market, body)
        elif body.get("action") == "getBook":
            yield self._snapshot(record, body["response"])
        elif body.get("event") == "subscribed":
            yield Fact("subscribed", record, body=body["subscriptions"])
        elif body.get("event") == "unsubscribed":
            left = body["subscriptions"].get("book", [])
            self._forget_all_but(record.door, left)
            yield Fact("unsubscribed", record, body=body["subscriptions"])
        elif body.get("event") in ("trade", "ticker"):
            book = self.books.get((record.door, market))
            yield Fact(body["event"], record, market, body, book)
        else:
            yield Fact(str(body.get("event") or body.get("action")), record, market, body)

    def _error(self, record: ProbeRecord, body: Any) -> Fact:
        named = re.search(r"\b[A-Z0-9]+-[A-Z0-9]+\b", str(body.get("error", "")))
        market = str(body.get("market") or (named[0] if named else ""))
        if body.get("action") == "subscribe" and market:
            self.refused.append(market)
        return Fact("error", record, market, body)

    def _event(self, record: ProbeRecord, market: str, body: Any) -> Fact:
        key = record.door, market
        last, self._last[key] = self._last.get(key), body["nonce"]
        self.events[market] += 1
        book = self.books.get(key)
        if book is None:
            held = self._held[key]
            held.append(body)
            del held[:-HELD_MAX]
        elif body["nonce"] == (book.sequence or 0) + 1:
            _apply(book, body)
            book.note_touch(record.ts)
        else:
            del self.books[key]  # until the script asks for it again
            book = None
        return Fact("event", record, market, body, book, last=last)

    def _snapshot(self, record: ProbeRecord, body: Any) -> Fact:
        key = record.door, str(body["market"])
        own, other = self.books.get(key), _whole(body)
        if own is None:
            rest = [event for event in self._held.pop(key, []) if event["nonce"] > body["nonce"]]
            self.books[key] = begun = _whole(body)
            for event in rest:
                if event["nonce"] != (begun.sequence or 0) + 1:
                    del self.books[key]
                    break
                _apply(begun, event)
            begun.note_touch(record.ts)
        elif own.sequence == other.sequence:
            self.books[key] = _whole(body)
            self.books[key].touches = own.touches
        return Fact("snapshot", record, key[1], body, own, other, self._last.get(key))

    def _take_answer(self, record: ProbeRecord) -> Iterator[Fact]:
        body: Any = None
        with suppress(ValueError):  # the body may be a page of HTML
            body = json.loads(record.text)
        asked = _PATH.fullmatch(record.path)
        market = asked[1] if asked else ""
        if record.status == 200 and record.path == "/markets":  # noqa: PLR2004 (of HTTP)
            self.statuses = {row["market"]: row["status"] for row in body}
        elif asked and asked[2] == "trades" and isinstance(body, list):
            self.trades[market] = [row["id"] for row in body]
        is_book = asked and asked[2] == "book" and isinstance(body, dict) and "nonce" in body
        other = _whole(body) if is_book else None
        yield Fact(REST, record, market, body, self.books.get(("a", market)), other)


def _whole(body: Any) -> DecimalBook:
    book = DecimalBook()
    for side in ("bids", "asks"):
        levels = ((Decimal(price), Decimal(size)) for price, size in body[side])
        book.replace(side, levels, full=DEPTH)
    book.sequence = body["nonce"]
    return book


def _apply(book: DecimalBook, body: Any) -> None:
    for side in ("bids", "asks"):
        for price, size in body[side]:
            book.set_level(side, Decimal(price), Decimal(size))
    book.sequence = body["nonce"]
