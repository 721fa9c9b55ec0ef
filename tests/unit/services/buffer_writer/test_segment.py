import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import google_crc32c
import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from booktape.ladder import Level
from booktape.tables import SCHEMAS
from services.buffer_writer import events, segment
from services.buffer_writer import packed as packing
from services.buffer_writer.events import BadFrame
from services.buffer_writer.segment import WrittenSegment, prepare_arrow, write_segments
from shared.delivery.frame import (
    CHECKPOINT,
    DELTA,
    LEVEL_BYTES,
    NULL,
    BookColumns,
    Frame,
    decode_columns,
)
from tests.support.columns import unpack
from tests.support.first import make_first_frame
from tests.support.tapes import BTC, ETH, NOON, SESSION, Recording, record_minute
from tests.support.writing import make_run

Rows = dict[str, list[dict[str, Any]]]
SOL = "SOL-EUR"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write_packed(frames: Sequence[Frame], folder: Path, packed: int) -> dict[str, WrittenSegment]:
    """Write a run whose first frames, so many of them, were packed before."""
    run = make_run(frames[:packed])
    run.pack()
    run.frames += frames[packed:]
    return write_segments(run, lambda table: folder / f"{table}.parquet")


def write(frames: Sequence[Frame], folder: Path) -> dict[str, WrittenSegment]:
    return write_segments(make_run(frames), lambda table: folder / f"{table}.parquet")


def read(folder: Path) -> Rows:
    """Return every row of every segment, times in µs."""
    rows = {}
    for path in folder.glob("*.parquet"):
        table = parquet.ParquetFile(path).read()
        assert SCHEMAS[path.stem] == table.schema
        for name in ("ts_recv", "ts_event"):
            if name in table.column_names:
                place = table.column_names.index(name)
                table = table.set_column(place, name, table[name].cast(pa.int64()))
        rows[path.stem] = table.to_pylist()
    return rows


def expect(frames: Sequence[Frame]) -> Rows:
    """Return what the frames should become, the slow and simple way."""
    rows: Rows = defaultdict(list)
    for frame in frames:
        columns = decode_columns(frame)
        for name in SCHEMAS:
            table = getattr(columns, name)
            if table is not None:
                rows[name] += expect_table(frame, columns.symbols, table)
    for table_rows in rows.values():
        table_rows.sort(key=lambda row: (row["symbol"] is None, row["symbol"], row["event_number"]))
    return dict(rows)


def expect_table(frame: Frame, symbols: list[str], table: Any) -> list[dict[str, Any]]:
    rows = []
    columns = {name: getattr(table, name) for name in table.__struct_fields__}
    levels: Iterator[float] = iter(())
    if isinstance(table, BookColumns):
        columns = {name: unpack(table, name) for name in columns}
        levels = iter(columns.pop("levels"))
        columns["previous"] = columns["previous"] or [NULL] * len(columns["offset"])
    for values in zip(*columns.values(), strict=True):
        row: dict[str, Any] = dict(zip(columns, values, strict=True))
        row |= {name: None for name, value in row.items() if value == NULL}
        row["event_number"] = frame.first + row.pop("offset")
        row["session"] = frame.session
        row["symbol"] = None if row["symbol"] is None else symbols[row["symbol"]]
        for name in ("ts_recv", "ts_event"):
            if row.get(name) is not None:
                row[name] //= 1000
        if "bids" not in row:
            rows.append(row)
            continue
        sides: list[str | None] = [*["bid"] * row.pop("bids"), *["ask"] * row.pop("asks")]
        kind = row.pop("kind")
        row |= {"is_snapshot": kind != DELTA, "is_checkpoint": kind == CHECKPOINT}
        for side in sides or [None]:
            price, size = (next(levels), next(levels)) if side else (None, None)
            rows.append(row | {"side": side, "price": price, "size": size})
    return rows


def record_at_random(random: Random, frames: int) -> list[Frame]:
    recording = Recording()
    recording.feed_event("session_start")
    for symbol in (SOL, ETH, BTC):
        recording.snapshot(symbol, random.choice([None, 5]))
        recording.sequences.setdefault(symbol, 0)
    found: list[Frame] = []
    for _ in range(frames):
        for _ in range(random.randrange(1, 30)):
            record_one(recording, random, with_steps=len(found) > frames // 2)
        found.append(recording.take())
    return found


def record_one(recording: Recording, random: Random, *, with_steps: bool) -> None:
    def levels(most: int) -> list[Level]:
        return [
            (round(random.uniform(1, 9e4), 8), round(random.random(), 12))
            for _ in range(random.randrange(most))
        ]

    symbol = random.choice([BTC, ETH, SOL])
    match random.randrange(14):
        case 0:
            recording.trade(symbol, str(random.random()))
        case 1:
            recording.ticker(symbol)
        case 2:
            recording.checkpoint(symbol)
        case 3:
            recording.snapshot(symbol, random.randrange(1000))
        case 4:
            recording.feed_event("gap", random.choice([symbol, None]), expected=1)
        case 5:
            recording.instrument(symbol, price_decimals=random.choice([None, -1, 8]))
        case 6 if with_steps:
            recording.delta(symbol, levels(4), levels(4), step=random.randrange(1, 9))
        case _:
            recording.delta(symbol, levels(4), levels(4))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("slice_rows", [1, 20, 100_000])
def test_every_event_becomes_its_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int, slice_rows: int
) -> None:
    monkeypatch.setattr(segment, "SLICE_ROWS", slice_rows)
    monkeypatch.setattr(events, "CHUNK_ROWS", 50)
    frames = record_at_random(Random(seed), 20)
    segments = write(frames, folder)
    expected = expect(frames)
    assert expected == read(folder)
    assert {name: len(rows) for name, rows in expected.items()} == {
        name: found.rows for name, found in segments.items()
    }
    assert sum(frame.rows for frame in frames) == sum(found.rows for found in segments.values())
    assert frames[-1].last + 1 == sum(found.events for found in segments.values())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("portion_rows", [10, 120])
