"""A tape that is damaged in any way is not whole, and the range is named."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from msgspec.structs import replace

from booktape.proof.findings import Range
from booktape.proof.verify import verify
from shared.delivery.frame import DAY_NS
from tests.support.tapes import BTC, ETH, SESSION, Recording, Tape, record_minute, set_value

MIDDLE, END = 1, 3


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    """Return three manifests of every table, and one of the session's end."""
    tape = Tape(tmp_path)
    recording = Recording()
    tape.write(record_minute(recording))
    for _ in range(2):
        recording.feed_event("connected")
        tape.write(record_minute(recording, begins=False))
    recording.snapshot(BTC, 7)
    recording.delta(BTC)
    recording.delta(ETH)
    recording.end()
    tape.write([recording.take()])
    assert verify(tape.store).ok
    return tape


def only_fault(tape: Tape) -> Range:
    report = verify(tape.store)
    assert not report.ok
    [fault] = report.faults
    return fault


def expect_range(tape: Tape, place: int, reason: str) -> None:
    """Expect one fault: all of this manifest."""
    key, fault = tape.keys()[place], only_fault(tape)
    assert (SESSION, key.first, key.last, key.text) == (
        fault.session,
        fault.first,
        fault.last,
        fault.key,
    )
    assert reason in fault.reason


def expect_event(tape: Tape, number: int, reason: str) -> None:
    """Expect one fault: this event."""
    fault = only_fault(tape)
    assert (number, number) == (fault.first, fault.last)
    assert reason in fault.reason


# --- objects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["book", "trades", "ticker", "feed_events"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_a_flipped_bit_is_found(tape: Tape, table: str, share: float) -> None:
    path = tape.path(tape.segment(tape.keys()[MIDDLE], table))
    data = bytearray(path.read_bytes())
    data[int(share * (len(data) - 1))] ^= 4
    path.write_bytes(data)
    expect_range(tape, MIDDLE, "is not what its checksum says")


@pytest.mark.parametrize("table", ["book", "trades", "ticker", "feed_events"])
def test_a_lost_segment_is_found(tape: Tape, table: str) -> None:
    tape.path(tape.segment(tape.keys()[MIDDLE], table)).unlink()
    expect_range(tape, MIDDLE, "is lost")


def test_a_truncated_segment_is_found(tape: Tape) -> None:
    path = tape.path(tape.segment(tape.keys()[MIDDLE], "book"))
    path.write_bytes(path.read_bytes()[:-1])
    expect_range(tape, MIDDLE, "bytes, its manifest says")


def test_swapped_segments_are_found(tape: Tape) -> None:
    paths = [tape.path(tape.segment(key, "trades")) for key in tape.keys()[1:3]]
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)
    found = [(fault.first, fault.last) for fault in verify(tape.store).faults]
    assert [(key.first, key.last) for key in tape.keys()[1:3]] == found


def test_swapped_segments_are_found_where_the_manifests_follow_them(tape: Tape) -> None:
    keys = tape.keys()[1:3]
    entries = [tape.manifest(key).tables["trades"][0] for key in keys]
    paths = [tape.path(tape.segment(key, "trades")) for key in keys]
    first, second = (path.read_bytes() for path in paths)
    for key, path, entry, data in zip(keys, paths, reversed(entries), (second, first), strict=True):
        path.write_bytes(data)
        own = tape.segment(key, "trades").text
        tape.edit_entry(key, "trades", **{**msgspec.structs.asdict(entry), "key": own})
    found = [(fault.first, fault.last) for fault in verify(tape.store).faults]
    assert [(34, 34), (22, 22)] == found  # each manifest has the other's trade


