from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booktape.store.folder import FolderStore
from services.buffer_writer import buffer as buffers
from services.buffer_writer import writer as module
from services.buffer_writer.segment import write_segments
from services.buffer_writer.writer import FLUSH_RETRY_S
from shared.delivery.frame import DAY_NS, Frame, encode
from shared.errors import SpoolError
from shared.process.settings import WriterSettings
from tests.support.writing import (
    DAY,
    FOREIGN,
    OTHER,
    SESSION,
    SETTINGS,
    MemoryStore,
    World,
    damage,
    disk_full,
    make_book,
    make_end,
    stored_numbers,
)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def world(tmp_path: Path, store: MemoryStore) -> World:
    world = World(tmp_path, store=store)
    for session in (SESSION, OTHER, FOREIGN):
        world.journal(session)
    return world


@pytest.fixture
def packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writer pack each frame as it comes."""
    monkeypatch.setattr(buffers, "PACK_ROWS", 1)


def with_base(frame: Frame, base: int) -> Frame:
    return msgspec.structs.replace(frame, base=base)


# --- dedupe ---


def test_the_next_frame_of_a_session_is_taken(world: World) -> None:
    world.receive(make_book(0), make_book(10))
    assert (0, 20) == world.watermark()
    assert 20 == world.writer.rows


def test_a_frame_that_is_there_is_not_taken_twice(world: World) -> None:
    world.receive(make_book(0), make_book(10), make_book(0), make_book(10))
    assert (0, 20) == world.watermark()
    assert 20 == world.writer.rows


def test_a_replay_cut_into_other_frames_is_trimmed(world: World) -> None:
    world.receive(make_book(0), make_book(0, 7), make_book(7, 8))
    assert (0, 15) == world.watermark()
    world.writer.flush("toy")
    world.upload()
    assert list(range(15)) == stored_numbers(world.store)  # type: ignore[arg-type]


def test_a_frame_ahead_of_its_turn_waits_in_its_journal(world: World) -> None:
    world.receive(make_book(0), make_book(20))
    assert (0, 10) == world.watermark()
    world.receive(make_book(10), make_book(20))
    assert (0, 30) == world.watermark()


def test_sessions_and_exchanges_do_not_mix(world: World, store: MemoryStore) -> None:
    world.receive(
        make_book(0), make_book(0, session=OTHER), make_book(0, session=FOREIGN), make_book(10)
    )
    world.writer.flush("toy")
    assert [(SESSION, 0, 19), (OTHER, 0, 9)] == world.ranges()
    assert (10, 10) == world.watermark(OTHER)
    assert (0, 10) == world.watermark(FOREIGN)
    world.writer.flush_all()
    world.upload()
    assert list(range(20)) == stored_numbers(store)
    assert 1 == len([key for key in store.objects if "tape/book/exchange=fremd/" in key])


def test_only_what_is_committed_may_be_trimmed(world: World) -> None:
    world.receive(make_book(0))
    assert (0, 10) == world.watermark()
    world.writer.flush("toy")
    assert (10, 10) == world.watermark()


def test_a_new_process_goes_on_where_the_spool_ends(world: World, tmp_path: Path) -> None:
    world.receive(make_book(0))
    world.writer.flush("toy")
    world.receive(make_book(10))
    again = World(tmp_path)
    assert (10, 10) == again.watermark()
    again.receive(make_book(0), make_book(10))
    assert (10, 20) == again.watermark()


# --- holes ---


def test_a_hole_in_the_journal_is_an_event(tmp_path: Path) -> None:
    world = World(tmp_path, write_segments=write_segments)
    world.journal()
    world.receive(make_book(0), make_book(50, base=50))
    assert (0, 60) == world.watermark()
    assert {SESSION: 1} == world.writer.holes
    world.writer.flush("toy")
    assert (60, 60) == world.watermark()
    # The event was received now, and today is another second of the same date.
    assert [(SESSION, 0, 10), (SESSION, 50, 59)] == world.ranges()
    name = world.spool.committed.names()[0]
    [row] = pq.read_table(tmp_path / "spool" / f"{name}.feed_events.parquet").to_pylist()
    assert ("journal_hole", 10, 50) == (
        row["kind"],
        row["sequence_expected"],
        row["sequence_received"],
    )
    assert (10, None, '{"events":40}') == (row["event_number"], row["symbol"], row["detail"])


def test_holes_of_few_sessions_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOLES_SESSIONS_MAX", 1)
    world.journal(OTHER)
    world.receive(make_book(0), make_book(50, base=50))
    world.receive(make_book(0, session=OTHER), make_book(50, base=50, session=OTHER))
    assert {OTHER: 1} == world.writer.holes


def test_a_hole_is_written_once_whatever_is_killed(world: World, tmp_path: Path) -> None:
    world.receive(make_book(0), make_book(50, base=50))
    world.writer.flush("toy")
    again = World(tmp_path)
    again.receive(make_book(50, base=50), make_book(60, base=50))
    again.writer.flush("toy")
    assert [(SESSION, 0, 10), (SESSION, 50, 59), (SESSION, 60, 69)] == again.ranges()


def test_the_watermark_tells_where_the_last_hole_ends(world: World, tmp_path: Path) -> None:
    world.receive(make_book(0))
    assert {} == world.writer.watermark().holes
    world.receive(make_book(50, base=50))
    assert {SESSION: 50} == world.writer.watermark().holes
    world.receive(make_book(60, base=50), make_book(90, base=90))
    assert {SESSION: 90} == world.writer.watermark().holes
    world.writer.flush("toy")
    assert {SESSION: 90} == World(tmp_path).writer.watermark().holes


def test_a_hole_that_was_not_committed_is_told_once_it_is_found_again(
    world: World, tmp_path: Path
) -> None:
    world.receive(make_book(0))
    world.writer.flush("toy")
    world.receive(make_book(50, base=50))
    again = World(tmp_path)
    assert {} == again.writer.watermark().holes
    again.receive(make_book(50, base=50))
    assert {SESSION: 50} == again.writer.watermark().holes


def test_what_is_behind_a_hole_and_got_lost_on_its_way_is_no_part_of_it(world: World) -> None:
    world.receive(make_book(0), make_book(70, base=50))
    assert (0, 50) == world.watermark()
    world.receive(make_book(50, 20, base=50), make_book(70, base=50))
    assert (0, 80) == world.watermark()


def test_a_session_that_begins_with_a_hole_asks_the_store_first(world: World) -> None:
    world.receive(make_book(50, base=50))
    assert SESSION not in world.writer.watermark().sessions
    world.upload()
    world.writer.tend_sessions()
    assert (0, 0) == world.watermark()
    world.receive(make_book(50, base=50))
    assert (0, 60) == world.watermark()
    world.writer.flush("toy")
    assert [(SESSION, 0, 0), (SESSION, 50, 59)] == world.ranges()


def test_a_hole_of_one_number_leaves_no_number_missing(world: World) -> None:
    world.receive(make_book(0), make_book(11, base=11))
    world.writer.flush("toy")
    assert [(SESSION, 0, 20)] == world.ranges()


def test_an_older_base_makes_no_hole(world: World) -> None:
    world.receive(make_book(0), with_base(make_book(10), 10), with_base(make_book(20), 0))
    assert (0, 30) == world.watermark()
    assert 30 == world.writer.rows


# --- frames that cannot be used ---


def test_a_frame_of_another_release_is_left_to_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = msgspec.structs.replace(make_book(10), version=99)
    world.receive(make_book(0), foreign, make_book(20), foreign)
    assert (0, 10) == world.watermark()
    why = "frame version 99 is unknown to this release; deploy a newer one"
    assert {SESSION: why} == world.writer.held
    assert 0 == world.spool.count_conflicts()
    assert 1 == caplog.text.count("held back")
    world.writer.flush("toy")
    assert (10, 10) == world.watermark()


def test_the_release_that_knows_it_goes_on_there(world: World, tmp_path: Path) -> None:
    world.receive(msgspec.structs.replace(make_book(0), version=99))
    again = World(tmp_path)
    again.receive(make_book(0))
    assert (0, 10) == again.watermark()


@pytest.mark.parametrize("data", [b"", b"\xc1\x00", b"not a frame", msgspec.msgpack.encode([1])])
def test_what_is_no_frame_is_kept_and_harms_nobody(world: World, data: bytes) -> None:
    world.writer.receive(data)
    world.writer.receive(data)
    assert 1 == world.spool.count_conflicts()
    assert ["an unknown session"] == list(world.writer.held)
    world.receive(make_book(0))
    assert (0, 10) == world.watermark()


def test_a_session_with_a_name_that_none_can_have_is_refused(world: World) -> None:
    world.receive(make_book(0, session="../../../etc/passwd"))
    assert {} == world.writer.watermark().sessions
    assert 1 == world.spool.count_conflicts()


def test_a_frame_that_contradicts_itself_holds_its_session_and_no_other(tmp_path: Path) -> None:
    world = World(tmp_path, write_segments=write_segments)
    world.journal()
    world.journal(OTHER)
    bad = damage(make_book(20))
    world.receive(
        make_book(0), make_book(10), bad, make_book(30), make_book(0, session=OTHER), make_end(40)
    )
    world.writer.flush("toy")
    assert [(SESSION, 0, 19), (OTHER, 0, 9)] == world.ranges()
    assert (20, 20) == world.watermark()
    assert "frame 20 to 29" in world.writer.held[SESSION]
    assert 0 == world.writer.rows
    [aside] = (tmp_path / "spool" / "conflict").glob("*.frame")
    assert encode(bad) == aside.read_bytes()
    world.receive(make_book(20))
    assert (20, 20) == world.watermark()


def test_a_frame_that_contradicts_itself_is_read_again_by_the_next_process(tmp_path: Path) -> None:
    world = World(tmp_path, write_segments=write_segments)
    world.journal()
    world.receive(damage(make_book(0)))
    world.writer.flush("toy")
    assert (0, 0) == world.watermark()
    again = World(tmp_path, write_segments=write_segments)
    again.receive(make_book(0))
    again.writer.flush("toy")
    assert (10, 10) == again.watermark()


@pytest.mark.usefixtures("packs")
def test_packed_frames_are_flushed_as_others(tmp_path: Path) -> None:
    world = World(tmp_path, write_segments=write_segments)
    world.journal()
    world.receive(make_book(0), make_book(10), make_end(20))
    world.writer.flush("toy")
    assert [(SESSION, 0, 20)] == world.ranges()
    assert (21, 21) == world.watermark()


@pytest.mark.usefixtures("packs")
def test_a_frame_that_contradicts_itself_is_found_when_it_is_packed(tmp_path: Path) -> None:
    world = World(tmp_path, write_segments=write_segments)
    world.journal()
    bad = damage(make_book(20))
    world.receive(make_book(0), make_book(10), bad, make_book(30))
    assert (0, 20) == world.watermark()
    assert "frame 20 to 29" in world.writer.held[SESSION]
    assert 20 == world.writer.rows
    [aside] = (tmp_path / "spool" / "conflict").glob("*.frame")
    assert encode(bad) == aside.read_bytes()
    world.writer.flush("toy")
    assert [(SESSION, 0, 19)] == world.ranges()


@pytest.mark.usefixtures("packs")
def test_a_full_disk_keeps_packed_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, write_segments=write_segments)
    world.journal()
    world.receive(make_book(0), make_book(10))
    with monkeypatch.context() as full:
        full.setattr("services.buffer_writer.spool.write_atomic", disk_full)
        world.writer.flush("toy")
        assert world.writer.is_blocked
    assert (0, 20) == world.watermark()
    world.writer.flush("toy")
    assert [(SESSION, 0, 19)] == world.ranges()


@pytest.mark.usefixtures("packs")
def test_what_memory_damaged_comes_again_from_the_journal(tmp_path: Path) -> None:
    world = World(tmp_path, write_segments=write_segments)
    world.journal()
    world.receive(make_book(0), make_book(10))
    run = world.writer._buffers["toy"].oldest()
    assert run is not None
    pieces = run.packed._pairs[0]
    pieces[0] = pa.py_buffer(bytes(pieces[0].size))
    with pytest.raises(SpoolError):  # which ends the process
        world.writer.flush("toy")
    again = World(tmp_path, write_segments=write_segments)
    assert (0, 0) == again.watermark()
    again.receive(make_book(0), make_book(10))
    again.writer.flush("toy")
    assert [(SESSION, 0, 19)] == again.ranges()


def test_a_bad_frame_that_would_have_to_be_trimmed_holds_its_session(world: World) -> None:
    bad = msgspec.structs.replace(make_book(0), events=msgspec.Raw(b"\x93\x01\x02\x03"))
    world.receive(make_book(0, 5), bad)
    assert (0, 5) == world.watermark()
    assert [SESSION] == list(world.writer.held)


def test_a_bad_frame_on_a_full_disk_is_held_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.buffer_writer.spool.write_atomic", disk_full)
    world.writer.receive(b"not a frame")
    assert ["an unknown session"] == list(world.writer.held)


# --- when to flush ---


def test_rows_make_a_flush(tmp_path: Path) -> None:
    world = World(tmp_path, settings=WriterSettings(flush_rows=25))
    world.journal()
    world.receive(make_book(0), make_book(10))
    assert (0, 20) == world.watermark()
    world.receive(make_book(20))
    assert (30, 30) == world.watermark()


def test_bytes_make_a_flush(tmp_path: Path) -> None:
    world = World(tmp_path, settings=WriterSettings(flush_bytes=3000))
    world.journal()
    world.receive(make_book(0), make_book(10))
    assert (0, 20) == world.watermark()
    world.receive(make_book(20))
    assert (30, 30) == world.watermark()


def test_an_exchange_is_flushed_alone(tmp_path: Path) -> None:
    world = World(tmp_path, settings=WriterSettings(flush_rows=15))
    world.journal()
    world.journal(FOREIGN)
    world.receive(make_book(0), make_book(0, session=FOREIGN), make_book(10))
    assert (20, 20) == world.watermark()
    assert (0, 10) == world.watermark(FOREIGN)


def test_time_makes_a_flush_counted_from_the_first_frame(world: World) -> None:
    world.clock.pass_s(1000)
    world.receive(make_book(0))
    world.clock.pass_s(SETTINGS.flush_interval_s - 1)
    world.receive(make_book(10))
    world.writer.flush_due()
    assert (0, 20) == world.watermark()
    world.clock.pass_s(1)
    world.writer.flush_due()
    assert (20, 20) == world.watermark()
    world.receive(make_book(20))
    world.writer.flush_due()
    assert (20, 30) == world.watermark()


def test_midnight_makes_a_flush(world: World) -> None:
    world.receive(make_book(0))
    world.clock.ns = (DAY + 1) * DAY_NS - 1
    world.writer.flush_due()
    assert (0, 10) == world.watermark()
    world.clock.ns += 1
    world.writer.flush_due()
    assert (10, 10) == world.watermark()


def test_the_journal_of_yesterday_is_not_flushed_frame_by_frame(world: World) -> None:
    world.clock.ns = (DAY + 1) * DAY_NS
    world.writer.flush_due()
    for first in range(0, 50, 10):
        world.receive(make_book(first))
        world.writer.flush_due()
    assert (0, 50) == world.watermark()


def test_a_flush_is_cut_at_midnight(world: World) -> None:
    world.receive(make_book(0), make_book(10, day=DAY + 1))
    world.writer.flush("toy")
    assert [(SESSION, 0, 9), (SESSION, 10, 19)] == world.ranges()
    dates = [world.spool.read(name).tables["book"][0].key for name in world.spool.committed.names()]
    assert ["date=2024-10-04" in dates[0], "date=2024-10-05" in dates[1]] == [True, True]


def test_nothing_to_write_is_not_written(world: World) -> None:
    world.receive(make_book(0))
    world.writer.flush("toy")
    world.writer.flush("toy")
    world.clock.pass_s(1000)
    world.writer.flush_due()
    world.writer.flush_all()
    assert 1 == len(world.spool.committed.names())
    assert 1 == world.writer.counters.flushes


def test_a_flush_says_what_it_was(world: World) -> None:
    world.receive(make_book(0), make_book(10, day=DAY + 1))
    world.writer.flush("toy")
    counters = world.writer.counters
    assert (20, world.clock.ns) == (counters.last_flush_rows, counters.last_flush_ts)
    assert world.spool.committed.waiting_bytes == counters.last_flush_bytes
    assert 20 == world.writer.counters.rows


# --- a disk that refuses ---


def test_what_the_disk_refuses_stays_and_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.receive(make_book(0))
    world.clock.pass_s(SETTINGS.flush_interval_s)
    with monkeypatch.context() as patch:
        patch.setattr("services.buffer_writer.spool.write_atomic", disk_full)
        world.writer.flush_due()
        assert world.writer.is_blocked
        for _ in range(3):
            world.clock.pass_s(FLUSH_RETRY_S)
            world.writer.flush_due()
    assert (0, 10) == world.watermark()
    assert "No space left" in str(world.writer.flush_error)
    assert 1 == caplog.text.count("cannot flush")
    world.writer.flush_due()
    assert (0, 10) == world.watermark()
    world.clock.pass_s(FLUSH_RETRY_S)
    world.writer.flush_due()
    assert (10, 10) == world.watermark()
    assert (False, None) == (world.writer.is_blocked, world.writer.flush_error)


def test_of_two_runs_the_first_may_be_committed_and_the_second_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receive(make_book(0), make_book(0, session=OTHER))
    commit = world.spool.commit
    monkeypatch.setattr(
        world.spool, "commit", lambda run: disk_full() if run.session == OTHER else commit(run)
    )
    world.writer.flush("toy")
    assert (10, 10) == world.watermark()
    assert (0, 10) == world.watermark(OTHER)
    assert 10 == world.writer.rows


# --- its bounds ---


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_a_buffer_never_passes_its_bounds_by_more_than_a_frame(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    bounds = WriterSettings(flush_rows=100, flush_bytes=5000)
    world = World(tmp_path_factory.mktemp("bound"), settings=bounds)
    world.journal()
    first = 0
    for size in sizes:
        world.receive(make_book(first, size))
        first += size
        buffer = world.writer._buffers["toy"]
        assert buffer.rows < 100
        assert buffer.bytes < 5000
    world.writer.flush_all()
    assert (first, first) == world.watermark()


# --- all of it ---


def test_the_tape_holds_every_event_once(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "data")
    bounds = WriterSettings(flush_rows=35)
    world = World(tmp_path / "var", store=store, settings=bounds, write_segments=write_segments)
    world.journal()
    for first in range(0, 100, 10):
        world.receive(make_book(first), make_book(max(0, first - 5), 10))
    world.receive(make_end(100))
    world.writer.flush_all()
    world.upload()
    tables = [pq.read_table(path) for path in (tmp_path / "data" / "tape").rglob("*.parquet")]
    numbers = sorted(n for table in tables for n in table["event_number"].to_pylist())
    assert list(range(101)) == numbers
