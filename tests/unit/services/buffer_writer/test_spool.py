import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from booktape.manifest import decode_manifest
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.sessions import Known
from services.buffer_writer.spool import FRAMES_ASIDE_MAX
from shared.delivery.frame import Frame
from shared.errors import SpoolError
from shared.process.files import write_atomic
from tests.support.writing import (
    DAY,
    SESSION,
    World,
    broken_disk,
    disk_full,
    make_book,
    make_end,
    noted,
    numbers_of,
)

NAME = f"{SESSION}-000000000000-000000000009"
NEXT_NAME = f"{SESSION}-000000000010-000000000019"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.journal()
    world.spool.committed.begin(SESSION, 0)
    return world


def make_run(*frames: Frame, resumes_at: int | None = None, ends_session: bool = False) -> FrameRun:
    last = frames[-1]
    next_number = last.last + 1 if resumes_at is None else resumes_at
    return FrameRun(last.session, last.day, list(frames), next_number, ends_session)


def files_of(name: str) -> list[str]:
    return [f"{name}.book.parquet", f"{name}.json"]


def known(world: World, session: str = SESSION) -> Known:
    return world.spool.committed.sessions()[session]


# --- commit ---


def test_a_commit_leaves_segments_and_their_manifest(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_book(0)))
    assert files_of(NAME) == world.files()
    manifest = decode_manifest((tmp_path / "spool" / f"{NAME}.json").read_bytes())
    assert manifest == world.spool.read(NAME)
    assert 10 == known(world).next
    assert [NAME] == world.spool.committed.names()
    assert manifest.tables["book"][0].bytes == world.spool.committed.waiting_bytes


def test_the_manifest_comes_last_and_each_name_after_its_sync(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    replace = noted(steps, lambda _, path: f"rename {Path(path).suffix}", os.replace)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "fsync", noted(steps, sync_of, os.fsync))
    world.spool.commit(make_run(make_book(0)))
    # The segment itself is synced by who writes it.
    expected = ["rename .parquet", "sync folder", "sync file", "rename .json", "sync folder"]
    assert expected == steps


def sync_of(descriptor: int) -> str:
    return "sync folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "sync file"


def test_a_refused_commit_leaves_nothing_and_can_be_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("services.buffer_writer.spool.write_atomic", broken_disk)
        with pytest.raises(OSError, match="broken"):
            world.spool.commit(make_run(make_book(0)))
    assert [] == world.files()
    assert 0 == known(world).next
    world.spool.commit(make_run(make_book(0), make_book(10)))
    assert [(SESSION, 0, 19)] == world.ranges()


def test_a_commit_whose_last_sync_failed_is_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("shared.process.files.sync_folder", broken_disk)
        with pytest.raises(OSError, match="broken"):
            world.spool.commit(make_run(make_book(0)))
    assert [] == world.files()


def test_a_commit_that_cannot_be_taken_back_ends_the_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.process.files.sync_folder", broken_disk)
    monkeypatch.setattr(os, "unlink", broken_disk)
    with pytest.raises(SpoolError, match="cannot undo"):
        world.spool.commit(make_run(make_book(0)))


