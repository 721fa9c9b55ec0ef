"""Counts of things whose names others choose."""

from msgspec.structs import replace

from shared.errors import MalformedMessage
from shared.event import Chatter, Delta, Snapshot, Ticker, Trade, TradeList
from shared.feed.counts import (
    NAME_CHARACTERS_MAX,
    NAMES_MAX,
    OTHERS,
    REASON_CHARACTERS_MAX,
    UNPRINTABLE,
    Counts,
    Tally,
)


def test_names_are_counted_apart_up_to_a_bound() -> None:
    tally = Tally()
    for number in range(2 * NAMES_MAX):
        tally.note(str(number))
        tally.note("0")
    assert NAMES_MAX + 1 == len(tally)
    assert 2 * NAMES_MAX + 1 == tally["0"]
    assert 1 == tally["1"]
    assert NAMES_MAX == tally[OTHERS]


def test_a_name_is_short_and_harms_no_terminal() -> None:
    tally = Tally()
    tally.note("candle" * 1000)
    tally.note("\x1b[2J")
    expected = {("candle" * 1000)[:NAME_CHARACTERS_MAX]: 1, UNPRINTABLE: 1}
    assert expected == tally


def test_a_copy_stands_still() -> None:
    counts = Counts()
    counts.unknown.note("news")
    counts.malformed += 1
    copy = counts.copy()
    counts.unknown.note("news")
    counts.malformed += 1
    assert ({"news": 1}, 1) == (copy.unknown, copy.malformed)
    copy.unknown.note("more")
    assert {"news": 2} == counts.unknown


def test_messages_that_are_read_are_counted_by_channel_and_what_of_them_is_not() -> None:
    counts = Counts()
    trade = Trade("X", "1", None, 1.0, 1.0, None, ("ts_event", "side"))
    for message in (
        Delta("X", [], [], 1),
        Snapshot("X", [], [], 1, None, ("ts_event",)),
        trade,
        TradeList("X", [trade, replace(trade, unread=())]),
        Ticker("X"),
        Chatter("news"),
    ):
        counts.note_read(message)
    assert {"book": 2, "trades": 2, "ticker": 1} == counts.read
    assert {"book ts_event": 1, "trades ts_event": 2, "trades side": 2} == counts.unread


def test_messages_that_are_not_are_counted_by_channel_and_reason() -> None:
    counts = Counts()
    counts.note_malformed(MalformedMessage("no size", raw=b"", channel="book"))
    counts.note_malformed(MalformedMessage("x" * 200, raw=b""))
    assert 2 == counts.malformed
    assert {"book": 1, "unknown": 1} == counts.not_read
    reasons = {"book: no size": 1, f"unknown: {'x' * 200}"[:REASON_CHARACTERS_MAX]: 1}
    assert reasons == counts.malformed_reasons


def test_messages_that_differ_in_their_values_alone_are_of_one_kind() -> None:
    counts = Counts()
    for number in range(300):
        reason = f"Invalid enum value '~{number}' - at `$[1].items[{number}].B`"
        counts.note_malformed(MalformedMessage(reason, raw=b"", channel="ticker"))
    kind = "ticker: Invalid enum value ... - at `$[...].items[...].B`"
    assert {kind: 300} == counts.malformed_reasons


def test_all_begins_at_zero() -> None:
    counts = Counts()
    tallies = [value for value in vars(counts).values() if isinstance(value, Tally)]
    assert 7 == len(tallies)
    assert not any(tallies)
    assert {0} == {value for value in vars(counts).values() if isinstance(value, int)}