def test_a_lost_manifest_is_found(tape: Tape) -> None:
    key = tape.keys()[MIDDLE]
    tape.path(key).unlink()
    report = verify(tape.store)
    assert (key.first, key.last, "events are missing") == (
        report.faults[0].first,
        report.faults[0].last,
        report.faults[0].reason,
    )
    orphans = {tape.segment(key, t).text for t in ("book", "trades", "ticker", "feed_events")}
    assert orphans == {fault.key for fault in report.faults[1:]}


def test_a_range_that_is_lost_whole_is_found(tape: Tape) -> None:
    key = tape.keys()[MIDDLE]
    for table in tape.manifest(key).tables:
        tape.path(tape.segment(key, table)).unlink()
    tape.path(key).unlink()
    fault = only_fault(tape)
    assert (key.first, key.last, "events are missing") == (fault.first, fault.last, fault.reason)


def test_a_lost_beginning_is_found(tape: Tape) -> None:
    key = tape.keys()[0]
    for table in tape.manifest(key).tables:
        tape.path(tape.segment(key, table)).unlink()
    tape.path(key).unlink()
    fault = only_fault(tape)
    assert (0, key.last, "events are missing") == (fault.first, fault.last, fault.reason)


def test_a_doubled_range_is_found(tape: Tape) -> None:
    recording = Recording()
    frames = record_minute(recording)
    tape.write(frames[1:])
    fault = only_fault(tape)
    assert (frames[1].first, frames[1].last, "two manifests have these events") == (
        fault.first,
        fault.last,
        fault.reason,
    )


def test_a_range_that_lies_under_two_dates_is_found(tape: Tape) -> None:
    key = tape.keys()[MIDDLE]
    other = replace(key, date="2026-11-23")
    for table in (None, *tape.manifest(key).tables):
        data = tape.path(replace(key, table=table)).read_bytes()
        tape.put(replace(other, table=table), data)
    fault = only_fault(tape)
    assert (key.first, key.last, other.text) == (fault.first, fault.last, fault.key)


def test_an_object_of_nobody_is_found(tape: Tape) -> None:
    path = tape.root / "tape" / "book" / "exchange=bitvavo" / "copy.parquet"
    path.write_bytes(b"")
    fault = only_fault(tape)
    assert "tape/book/exchange=bitvavo/copy.parquet" == fault.key


def test_a_segment_behind_the_end_of_a_session_is_found(tape: Tape) -> None:
    end = tape.keys()[END]
    key = replace(end, table="book", first=end.last + 1, last=end.last + 2)
    tape.put(key, b"")
    fault = only_fault(tape)
    assert (key.text, "no manifest names this object") == (fault.key, fault.reason)


def test_a_segment_between_manifests_is_found(tape: Tape) -> None:
    key = tape.keys()[MIDDLE]
    tape.put(replace(key, table="book", first=key.first + 1), b"")
    assert "no manifest names this object" == only_fault(tape).reason


# --- manifests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rows": 1}, "book: rows is 16, its manifest says 1"),
        ({"bytes": 1}, "bytes, its manifest says 1"),
        ({"sha256": "0" * 64}, "is not what its checksum says"),
        ({"events": 10}, "counts 13 events"),
        ({"ts_recv_min": 1}, "book: ts_recv_min is"),
        ({"ts_recv_max": 1}, "book: ts_recv_max is"),
        ({"key": "elsewhere"}, "its manifest names ['elsewhere'] for book"),
    ],
)
def test_an_edited_entry_is_found(tape: Tape, change: dict[str, object], reason: str) -> None:
    tape.edit_entry(tape.keys()[MIDDLE], "book", **change)
    expect_range(tape, MIDDLE, reason)


def test_events_moved_from_one_entry_to_another_are_found(tape: Tape) -> None:
    key = tape.keys()[MIDDLE]
    tape.edit_entry(key, "book", events=8)
    tape.edit_entry(key, "trades", events=2)
    expect_range(tape, MIDDLE, "events is 9, its manifest says 8")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 3}, "version 3 is unknown"),
        ({"line": "b"}, "names bitvavo-b"),
        ({"first": 16}, "of other events than its key"),
        ({"last": 90}, "of other events than its key"),
        ({"session": SESSION.replace("T09", "T08")}, "of other events than its key"),
    ],
)
def test_an_edited_manifest_is_found(tape: Tape, change: dict[str, object], reason: str) -> None:
    tape.edit(tape.keys()[MIDDLE], **change)
    expect_range(tape, MIDDLE, reason)