def test_on_a_full_disk_the_reserve_serves_one_commit(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def write(*arguments: Any) -> None:
        if (tmp_path / "spool" / "reserve").exists():
            disk_full()
        write_atomic(*arguments)

    monkeypatch.setattr("services.buffer_writer.spool.write_atomic", write)
    world.disk.free = 1 << 20
    world.spool.commit(make_run(make_book(0)))
    assert files_of(NAME) == world.files()
    assert not (tmp_path / "spool" / "reserve").exists()


def test_below_the_floor_nothing_is_committed_but_into_the_reserve(world: World) -> None:
    world.disk.free = 1
    world.spool.commit(make_run(make_book(0)))
    with pytest.raises(OSError, match="make room"):
        world.spool.commit(make_run(make_book(10)))
    assert [(SESSION, 0, 9)] == world.ranges()


def test_the_reserve_comes_back_with_the_room(world: World, tmp_path: Path) -> None:
    world.disk.free = 1
    world.spool.commit(make_run(make_book(0)))
    world.disk.free = 1 << 30
    world.spool.discard(NAME)
    assert (tmp_path / "spool" / "reserve").exists()


# --- recovery ---


def test_a_manifest_is_found_again(world: World, tmp_path: Path) -> None:
    manifest = world.spool.commit(make_run(make_book(0)))
    again = World(tmp_path)
    assert manifest == again.spool.read(NAME)
    assert world.spool.committed.waiting_bytes == again.spool.committed.waiting_bytes
    assert 10 == known(again).next


def test_manifests_are_found_in_their_order(world: World, tmp_path: Path) -> None:
    for first in (0, 10, 20):
        world.spool.commit(make_run(make_book(first)))
    assert [(SESSION, 0, 9), (SESSION, 10, 19), (SESSION, 20, 29)] == World(tmp_path).ranges()


def test_what_has_no_manifest_never_happened(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_book(0)))
    for name in (f"{NEXT_NAME}.book.parquet", f"{NEXT_NAME}.trades.parquet.partial"):
        (tmp_path / "spool" / name).write_bytes(b"half")
    (tmp_path / "spool" / f"{NEXT_NAME}.json.partial").write_bytes(b"{")
    assert files_of(NAME) == World(tmp_path).files()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"version":9}',
        (
            b'{"version":1,"session":"x","exchange":"x","line":"a","first":0,"last":9,'
            b'"tables":{},"written_at":0,"writer":""}'
        ),
    ],
)
def test_a_damaged_manifest_is_set_aside_and_its_range_wanted_again(
    world: World, tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    world.spool.commit(make_run(make_book(0)))
    (tmp_path / "spool" / f"{NAME}.json").write_bytes(data)
    again = World(tmp_path)
    assert [f"conflict/{name}" for name in files_of(NAME)] == again.files()
    assert 1 == again.spool.count_conflicts()
    assert [] == again.spool.committed.names()
    assert 0 == known(again).next
    assert "set aside" in caplog.text


def test_a_flipped_bit_in_a_manifest_is_never_taken_for_another_range(
    world: World, tmp_path: Path
) -> None:
    world.spool.commit(make_run(make_book(0)))
    path = tmp_path / "spool" / f"{NAME}.json"
    data = path.read_bytes()
    for place in (data.index(b'"last":9') + 7, data.index(b'"events":10') + 10):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        again = World(tmp_path)
        assert [] == again.spool.committed.names()
        (tmp_path / "spool" / "conflict" / path.name).rename(path)
        segment = f"{NAME}.book.parquet"
        (tmp_path / "spool" / "conflict" / segment).rename(tmp_path / "spool" / segment)


def test_a_manifest_without_its_segment_is_set_aside(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_book(0)))
    (tmp_path / "spool" / f"{NAME}.book.parquet").unlink()
    assert [f"conflict/{NAME}.json"] == World(tmp_path).files()


def test_a_segment_that_was_cut_short_is_set_aside(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_book(0)))
    (tmp_path / "spool" / f"{NAME}.book.parquet").write_bytes(b"0 1")
    again = World(tmp_path)
    assert [f"conflict/{name}" for name in files_of(NAME)] == again.files()


def test_what_others_put_into_the_spool_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "notes.json").write_bytes(b"{}")
    assert ["conflict/notes.json"] == World(tmp_path).files()


# --- discard ---


def test_a_discard_leaves_how_far_the_session_is(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_book(0)))
    world.spool.discard(NAME)
    assert [] == world.files()
    assert 0 == world.spool.committed.waiting_bytes
    assert Known(10, ended=False) == known(World(tmp_path))


def test_the_session_is_written_before_the_manifest_goes_and_the_segments_go_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.spool.commit(make_run(make_book(0)))
    steps: list[str] = []
    replace = noted(steps, lambda _, path: f"write {Path(path).parent.name}", os.replace)
    unlink = noted(steps, lambda path: f"remove {Path(path).suffix}", os.unlink)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr(os, "fsync", noted(steps, sync_of, os.fsync))
    world.spool.discard(NAME)
    assert [
        "sync file",
        "write sessions",
        "sync folder",
        "remove .json",
        "sync folder",
        "remove .parquet",
    ] == steps


def test_a_discard_on_a_full_disk_gets_the_reserve(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.spool.commit(make_run(make_book(0)))

    def write(*arguments: Any) -> None:
        if (tmp_path / "spool" / "reserve").exists():
            disk_full()
        write_atomic(*arguments)

    monkeypatch.setattr("services.buffer_writer.sessions.write_atomic", write)
    world.spool.discard(NAME)
    assert 10 == known(World(tmp_path)).next


def test_what_is_set_aside_keeps_its_place_in_the_session(world: World, tmp_path: Path) -> None:
    world.spool.commit(make_run(make_book(0)))
    world.spool.set_aside(NAME, "the store has another")
    assert [f"conflict/{name}" for name in files_of(NAME)] == world.files()
    assert [] == world.spool.committed.names()
    assert 10 == known(World(tmp_path)).next


def test_what_is_set_aside_keeps_its_place_where_the_sessions_file_was_lost(
    world: World, tmp_path: Path
) -> None:
    world.spool.commit(make_run(make_book(0)))
    (tmp_path / "sessions" / f"{SESSION}.json").unlink()
    again = World(tmp_path)
    again.spool.set_aside(NAME, "the store has another")
    assert Known(10, ended=False, is_found=True) == known(World(tmp_path))
    assert 10 == again.spool.committed.reach(SESSION)


def test_the_manifest_is_the_last_to_be_set_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.spool.commit(make_run(make_book(0)))
    steps: list[str] = []
    replace = noted(steps, lambda _, path: f"move {Path(path).suffix}", os.replace)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "fsync", noted(steps, sync_of, os.fsync))
    world.spool.set_aside(NAME, "why")
    assert [
        "sync file",
        "move .json",  # the session's file
        "sync folder",
        "move .parquet",
        "sync folder",
        "move .json",
        "sync folder",
        "sync folder",
    ] == steps