@pytest.mark.parametrize("packed", [3, 12, 20])
def test_packed_events_are_the_same_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int, portion_rows: int, packed: int
) -> None:
    monkeypatch.setattr(packing, "PORTION_ROWS_MAX", portion_rows)
    monkeypatch.setattr(events, "CHUNK_ROWS", 50)
    frames = record_at_random(Random(seed), 20)
    segments = write_packed(frames, folder, packed)
    expected = expect(frames)
    assert expected == read(folder)
    assert len(expected["book"]) == segments["book"].rows
    assert len({row["event_number"] for row in expected["book"]}) == segments["book"].events
    times = [row["ts_recv"] * 1000 for row in expected["book"]]
    assert (min(times), max(times)) == (segments["book"].ts_recv_min, segments["book"].ts_recv_max)
    groups = parquet.read_metadata(segments["book"].path).num_row_groups
    assert groups > 1


def test_packed_events_without_books(folder: Path) -> None:
    recording = Recording()
    for number in range(3):
        recording.trade(BTC, str(number))
    assert ["trades"] == list(write_packed([recording.take()], folder, 1))
    assert 3 == len(read(folder)["trades"])


def test_packed_events_can_be_written_again(folder: Path) -> None:
    frames = record_minute(Recording())
    run = make_run(frames)
    run.pack()
    found = [write_segments(run, lambda table: folder / f"{table}.parquet") for _ in range(2)]
    assert found[0] == found[1]
    assert expect(frames) == read(folder)


def test_full_frames_are_compressed_quickly_and_live_ones_thoroughly(folder: Path) -> None:
    sizes = []
    for events_a_frame in (2000, 100):  # the same events, in full frames or in live ones
        recording, random = Recording(), Random(1)
        recording.snapshot()
        frames = []
        for number in range(2000):
            levels = [(random.randrange(900, 999) / 10, random.choice([0.0, 1.5, number / 8]))]
            recording.delta(BTC, levels, levels)
            if (number + 1) % events_a_frame == 0:
                frames.append(recording.take())
        sizes.append(write(frames, folder)["book"].bytes)
    quick, thorough = sizes
    assert thorough < quick


def test_rows_are_in_order_of_symbol_and_number(folder: Path) -> None:
    write(record_minute(Recording()), folder)
    rows = read(folder)["book"]
    places = [(row["symbol"], row["event_number"]) for row in rows]
    assert sorted(places) == places
    assert [BTC] * 13 + [ETH] * 9 == [symbol for symbol, _ in places]


def test_an_event_without_levels_is_one_row_of_nulls(folder: Path) -> None:
    recording = Recording()
    recording.snapshot()
    recording.delta(BTC, [], [])
    write([recording.take()], folder)
    row = read(folder)["book"][-1]
    assert (1, None, None, None) == (row["event_number"], row["side"], row["price"], row["size"])
    assert (0, 101) == (row["epoch"], row["sequence"])


def test_a_checkpoint_is_a_snapshot_of_the_same_epoch(folder: Path) -> None:
    recording = Recording()
    recording.snapshot()
    recording.delta()
    recording.checkpoint()
    write([recording.take()], folder)
    found = [
        (row["event_number"], row["epoch"], row["is_snapshot"], row["is_checkpoint"])
        for row in read(folder)["book"]
    ]
    snapshot, delta, checkpoint = (0, 0, True, False), (1, 0, False, False), (2, 0, True, True)
    assert [snapshot] * 3 + [delta] + [checkpoint] * 2 == found


def test_a_market_is_one_row(folder: Path) -> None:
    recording = Recording()
    recording.instrument(ETH, size_decimals=None, reason="day")
    recording.instrument(BTC, status="cancel_only", max_size=9.5, reason="changed")
    segments = write([recording.take()], folder)
    assert ["instruments"] == list(segments)
    rows = read(folder)["instruments"]
    assert [(BTC, 1), (ETH, 0)] == [(row["symbol"], row["event_number"]) for row in rows]
    assert [(BTC, "BTC", "EUR")] == [(r["raw_symbol"], r["base"], r["quote"]) for r in rows[:1]]
    assert [("cancel_only", "changed"), ("trading", "day")] == [
        (row["status"], row["reason"]) for row in rows
    ]
    assert [(2, 8), (2, None)] == [(r["price_decimals"], r["size_decimals"]) for r in rows]
    assert [9.5, None] == [row["max_size"] for row in rows]
    assert ['{"market":"BTC-EUR"}', '{"market":"ETH-EUR"}'] == [row["info"] for row in rows]


