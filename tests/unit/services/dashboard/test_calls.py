"""When somebody is called."""

from services.dashboard.calls import REASONS_MAX, Calls, Notice
from services.dashboard.sight import Complaint

DISK = Complaint("feed-disk-full", "the disk is full", "make room", "ingest_a-a", "a")
LATE = Complaint("upload-late", "a flush waits for 11 min", "look")


class World:
    """Calls, a clock, and whoever notes each call."""

    def __init__(self, *, after_s: float = 60.0, repeat_s: float = 600.0) -> None:
        self.calls = Calls(after_s=after_s, repeat_s=repeat_s)
        self.now_s = 0.0

    def look(self, *complaints: Complaint, at: float, notes: bool = True) -> str | None:
        """Return whether one is due: "over", or the codes that stand."""
        call = self.calls.look(complaints, at)
        if call is None:
            return None
        if notes:
            self.calls.note_told(call, at)
        return "over" if call.ok else " ".join(sorted(each.code for each in call.standing))


def test_a_trouble_is_told_once_it_has_stood() -> None:
    world = World()
    said = [world.look(DISK, at=at) for at in (0, 30, 59, 60, 61, 90)]
    assert [None, None, None, DISK.code, None, None] == said


def test_what_is_over_before_it_has_stood_is_told_to_nobody() -> None:
    world = World()
    said = [world.look(DISK, at=0), world.look(at=30), world.look(at=100), world.look(DISK, at=101)]
    assert [None] * 4 == said
    assert world.look(DISK, at=150) is None


def test_the_end_is_told_once() -> None:
    world = World()
    world.look(DISK, at=0)
    assert DISK.code == world.look(DISK, at=60)
    assert [None, None, "over", None] == [world.look(at=at) for at in (61, 120, 121, 200)]
    assert [None, DISK.code] == [world.look(DISK, at=at) for at in (300, 360)]


def test_a_trouble_that_comes_and_goes_is_one() -> None:
    world = World()
    world.look(DISK, at=0)
    world.look(DISK, at=60)
    said = [world.look(*([DISK] if at % 20 else []), at=at) for at in range(70, 400, 10)]
    assert {None} == set(said)


def test_its_words_may_change() -> None:
    world = World()
    world.look(LATE, at=0)
    newer = Complaint(LATE.code, "a flush waits for 12 min", LATE.remedy)
    call = world.calls.look([newer], 60)
    assert call is not None
    assert [newer] == call.standing


def test_another_one_is_told_with_those_that_stand() -> None:
    world = World()
    world.look(DISK, at=0)
    world.look(DISK, at=60)
    assert world.look(DISK, LATE, at=100) is None
    assert f"{DISK.code} {LATE.code}" == world.look(DISK, LATE, at=160)
    # One of two is over: nothing is well yet, and nothing is new.
    assert [None, None] == [world.look(LATE, at=at) for at in (200, 300)]
    assert "over" == world.look(at=400)


def test_what_is_not_over_is_repeated() -> None:
    world = World(repeat_s=600)
    said = [world.look(DISK, at=at) for at in (0, 60, 600, 659, 660, 700, 1260)]
    assert [None, DISK.code, None, None, DISK.code, None, DISK.code] == said


def test_what_nobody_noted_stays_due() -> None:
    world = World()
    world.look(DISK, at=0)
    assert [DISK.code] * 2 == [world.look(DISK, at=at, notes=False) for at in (60, 61)]
    assert world.look(at=200) is None  # nobody knew of it


def test_what_perhaps_came_through_is_told_anew_and_its_end_too() -> None:
    world = World()
    world.look(DISK, at=0)
    call = world.calls.look([DISK], 60)
    assert call is not None
    world.calls.note_told(call, 60, is_unsure=True)
    assert DISK.code == world.look(DISK, at=61, notes=False)
    assert "over" == world.look(at=200)
    assert world.look(at=201) is None


def test_without_a_wait_it_is_told_at_once() -> None:
    world = World(after_s=0)
    assert DISK.code == world.look(DISK, at=5)
    assert "over" == world.look(at=6)


def test_a_person_reads_what_and_what_to_do() -> None:
    call = Notice(ok=False, standing=[DISK, LATE], over=[], keys=frozenset())
    assert (
        "booktape on box: 2 not well\n"
        "- the disk is full; make room\n"
        "- a flush waits for 11 min; look"
    ) == call.describe("box")
    over = Notice(ok=True, standing=[], over=[DISK], keys=frozenset())
    text = "booktape on box: all well again. It was:\n- the disk is full; make room"
    assert text == over.describe("box")
    many = Notice(ok=False, standing=[DISK] * (REASONS_MAX + 2), over=[], keys=frozenset())
    assert many.describe("box").endswith("\n- and 2 more")