def test_a_manifest_that_forgot_a_table_is_found(tape: Tape) -> None:
    key = tape.keys()[MIDDLE]
    tables = dict(tape.manifest(key).tables)
    del tables["trades"]
    tape.edit(key, tables=tables)
    expect_range(tape, MIDDLE, "is not in its manifest")


@pytest.mark.parametrize("name", ["book", "orders"])
def test_a_manifest_with_a_table_of_nothing_is_found(tape: Tape, name: str) -> None:
    key = tape.keys()[MIDDLE]
    tape.edit(key, tables={**tape.manifest(key).tables, name: []})
    expect_range(tape, MIDDLE, f"its manifest names [] for {name}")


def test_a_manifest_of_garbage_is_found(tape: Tape) -> None:
    tape.put(tape.keys()[MIDDLE], b"{}")
    expect_range(tape, MIDDLE, "not a manifest")


# --- rows, where checksum and manifest follow them ----------------------------------------------

Change = Callable[[pa.Table], pa.Table]


@pytest.mark.parametrize(
    ("table", "row", "number", "found", "reason"),
    [
        # The first manifest has 0 to 14: feed events 0, 1; book 2 to 9, 12 to 14; trade 10; ticker.
        ("trades", 0, 11, 10, "events are missing"),
        ("trades", 0, 9, 9, "is there twice"),
        ("feed_events", 1, 10, 1, "events are missing"),
        ("trades", 0, 15, 15, "outside of the manifest's range"),
        ("ticker", 0, 99, 99, "outside of the manifest's range"),
        ("feed_events", 0, -1, -1, "outside of the manifest's range"),
        ("feed_events", 1, 0, 0, "feed_events has an event twice"),
        ("feed_events", 0, 5, 1, "not sorted"),
    ],
)
def test_a_renumbered_event_is_found(
    tape: Tape, table: str, row: int, number: int, *, found: int, reason: str
) -> None:
    tape.rewrite(tape.keys()[0], table, lambda rows: set_value(rows, "event_number", row, number))
    expect_event(tape, found, reason)


def test_a_level_given_to_another_event_is_found(tape: Tape) -> None:
    key = tape.keys()[0]
    tape.rewrite(key, "book", lambda rows: set_value(rows, "event_number", 3, 3))
    assert only_fault(tape).first == 3


def test_a_lost_event_is_found(tape: Tape) -> None:
    key = tape.keys()[0]
    tape.rewrite(key, "book", lambda rows: pa.concat_tables([rows.slice(0, 12), rows.slice(13)]))
    expect_range(tape, 0, "book: events is 10, its manifest says 11")


def test_a_lost_event_is_found_where_its_manifest_does_not_count_it(tape: Tape) -> None:
    key = tape.keys()[0]
    tape.rewrite(key, "book", lambda rows: pa.concat_tables([rows.slice(0, 12), rows.slice(13)]))
    tape.edit_entry(key, "book", events=10)
    expect_range(tape, 0, "its manifest counts 14 events")


