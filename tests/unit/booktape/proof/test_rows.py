from pathlib import Path

import pyarrow as pa
import pytest
from msgspec.structs import replace

from booktape.keys import Key, day_of
from booktape.proof.rows import Broken, Chains, Events, check_numbers, find_feed_rows, read_events
from shared.delivery.frame import DAY_NS, Frame
from tests.support.tapes import BTC, ETH, Recording, Tape, record_minute, set_value


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path)


def read(tape: Tape, key: Key, table: str = "book") -> Events:
    manifest = tape.manifest(key)
    [entry] = manifest.tables[table]
    data = tape.path(tape.segment(key, table)).read_bytes()
    return read_events(table, data, key, entry, manifest.version)


def read_all(tape: Tape, key: Key) -> list[Events]:
    return [read(tape, key, table) for table in tape.manifest(key).tables]


def read_book(tape: Tape, recording: Recording) -> Events:
    frame: Frame = recording.take()
    return read(tape, tape.write([frame]))


def test_a_segment_gives_its_events_once_each(tape: Tape) -> None:
    events = read(tape, tape.write(record_minute(Recording())))
    assert [3, 4, 6, 8, 12, 2, 5, 7, 9, 13, 14] == events.numbers.to_pylist()
    assert [BTC] * 5 + [ETH] * 6 == [events.symbol(row) for row in range(11)]
    assert not {"price", "size", "side"} & set(events.columns.schema.names)


def test_events_without_a_symbol_come_last(tape: Tape) -> None:
    recording = Recording()
    recording.feed_event("connected")
    recording.feed_event("gap", ETH)
    recording.feed_event("gap", BTC)
    events = read(tape, tape.write([recording.take()]), "feed_events")
    assert [2, 1, 0] == events.numbers.to_pylist()
    assert ([0, 1, 2], [BTC, ETH]) == (events.places.to_pylist(), events.names)


def test_events_of_a_range_are_cut_out(tape: Tape) -> None:
    events = read(tape, tape.write(record_minute(Recording())))
    assert [6, 8, 5, 7] == events.between(5, 8).numbers.to_pylist()


def test_every_number_is_there_once(tape: Tape) -> None:
    key = tape.write(record_minute(Recording()))
    check_numbers(read_all(tape, key), key)


@pytest.mark.parametrize(
    ("left_out", "first", "last"), [("ticker", 11, 11), ("feed_events", 0, 1), ("trades", 10, 10)]
)
def test_missing_numbers_are_named(tape: Tape, left_out: str, first: int, last: int) -> None:
    key = tape.write(record_minute(Recording()))
    tables = [read(tape, key, name) for name in tape.manifest(key).tables if name != left_out]
    with pytest.raises(Broken, match="events are missing") as caught:
        check_numbers(tables, key)
    assert (first, last) == (caught.value.first, caught.value.last)


def test_numbers_that_are_missing_at_the_end_are_named(tape: Tape) -> None:
    key = tape.write(record_minute(Recording()))
    with pytest.raises(Broken, match="events are missing") as caught:
        check_numbers(read_all(tape, key), replace(key, last=20))
    assert (15, 20) == (caught.value.first, caught.value.last)


def test_a_number_that_is_there_twice_is_named(tape: Tape) -> None:
    key = tape.write(record_minute(Recording()))
    tables = read_all(tape, key)
    with pytest.raises(Broken, match="is there twice") as caught:
        check_numbers([*tables, read(tape, key, "trades")], key)
    assert (10, 10) == (caught.value.first, caught.value.last)


def test_feed_rows_come_by_number_whatever_their_symbol(tape: Tape) -> None:
    recording = Recording()
    recording.feed_event("stale")
    recording.feed_event("connected")
    recording.feed_event("gap", ETH, expected=1, received=3)
    recording.feed_event("gap", BTC)
    rows = find_feed_rows(read(tape, tape.write([recording.take()]), "feed_events"))
    assert [("stale", None), ("gap", ETH), ("gap", BTC)] == [(r.kind, r.symbol) for r in rows]
    assert (1, 3, "{}") == (rows[1].sequence_expected, rows[1].sequence_received, rows[1].detail)
    assert recording.ts == rows[2].ts_recv


