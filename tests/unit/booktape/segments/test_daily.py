from pathlib import Path

import pyarrow as pa
import pytest
from msgspec.structs import replace

from booktape.errors import DamagedSegment
from booktape.flush import Flush
from booktape.ledger import Ledger
from booktape.segments.daily import DailySegment, Decoded, FlushRows
from booktape.segments.opened import Segments
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, delta, feed, snapshot

PLACE = "bitvavo", "2026-11-22"
LEVEL = ("bid", 99.0, 1.0)


@pytest.fixture
def opened(tmp_path: Path) -> tuple[list[Flush], Segments]:
    """Return flushes of two sessions, two symbols each, and what opens their day's files."""
    tape = HandTape(tmp_path / "tape")
    for session in (A, B):
        tape.write(
            session,
            feed(0, "session_start"),
            snapshot(1, 1, LEVEL, ("ask", 101.0, 2.0)),
            snapshot(1, 2, LEVEL, symbol=ETH),
        )
        tape.write(session, feed(2, "resync", ETH), delta(3, 1, LEVEL), delta(4, 1, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    store = FolderStore(tape.root)
    return Ledger(store, "file:").day(*PLACE), Segments(store)


def numbers(table: pa.Table) -> list[int]:
    found: list[int] = table["event_number"].to_pylist()
    return found


def open_rows(segments: Segments, flush: Flush, table: str) -> FlushRows:
    rows = segments.open(flush, table)
    assert isinstance(rows, FlushRows)
    return rows


def test_a_flush_has_its_own_rows(opened: tuple[list[Flush], Segments]) -> None:
    flushes, segments = opened
    assert [B, B, A, A] == [flush.session for flush in flushes]
    for flush, wanted in zip(flushes, ([1, 1, 2], [4, 5], [1, 1, 2], [4, 5]), strict=True):
        rows = open_rows(segments, flush, "book")
        assert len(wanted) == rows.rows
        table = rows.read(0, ("event_number", "session"))
        assert wanted == numbers(table)
        assert {flush.session} == set(table["session"].to_pylist())


def test_a_symbol_is_found_and_read_again(opened: tuple[list[Flush], Segments]) -> None:
    flushes, segments = opened
    rows = open_rows(segments, flushes[3], "book")
    [(place, table)] = rows.read_symbol(BTC, ("event_number", "price"))
    assert [4, 5] == numbers(table)
    assert table == rows.read_rows(place, ("event_number", "price"))
    assert [] == list(rows.read_symbol(ETH, ("price",)))
    assert [] == list(rows.read_symbol("XRP-EUR", ("price",)))
    assert {BTC, ETH} == rows.find_symbols()


def test_rows_of_no_symbol_are_read_too(opened: tuple[list[Flush], Segments]) -> None:
    flushes, segments = opened
    rows = open_rows(segments, flushes[0], "feed_events")
    assert [0] == numbers(rows.read(0, ("event_number",)))
    rows = open_rows(segments, flushes[1], "feed_events")
    assert [3] == numbers(rows.read(0, ("event_number",)))


def test_what_was_decoded_is_remembered_up_to_a_bound() -> None:
    column = pa.chunked_array([pa.array(range(100))])
    decoded = Decoded(2 * column.nbytes)
    places = [("key", group, "price") for group in range(3)]
    for place in places[:2]:
        decoded.put(place, column)
    assert decoded.get(places[0]) is column
    decoded.put(places[2], column)
    assert [True, False, True] == [decoded.get(place) is column for place in places]


def test_a_column_is_decoded_once(opened: tuple[list[Flush], Segments]) -> None:
    flushes, segments = opened
    daily: DailySegment = open_rows(segments, flushes[0], "book")._daily
    first = daily.read(0, ("price", "size"))
    assert first["price"].chunk(0).buffers()[1].address == (
        daily.read(0, ("price",))["price"].chunk(0).buffers()[1].address
    )


def test_a_file_in_another_order_is_damage(opened: tuple[list[Flush], Segments]) -> None:
    flushes, segments = opened
    daily = open_rows(segments, flushes[0], "book")._daily
    names = pa.chunked_array([pa.array([BTC, ETH, BTC]).dictionary_encode()])
    daily._decoded.put((daily.segment.key, 0, "symbol"), names)
    with pytest.raises(DamagedSegment, match="not sorted by symbol"):
        daily.find_symbol(0, BTC)


def test_places_count_as_in_a_file_of_its_own(opened: tuple[list[Flush], Segments]) -> None:
    flushes, segments = opened
    rows = open_rows(segments, flushes[2], "book")
    [(group, table)] = rows.read_all(("event_number",))
    assert ([1, 1, 2], [BTC, BTC, ETH]) == (numbers(table), table["symbol"].to_pylist())
    [(place, found)] = rows.read_symbol(ETH, ("event_number",))
    assert (group, 2, 1) == (place.group, place.first, place.count)
    assert found == rows.read_rows(place, ("event_number",))


def test_rows_of_other_flushes_are_told_by_their_numbers(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, LEVEL), delta(2, 0, LEVEL))
    tape.write(A, feed(3, "resync", ETH))
    tape.write(A, delta(4, 0, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    store = FolderStore(tape.root)
    flushes, segments = Ledger(store, "file:").day(*PLACE), Segments(store)
    daily = open_rows(segments, flushes[0], "book")._daily
    assert [True, True, True] == [daily.may_hold(0, BTC, flush) for flush in flushes]
    assert not daily.may_hold(0, BTC, replace(flushes[0], first=9, last=12))
    assert not daily.may_hold(0, BTC, replace(flushes[0], session=B))
    found = [open_rows(segments, flushes[n], "book").read(0, ("event_number",)) for n in (0, 2)]
    assert [[0, 1], [3]] == [numbers(table) for table in found]