BOOK_FAULTS: list[tuple[str, int, object, int, str]] = [
    # Rows of the first manifest, BTC-EUR first: 3 of snapshot 3, 3 each of deltas 4, 6, 8, 1 of 12.
    ("sequence", 12, 105, 12, "BTC-EUR has sequence 105, not 104"),
    ("sequence", 12, 103, 12, "BTC-EUR has sequence 103, not 104"),
    ("sequence", 12, None, 12, "BTC-EUR has sequence None, not 104"),
    ("epoch", 12, 4, 12, "BTC-EUR is in epoch 4, its last is 3"),
    ("epoch", 12, 12, 12, "BTC-EUR is in epoch 12, its last is 3"),
    ("is_checkpoint", 12, True, 12, "a checkpoint is no snapshot"),
    ("sequence", 4, 105, 4, "the rows of a book event differ in sequence"),
    ("epoch", 5, 2, 4, "the rows of a book event differ in epoch"),
    ("is_snapshot", 1, False, 3, "the rows of a book event differ in is_snapshot"),
    ("side", 4, None, 4, "a level is without side or price"),
    ("price", 4, None, 4, "a level is without side or price"),
    ("size", 4, None, 4, "a level is without side or size"),
    # ETH-EUR: 3 of snapshot 2, deltas 5, 7, 9, 2 of checkpoint 13, delta 14.
    ("sequence", 21, 105, 14, "ETH-EUR has sequence 105, not 104"),
]


@pytest.mark.parametrize(("column", "row", "value", "found", "reason"), BOOK_FAULTS)
def test_a_broken_book_is_found(
    tape: Tape, column: str, row: int, value: object, *, found: int, reason: str
) -> None:
    tape.rewrite(tape.keys()[0], "book", lambda rows: set_value(rows, column, row, value))
    expect_event(tape, found, reason)


@pytest.mark.parametrize(("place", "symbol"), [(1, BTC), (2, ETH)])
def test_a_sequence_broken_between_manifests_is_found(tape: Tape, place: int, symbol: str) -> None:
    """Shift every sequence of one symbol: only the step into this manifest is wrong."""
    key = tape.keys()[place]

    def shift(rows: pa.Table) -> pa.Table:
        for row, name in enumerate(rows["symbol"].to_pylist()):
            if name == symbol:
                rows = set_value(rows, "sequence", row, rows["sequence"][row].as_py() + 1)
        return rows

    tape.rewrite(key, "book", shift)
    faults = verify(tape.store).faults
    assert f"{symbol} has sequence" in faults[0].reason
    assert key.first <= (faults[0].first or 0) <= key.last


def test_a_checkpoint_that_is_ahead_of_its_book_is_found(tape: Tape) -> None:
    def spoil(rows: pa.Table) -> pa.Table:
        return set_value(set_value(rows, "sequence", 19, 104), "sequence", 20, 104)

    tape.rewrite(tape.keys()[0], "book", spoil)
    expect_event(tape, 13, "ETH-EUR has sequence 104, not 103")


