"""When messages that cannot be read are told, and when they are a trouble."""

import logging

import pytest

from shared.errors import MalformedMessage
from shared.event import Delta, Ticker
from shared.feed.counts import Counts
from shared.ingest.refusals import Refusals

BOOK_ERROR = MalformedMessage("no size", raw=b"", channel="book")
ERROR = MalformedMessage("no JSON", raw=b"")


def refuse(counts: Counts, error: MalformedMessage, *, times: int) -> None:
    for _ in range(times):
        counts.note_malformed(error)


def read(counts: Counts, *, times: int) -> None:
    for _ in range(times):
        counts.note_read(Delta("X", [], [], 1))


def test_the_first_of_a_kind_is_told_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    counts, other, refusals = Counts(), Counts(), Refusals()
    refuse(counts, BOOK_ERROR, times=5)
    with caplog.at_level(logging.WARNING):
        for now_s in range(3):
            refuse(other, BOOK_ERROR, times=1)
            refusals.look([counts, other], now_s=float(now_s))
        counts.note_read(Delta("X", [], [], 1, unread=("ts_event",)))
        refuse(other, ERROR, times=2)
        refusals.look([counts, other], now_s=3.0)
    told = [(record.levelname, getattr(record, "kind", "")) for record in caplog.records]
    assert [
        ("ERROR", "book: no size"),
        ("WARNING", "book ts_event"),
        ("ERROR", "unknown: no JSON"),
    ] == told


def test_one_percent_and_three_of_a_channel_are_many() -> None:
    counts, refusals = Counts(), Refusals()
    read(counts, times=198)
    refuse(counts, BOOK_ERROR, times=2)
    assert [] == refusals.look([counts], now_s=0.0)
    refuse(counts, BOOK_ERROR, times=1)
    assert ["book"] == refusals.look([counts], now_s=1.0)
    read(counts, times=99)
    assert ["book"] == refusals.look([counts], now_s=2.0)  # 3 of 300
    read(counts, times=1)
    assert [] == refusals.look([counts], now_s=3.0)


def test_a_minute_later_they_are_forgotten() -> None:
    counts, refusals = Counts(), Refusals()
    refuse(counts, BOOK_ERROR, times=3)
    found = [refusals.look([counts], now_s=float(now_s)) for now_s in range(0, 70, 10)]
    assert [["book"]] * 6 == found[:6]
    assert [] == found[6]


def test_all_of_a_channel_are_many_however_much_the_others_bring() -> None:
    counts, other, refusals = Counts(), Counts(), Refusals()
    read(counts, times=10_000)
    other.note_read(Ticker("X"))
    refuse(other, MalformedMessage("no price", raw=b"", channel="trades"), times=3)
    assert ["trades"] == refusals.look([counts, other], now_s=0.0)


def test_messages_of_no_known_channel_are_held_against_all() -> None:
    counts, refusals = Counts(), Refusals()
    read(counts, times=297)
    refuse(counts, ERROR, times=3)
    assert ["unknown"] == refusals.look([counts], now_s=0.0)
    read(counts, times=1)
    assert [] == refusals.look([counts], now_s=1.0)