def test_a_book_goes_on_from_one_manifest_to_the_next(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    for begins in (True, False, False):
        key = tape.write(record_minute(recording, begins=begins))
        chains.extend(read(tape, key))


def test_no_events_prove_nothing(tape: Tape) -> None:
    events = read(tape, tape.write(record_minute(Recording())))
    Chains().extend(events.between(0, 1))


def test_a_book_that_nobody_began_is_broken(tape: Tape) -> None:
    recording = Recording()
    tape.write(record_minute(recording))
    key = tape.write(record_minute(recording, begins=False))
    with pytest.raises(Broken, match="its last is None"):
        Chains().extend(read(tape, key))


def test_what_was_not_read_is_taken_for_given(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    tape.write(record_minute(recording))
    chains.skip(recording.next_number)
    chains.extend(read(tape, tape.write(record_minute(recording, begins=False))))
    chains.extend(read(tape, tape.write(record_minute(recording, begins=False))))


def test_a_checkpoint_may_be_the_first_that_is_read(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    recording.snapshot(BTC, None)
    recording.snapshot(ETH, 5)
    tape.write([recording.take()])
    chains.skip(2)
    for symbol in (BTC, ETH):
        recording.checkpoint(symbol)
    recording.delta(ETH)
    chains.extend(read_book(tape, recording))


def test_an_epoch_that_was_read_is_not_taken_for_given(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    recording.snapshot(BTC)
    chains.extend(read_book(tape, recording))
    recording.sequences[BTC] += 1
    recording.delta()
    with pytest.raises(Broken, match="BTC-EUR has sequence 102, not 101") as caught:
        chains.extend(read_book(tape, recording))
    assert (1, 1) == (caught.value.first, caught.value.last)


@pytest.mark.parametrize("is_with_its_deltas", [True, False])
def test_a_snapshot_is_of_the_epoch_that_it_names_itself(
    tape: Tape, *, is_with_its_deltas: bool
) -> None:
    recording = Recording()
    recording.snapshot(BTC)
    second = recording.snapshot(BTC, 200)
    recording.delta()
    key = tape.write([recording.take()])

    def misname(rows: pa.Table) -> pa.Table:
        """Let the second epoch go on under the name of the first."""
        for row, epoch in enumerate(rows["epoch"].to_pylist()):
            is_snapshot = rows["is_snapshot"][row].as_py()
            if epoch == second and (is_snapshot or is_with_its_deltas):
                rows = set_value(rows, "epoch", row, 0)
        return rows

    tape.rewrite(key, "book", misname)
    with pytest.raises(Broken, match="BTC-EUR is in epoch 0, its last is 1") as caught:
        Chains().extend(read(tape, key))
    assert (second, second) == (caught.value.first, caught.value.last)


def test_a_date_begins_at_its_midnight_and_ends_before_the_next(tape: Tape) -> None:
    recording = Recording()
    for _ in range(2):
        recording.trade()
    key = tape.write([recording.take()])
    midnight = day_of(key.date) * DAY_NS

    def receive(ts_first: int, ts_last: int) -> None:
        def place(rows: pa.Table) -> pa.Table:
            rows = set_value(rows, "ts_recv", 0, ts_first // 1000)
            return set_value(rows, "ts_recv", 1, ts_last // 1000)

        tape.rewrite(key, "trades", place)
        tape.edit_entry(key, "trades", ts_recv_min=ts_first, ts_recv_max=ts_last)
        read(tape, key, "trades")

    receive(midnight, midnight + DAY_NS - 1000)
    for ts_first, ts_last in ((midnight - 1000, midnight), (midnight, midnight + DAY_NS)):
        with pytest.raises(Broken, match="events of another date"):
            receive(ts_first, ts_last)


def test_sequences_may_be_negative_and_begin_anew(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    recording.snapshot(BTC, -2)
    recording.delta()
    recording.delta()
    recording.delta()
    recording.snapshot(BTC, -1_000)
    recording.delta()
    chains.extend(read_book(tape, recording))


def test_a_delta_follows_what_it_names(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    recording.snapshot(BTC, 0)
    recording.delta(BTC, step=7)
    recording.delta(BTC)
    recording.checkpoint(BTC)
    recording.delta(BTC, step=2)
    chains.extend(read_book(tape, recording))
    recording.delta(BTC, step=100)
    chains.extend(read_book(tape, recording))


def test_a_delta_that_names_another_than_the_last_is_broken(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    recording.snapshot(BTC)
    recording.delta(BTC)
    chains.extend(read_book(tape, recording))
    recording.sequences[BTC] = 100
    recording.delta(BTC, step=2)
    with pytest.raises(Broken, match="BTC-EUR has sequence 102 that follows 100, not 101"):
        chains.extend(read_book(tape, recording))


def test_what_a_delta_names_is_taken_for_given_where_the_last_was_not_read(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    recording.snapshot(BTC, 0)
    tape.write([recording.take()])
    chains.skip(recording.next_number)
    recording.delta(BTC, step=5)  # it names 0
    recording.delta(BTC)
    chains.extend(read_book(tape, recording))


def test_a_segment_of_the_first_version_is_read_like_any_other(tape: Tape) -> None:
    recording, chains = Recording(), Chains()
    for version, begins in ((1, True), (2, False), (1, False)):
        frames = record_minute(recording, begins=begins)
        events = read(tape, tape.write(frames, version=version))
        assert "previous" in events.columns.schema.names
        chains.extend(events)