def test_a_delta_without_a_snapshot_is_found(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    recording = Recording()
    recording.feed_event("connected")
    recording.sequences[BTC] = 5
    recording.builder._epochs[BTC] = 0
    recording.delta(BTC)
    tape.write([recording.take()])
    expect_event(tape, 1, "BTC-EUR is in epoch 0, its last is None")


def test_a_delta_of_an_epoch_that_ended_is_found(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    recording = Recording()
    recording.snapshot(BTC, 5)
    recording.delta(BTC)
    tape.write([recording.take()])
    recording.snapshot(BTC, 6)
    recording.builder._epochs[BTC] = 0
    recording.delta(BTC)
    tape.write([recording.take()])
    expect_event(tape, 3, "BTC-EUR is in epoch 0, its last is 2")


def test_a_delta_on_a_polled_book_is_found(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    recording = Recording()
    recording.snapshot(BTC, None)
    recording.checkpoint(BTC)
    tape.write([recording.take()])
    assert verify(tape.store).ok
    recording.sequences[BTC] = 0
    recording.delta(BTC)
    tape.write([recording.take()])
    expect_event(tape, 2, "BTC-EUR has sequence 1, not None")


WHOLE_FAULTS: dict[str, tuple[str, Change]] = {
    "of another session": (
        "book",
        lambda rows: set_value(rows, "session", 0, SESSION.replace("-a", "-b")),
    ),
    "has a side that is none": ("trades", lambda rows: set_value(rows, "side", 0, "bid")),
    "other columns": ("ticker", lambda rows: rows.drop_columns(["bid_size"])),
    "names no schema": ("ticker", lambda rows: rows.replace_schema_metadata({})),
    "has no rows": ("ticker", lambda rows: rows.slice(0, 0)),
}


@pytest.mark.parametrize("reason", WHOLE_FAULTS)
def test_a_segment_that_is_not_of_the_tape_is_found(tape: Tape, reason: str) -> None:
    table, change = WHOLE_FAULTS[reason]
    tape.rewrite(tape.keys()[MIDDLE], table, change)
    expect_range(tape, MIDDLE, reason)


def test_a_segment_that_is_no_parquet_is_found(tape: Tape) -> None:
    key = tape.keys()[MIDDLE]
    tape.replace_segment(key, "trades", b"PAR1 and no more PAR1")
    expect_range(tape, MIDDLE, "trades has no footer")


def test_events_of_another_date_are_found(tape: Tape) -> None:
    key = tape.keys()[MIDDLE]
    entry = tape.manifest(key).tables["trades"][0]
    later = entry.ts_recv_min + DAY_NS
    tape.rewrite(key, "trades", lambda rows: set_value(rows, "ts_recv", 0, later // 1000))
    tape.edit_entry(key, "trades", ts_recv_min=later, ts_recv_max=later)
    expect_range(tape, MIDDLE, "events of another date than 2026-11-22")


def test_rows_in_another_order_are_found(tape: Tape) -> None:
    def turn(rows: pa.Table) -> pa.Table:
        return pa.concat_tables([rows.slice(13), rows.slice(0, 13)])

    tape.rewrite(tape.keys()[0], "book", turn)
    expect_event(tape, 3, "not sorted by symbol and event number")


def test_an_event_with_levels_and_none_is_found(tape: Tape) -> None:
    def spoil(rows: pa.Table) -> pa.Table:
        for column in ("side", "price", "size"):
            rows = set_value(rows, column, 4, None)
        return rows

    tape.rewrite(tape.keys()[0], "book", spoil)
    expect_event(tape, 4, "a book event has levels and none")


# --- the end of a session -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ('{"reason":"stopped","events":1}', "its session_end counts 1 events"),
        ("{}", "a session_end says {}"),
        ("", "a session_end says "),
    ],
)
def test_an_end_that_counts_otherwise_is_found(tape: Tape, detail: str, reason: str) -> None:
    key = tape.keys()[END]
    tape.rewrite(key, "feed_events", lambda rows: set_value(rows, "detail", 0, detail))
    expect_event(tape, key.last, reason)


def test_events_behind_the_end_of_a_session_are_found(tape: Tape) -> None:
    end = tape.keys()[END].last
    recording = Recording(first=end + 1)
    recording.feed_event("connected")
    tape.write([recording.take()])
    expect_event(tape, end + 1, "events follow the end of the session")


def test_events_behind_the_end_of_a_session_are_found_in_one_manifest(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    recording = Recording()
    recording.end()
    recording.feed_event("connected")
    tape.write([recording.take()])
    expect_event(tape, 1, "events follow the end of the session")


# --- as a command -------------------------------------------------------------------------------


def test_the_command_says_what_is_damaged(tape: Tape) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "services", "verify", f"file:{tape.root}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    whole = run()
    assert (0, "") == (whole.returncode, whole.stderr)
    assert whole.stdout.endswith("The tape is whole.\n")
    key = tape.keys()[MIDDLE]
    tape.path(tape.segment(key, "book")).unlink()
    broken = run()
    assert 1 == broken.returncode
    assert f"{SESSION} {key.first}-{key.last}: " in broken.stdout
    assert broken.stdout.endswith("THE TAPE IS NOT WHOLE.\n")