def test_a_frame_is_set_aside_once_and_only_so_many(world: World) -> None:
    for number in range(FRAMES_ASIDE_MAX + 5):
        world.spool.set_frame_aside(b"%d" % number)
        world.spool.set_frame_aside(b"%d" % number)
    assert FRAMES_ASIDE_MAX == world.spool.count_conflicts() == len(world.files())


# --- a crash at each step ---


class Crash(BaseException):
    """The process ends here: nothing catches it."""


STEPS = ("replace", "unlink", "fsync", "mkdir", "link")


class Crashing:
    """Let the n-th of all steps that change the disk be the last, before or after it is done."""

    def __init__(self, patch: pytest.MonkeyPatch, last: int, *, is_done: bool) -> None:
        self.steps = 0
        self._last = last
        self._is_done = is_done
        for name in STEPS:
            patch.setattr(os, name, self._wrap(getattr(os, name)))

    def _wrap(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **keywords: Any) -> Any:
            self.steps += 1
            if self.steps > self._last or (self.steps == self._last and not self._is_done):
                raise Crash
            done = do(*arguments, **keywords)
            if self.steps == self._last:
                raise Crash
            return done

        return step


FRAMES = [
    make_book(0),
    make_book(10, 5),
    make_book(15, day=DAY + 1),
    make_end(25, day=DAY + 1),
]


def live(world: World) -> None:
    """Commit, upload and discard a whole session, beginning where the spool stands."""
    if not world.spool.committed.sessions():
        world.spool.committed.begin(SESSION, 0)
    for frame in FRAMES:
        if frame.first >= known(world).next:
            world.spool.commit(make_run(frame, ends_session=frame is FRAMES[-1]))
        if frame.first != 10:  # so that two wait at times
            world.upload()


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_crash_at_any_step_loses_and_doubles_nothing(tmp_path: Path, is_done: bool) -> None:  # noqa: FBT001
    last = 0
    while True:
        last += 1
        folder = tmp_path / f"{last}"
        world = World(folder)
        world.journal()
        store = world.store
        with pytest.MonkeyPatch.context() as patch:
            crashing = Crashing(patch, last, is_done=is_done)
            with suppress(Crash):
                live(world)
        again = World(folder, store=store)
        assert 0 == again.spool.count_conflicts()
        live(again)
        again.upload()
        assert list(range(26)) == stored(again)
        assert [] == again.files()
        if crashing.steps < last:
            break
    assert last > 40


def stored(world: World) -> list[int]:
    objects = world.store.objects  # type: ignore[attr-defined]
    numbers: list[int] = []
    for key, data in objects.items():
        if key.startswith("ledger/"):
            [entry] = decode_manifest(data).tables["book"]
            numbers += map(int, objects[entry.key].split())
    assert len([key for key in objects if key.startswith("tape/")]) == len(objects) // 2
    return sorted(numbers)


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_what_a_crash_stops_being_set_aside_is_never_deleted(tmp_path: Path, is_done: bool) -> None:  # noqa: FBT001
    last = 0
    while True:
        last += 1
        folder = tmp_path / f"{last}"
        world = World(folder)
        world.journal()
        world.spool.committed.begin(SESSION, 0)
        world.spool.commit(make_run(make_book(0)))
        with pytest.MonkeyPatch.context() as patch:
            crashing = Crashing(patch, last, is_done=is_done)
            with suppress(Crash):
                world.spool.set_aside(NAME, "why")
        aside = [f"conflict/{name}" for name in files_of(NAME)]
        assert World(folder).files() in (files_of(NAME), aside)
        if crashing.steps < last:
            break
    assert last > 7


def test_the_frames_of_the_crash_test_are_one_session() -> None:
    assert list(range(26)) == [number for frame in FRAMES for number in numbers_of(frame)]


@pytest.mark.parametrize("name", ["replace", "unlink", "fsync"])
def test_each_step_may_fail_once_and_loses_and_doubles_nothing(tmp_path: Path, name: str) -> None:
    nth = 0
    while True:
        nth += 1
        folder = tmp_path / f"{nth}"
        world = World(folder)
        world.journal()
        with pytest.MonkeyPatch.context() as patch:
            failing = Failing(patch, name, nth)
            for _ in range(3):
                try:
                    live(world)
                except OSError:
                    continue
        live(world)
        for _ in range(9):
            world.uploader.step()
        assert list(range(26)) == stored(world)
        assert [] == World(folder).files()
        if failing.calls < nth:
            break
    assert nth > 1


class Failing:
    """Let the n-th call of one function fail."""

    def __init__(self, patch: pytest.MonkeyPatch, name: str, nth: int) -> None:
        self.calls = 0
        do = getattr(os, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            self.calls += 1
            if self.calls == nth:
                broken_disk()
            return do(*arguments, **keywords)

        patch.setattr(os, name, call)
