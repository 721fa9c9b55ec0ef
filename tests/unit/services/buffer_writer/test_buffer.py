import pytest

from services.buffer_writer import buffer as buffers
from services.buffer_writer.buffer import FRAME_OBJECT_BYTES, Buffer
from services.buffer_writer.events import BadFrame
from shared.delivery.frame import Frame
from tests.support.writing import DAY, OTHER, SESSION, damage, make_book, make_end


def spans(buffer: Buffer) -> list[tuple[str, int, int, int]]:
    found = []
    while run := buffer.oldest():
        assert run is buffer.take()
        found.append((run.session, run.day, run.first, run.last))
    return found


def fill(*frames_and_resumes: object) -> Buffer:
    buffer = Buffer()
    for frame in frames_and_resumes:
        buffer.append(frame)  # type: ignore[arg-type]
    return buffer


def test_frames_that_continue_are_one_run() -> None:
    buffer = fill(make_book(0), make_book(10), make_book(20))
    assert [(SESSION, DAY, 0, 29)] == spans(buffer)


def test_sessions_are_runs_of_their_own_however_they_mix() -> None:
    buffer = fill(make_book(0), make_book(0, session=OTHER), make_book(10))
    assert [(SESSION, DAY, 0, 19), (OTHER, DAY, 0, 9)] == spans(buffer)


def test_a_run_ends_at_midnight() -> None:
    buffer = fill(make_book(0), make_book(10, day=DAY + 1), make_book(20, day=DAY + 1))
    assert [(SESSION, DAY, 0, 9), (SESSION, DAY + 1, 10, 29)] == spans(buffer)


def test_a_run_ends_at_a_hole() -> None:
    buffer = fill(make_book(0))
    buffer.append(make_end(10), resumes_at=50)
    buffer.append(make_book(50))
    run = buffer.oldest()
    assert run is not None
    assert 50 == run.resumes_at
    assert [(SESSION, DAY, 0, 10), (SESSION, DAY, 50, 59)] == spans(buffer)


def test_what_follows_a_run_is_its_last_number_and_one() -> None:
    run = fill(make_book(0), make_book(10)).oldest()
    assert run is not None
    assert 20 == run.resumes_at


def test_rows_and_bytes_are_those_of_the_frames_in_it() -> None:
    frames = [make_book(0), make_book(0, 4, session=OTHER)]
    buffer = fill(*frames)
    assert 14 == buffer.rows
    sizes = [len(frame.events) + FRAME_OBJECT_BYTES for frame in frames]
    assert sum(sizes) == buffer.bytes
    buffer.take()
    assert (4, sizes[1]) == (buffer.rows, buffer.bytes)
    buffer.take()
    assert (0, 0) == (buffer.rows, buffer.bytes)
    assert buffer.is_empty


def test_a_cut_removes_the_frames_of_one_session_from_a_number_on() -> None:
    buffer = fill(make_book(0), make_book(0, session=OTHER), make_book(10), make_book(20))
    buffer.append(make_end(30, day=DAY + 1), ends_session=True)
    buffer.cut_session(SESSION, 20)
    assert 30 == buffer.rows
    run = buffer.oldest()
    assert run is not None
    assert (20, False) == (run.resumes_at, run.ends_session)
    assert [(SESSION, DAY, 0, 19), (OTHER, DAY, 0, 9)] == spans(buffer)
    assert (0, 0) == (buffer.rows, buffer.bytes)


def test_a_cut_before_all_of_it_leaves_nothing() -> None:
    buffer = fill(make_book(10), make_book(20))
    buffer.cut_session(SESSION, 10)
    assert buffer.is_empty
    assert (0, 0) == (buffer.rows, buffer.bytes)


def test_a_run_that_a_session_ended_in_says_so() -> None:
    buffer = fill(make_book(0))
    buffer.append(make_end(10), ends_session=True)
    run = buffer.oldest()
    assert run is not None
    assert run.ends_session


# --- packing ---


def pack(*frames: Frame) -> Buffer:
    """Return a buffer that has packed each frame as it came."""
    buffer = Buffer()
    for frame in frames:
        buffer.append(frame)
        buffer.pack()
    return buffer


def test_it_is_loose_until_it_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "PACK_ROWS", 20)
    buffer = Buffer()
    seen = []
    for frame in map(make_book, (0, 10)):
        buffer.append(frame)
        seen.append(buffer.is_loose)
    buffer.pack()
    assert [False, True, False] == [*seen, buffer.is_loose]


def test_packed_frames_count_as_they_did() -> None:
    frames = [make_book(0), make_book(10), make_book(0, 4, session=OTHER)]
    buffer, loose = pack(*frames), fill(*frames)
    assert (loose.rows, loose.bytes) == (buffer.rows, buffer.bytes)
    run = buffer.oldest()
    assert run is not None
    assert [] == run.frames
    assert (20, True) == (run.rows, run.is_live)
    assert spans(loose) == spans(buffer)
    assert (0, 0) == (buffer.rows, buffer.bytes)


def test_frames_follow_packed_ones() -> None:
    buffer = pack(make_book(0), make_book(10))
    buffer.append(make_book(20))
    assert [(SESSION, DAY, 0, 29)] == spans(buffer)


def test_full_frames_are_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "LIVE_FRAME_ROWS", 9)
    run = pack(make_book(0)).oldest()
    assert run is not None
    assert (1, True, False) == (len(run.frames), run.packed.is_empty, run.is_live)


def test_a_frame_that_contradicts_itself_stays_with_those_that_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(buffers, "PACK_ROWS", 20)
    buffer = fill(*map(make_book, (0, 10, 20)), damage(make_book(30)), make_book(40))
    with pytest.raises(BadFrame, match="frame 30 to 39"):
        buffer.pack()
    run = buffer.oldest()
    assert run is not None
    assert (0, 19) == (run.packed.first, run.packed.last)
    assert [20, 30, 40] == [frame.first for frame in run.frames]


def test_a_cut_leaves_what_was_packed_before() -> None:
    buffer = pack(make_book(0))
    buffer.append(make_book(10))
    buffer.append(make_book(20))
    buffer.cut_session(SESSION, 20)
    assert 20 == buffer.rows
    assert [(SESSION, DAY, 0, 19)] == spans(buffer)
    assert (0, 0) == (buffer.rows, buffer.bytes)


def test_a_cut_removes_packed_runs_that_follow() -> None:
    buffer = fill(make_book(0), make_book(10))
    buffer.append(make_book(20, day=DAY + 1))
    newest = buffer._runs[-1]
    newest.pack()
    buffer.cut_session(SESSION, 10)
    assert 10 == buffer.rows
    assert [(SESSION, DAY, 0, 9)] == spans(buffer)
    assert (0, 0) == (buffer.rows, buffer.bytes)