def test_a_delta_has_what_it_follows_where_it_says_so(folder: Path) -> None:
    recording = Recording()
    recording.snapshot()
    recording.delta()
    recording.delta(step=4)
    recording.delta()
    write([recording.take()], folder)
    found = [(row["sequence"], row["previous"]) for row in read(folder)["book"]]
    assert [(100, None)] * 3 + [(101, None), (105, 101), (106, None)] == found


def test_a_frame_of_the_first_version_is_written_like_any_other(folder: Path) -> None:
    recording = Recording()
    frames = record_minute(recording)
    write([make_first_frame(frames[0]), frames[1]], folder)
    mixed = read(folder)
    write(frames, folder)
    assert read(folder) == mixed


def test_a_session_without_symbols_has_its_feed_events(folder: Path) -> None:
    recording = Recording()
    recording.feed_event("session_start")
    recording.end()
    segments = write([recording.take()], folder)
    assert ["feed_events"] == list(segments)
    assert [None, None] == [row["symbol"] for row in read(folder)["feed_events"]]


def test_a_segment_is_described_as_it_lies_there(folder: Path) -> None:
    segments = write(record_minute(Recording()), folder)
    assert {"book", "trades", "ticker", "feed_events"} == set(segments)
    for table, found in segments.items():
        data = (folder / f"{table}.parquet").read_bytes()
        assert folder / f"{table}.parquet" == found.path
        assert (len(data), hashlib.sha256(data).hexdigest()) == (found.bytes, found.sha256)
        size = int.from_bytes(data[-8:-4], "little") + 8
        assert parquet.ParquetFile(folder / f"{table}.parquet").metadata.serialized_size == size - 8
        assert (size, google_crc32c.value(data[-size:])) == (
            found.footer_bytes,
            found.footer_crc32c,
        )
        times = [row["ts_recv"] * 1000 for row in read(folder)[table]]
        assert (min(times), max(times)) == (found.ts_recv_min, found.ts_recv_max)
    assert NOON < segments["book"].ts_recv_min
    assert (22, 11) == (segments["book"].rows, segments["book"].events)


def test_the_same_frames_are_the_same_bytes(folder: Path) -> None:
    frames = record_minute(Recording())
    first, second = write(frames, folder), write(frames, folder)
    assert first == second


def test_a_row_group_names_only_the_symbols_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment, "SLICE_ROWS", 13)
    write(record_minute(Recording()), folder)
    file = parquet.ParquetFile(folder / "book.parquet")
    groups = [file.read_row_group(group)["symbol"] for group in range(file.num_row_groups)]
    assert [[BTC], [ETH]] == [group.chunk(0).dictionary.to_pylist() for group in groups]
    statistics = [file.metadata.row_group(group).column(1).statistics for group in range(2)]
    assert [(BTC, BTC), (ETH, ETH)] == [(found.min, found.max) for found in statistics]


def test_a_bad_frame_is_found_before_a_file_is_begun(folder: Path) -> None:
    recording = Recording()
    frames = record_minute(recording) + record_minute(recording, begins=False)
    columns = decode_columns(frames[2])
    assert columns.book is not None
    columns.book.levels += bytes(LEVEL_BYTES)
    data = msgspec.Raw(msgspec.msgpack.encode(columns))
    frames[2] = msgspec.structs.replace(frames[2], events=data)
    with pytest.raises(BadFrame) as caught:
        write(frames, folder)
    assert frames[2] is caught.value.frame
    assert [] == list(folder.iterdir())
    write(frames[:2], folder)
    assert {SESSION} == {row["session"] for row in read(folder)["book"]}


@pytest.mark.parametrize("places", [(0, 2), (1, 0)])
def test_frames_that_do_not_continue_are_a_mistake_of_ours(
    folder: Path, places: tuple[int, int]
) -> None:
    recording = Recording()
    frames = record_minute(recording) + record_minute(recording, begins=False)
    with pytest.raises(AssertionError):
        write([frames[place] for place in places], folder)


def test_a_file_that_cannot_be_written_is_an_os_error(folder: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write(record_minute(Recording()), folder / "missing")


def test_arrow_is_told_to_stay_small() -> None:
    pool, count, io_count = pa.default_memory_pool(), pa.cpu_count(), pa.io_thread_count()
    try:
        prepare_arrow()
        assert ("system", 1) == (pa.default_memory_pool().backend_name, pa.cpu_count())
        assert 1 == pa.io_thread_count()
    finally:
        pa.set_memory_pool(pool)
        pa.set_cpu_count(count)
        pa.set_io_thread_count(io_count)
