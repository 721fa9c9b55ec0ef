"""One short walk that meets a fault at its 1st, 2nd, 3rd ... boundary until it runs through.

Beside what chance finds: no boundary of a start, a flush, an upload, an adoption is left out.
"""

from collections.abc import Iterator
from enum import Enum
from random import Random
from typing import Final

from tests.simulation.campaign import Outcome, scratch, undisturbed
from tests.simulation.checks import journal_path
from tests.simulation.fate import NEVER
from tests.simulation.machine import Machine
from tests.simulation.plan import Line, Plan
from tests.simulation.tree import File
from tests.simulation.truth import find_records, journal_files
from tests.simulation.world import calm_down

INGEST: Final[Line] = ("toy", "a")
# What each process does, one after another; a process that is not there is started first.
TURNS: Final = (
    (INGEST, "record"),
    (INGEST, "send"),
    (INGEST, "record"),
    (INGEST, "send"),
    (None, "tick"),
    (None, "upload"),
    (INGEST, "send"),
    (INGEST, "stop"),
    (INGEST, "send"),
    (None, "tick"),
    (INGEST, "send"),
    (None, "upload"),
    (None, "tick"),
)
# Then the first session is removed and forgotten.
END: Final = (*((INGEST, "send"), (None, "tick"), (None, "upload")) * 4, (None, "tick"))
ROT_TURN: Final = 6  # all is synced by then, and nothing of it sent
TURN_S: Final = 2.5  # all that is due with time is due in each turn
SOON: Final = 4  # turns, that of the kill being the first: what is made anew is synced by then
BOUNDARIES_MAX: Final = 2000
UNDOING_MAX: Final = 7  # boundaries of what undoes a commit, and names that are not certain then
SPOOL: Final = "state/spool"


class Kind(Enum):
    """What happens at the boundary."""

    KILL = "a process is killed"
    POWER_CUT = "the power is cut"
    POWER_CUT_NEWEST = "the power is cut, and of new names the last file's alone are kept"
    KILL_AND_POWER_CUT = "a process is killed, and at the end of the walk the power is cut"
    KILL_AND_POWER_CUT_SOON = "a process is killed, and a few turns later the power is cut"
    KILL_UPLOAD_AND_POWER_CUT = "a process is killed, what waits is uploaded, and the power is cut"
    KILL_UPLOAD_AND_LOSE = "a process is killed, what waits is uploaded, and what is known is lost"
    FAILURE = "a call to the disk fails"
    FAILURE_AND_KILL = "a call to the disk fails, and all is killed"
    FAILURE_AND_POWER_CUT = "a call to the disk fails, and the power is cut"
    KILL_AND_HEAL = "a record cannot be read, a process is killed, and it can be read again"
    POWER_CUT_AT_END = "the power is cut when all is stored and forgotten"


FAILING: Final = {Kind.FAILURE, Kind.FAILURE_AND_KILL, Kind.FAILURE_AND_POWER_CUT}
UPLOADING: Final = {Kind.KILL_UPLOAD_AND_POWER_CUT, Kind.KILL_UPLOAD_AND_LOSE}


def walk_until_through(kind: Kind, *, is_folder: bool, chance: int) -> Outcome | None:
    """Walk again and again; return the first walk that broke a promise.

    `chance` decides what a power cut leaves, and what is recorded.
    """
    plan = Plan(is_folder=is_folder, recuts=kind is Kind.KILL_AND_HEAL)
    with undisturbed():
        for boundary in range(1, BOUNDARIES_MAX):
            with scratch() as root:
                machine = Machine(root, plan, Random(chance))
                try:
                    with machine.installed():
                        was_met = _walk(machine, boundary, kind)
                        calm_down(machine, plan)
                except Exception as error:  # noqa: BLE001 (an assertion of the code fails too)
                    what = f"{type(error).__name__}: {error}"
                    return Outcome(boundary, machine.trace, f"{kind.value}: {what}")
            if not was_met:
                return None
    raise AssertionError(f"it goes on behind {BOUNDARIES_MAX} boundaries")


def walk_amid_undoing() -> Outcome | None:
    """Let each sync of the spool fail, and the process end at each boundary of what undoes it.

    It is killed; or the power is cut, and of what is not certain one name after the other is lost.
    Return the first walk that broke a promise.
    """
    with undisturbed():
        for boundary in range(1, BOUNDARIES_MAX):
            with scratch() as root:
                machine = Machine(root, Plan(), Random(1))
                with machine.installed():
                    if not _walk(machine, boundary, Kind.FAILURE):
                        return None
                    if machine.disk.failed is not machine.disk.tree.find(SPOOL):
                        continue
            for steps in range(1, UNDOING_MAX + 1):
                for lost in (None, *range(UNDOING_MAX)):
                    outcome = _walk_amid_undoing(boundary, steps, lost)
                    if outcome:
                        return outcome
    raise AssertionError(f"it goes on behind {BOUNDARIES_MAX} boundaries")


def _walk_amid_undoing(boundary: int, steps: int, lost: int | None) -> Outcome | None:
    with scratch() as root:
        machine = Machine(root, Plan(), Random(1))
        machine.disk.tree.lost = lost
        machine.disk.on_failure = lambda: machine.fate.arm(steps, is_power_cut=lost is not None)
        try:
            with machine.installed():
                _walk(machine, boundary, Kind.FAILURE)
                calm_down(machine, Plan())
        except Exception as error:  # noqa: BLE001 (an assertion of the code fails too)
            what = f"{type(error).__name__}: {error}"
            return Outcome(boundary, machine.trace, f"amid undoing a commit: {what}")
    return None


def walk_all() -> Iterator[Outcome]:
    """Do every walk; yield the first that failed of each kind."""
    outcome = walk_amid_undoing()
    if outcome:
        yield outcome
    for kind in Kind:
        for is_folder in (False, True):
            outcome = walk_until_through(kind, is_folder=is_folder, chance=1)
            if outcome:
                yield outcome


def _walk(machine: Machine, boundary: int, kind: Kind) -> bool:
    """Return whether it came to the boundary."""
    machine.install()
    _arm(machine, boundary, kind)
    if kind is Kind.KILL_AND_HEAL:
        return _walk_and_heal(machine, boundary)
    turns_left = SOON
    for line, name in (*TURNS, *END) if kind in UPLOADING else TURNS:
        _take_turn(machine, line, name)
        machine.checks.check()
        if kind in FAILING and machine.disk.is_sound and turns_left == SOON:
            turns_left = 0
            _follow_failure(machine, kind)
        turns_left -= not machine.fate.is_armed
        if kind is Kind.KILL_AND_POWER_CUT_SOON and not turns_left:
            machine.black_out()
        if kind in UPLOADING and turns_left == SOON - 1:
            turns_left = 0
            _take_turn(machine, None, "upload_all")
            if kind is Kind.KILL_UPLOAD_AND_POWER_CUT:
                machine.black_out()
            else:
                machine.lose_sessions()
    if kind is Kind.POWER_CUT_AT_END:
        return _cut_at_end(machine, boundary)
    was_met = not machine.fate.is_armed and machine.disk.is_sound
    machine.fate.disarm()
    machine.disk.fails_in = NEVER
    if kind is Kind.KILL_AND_POWER_CUT:
        machine.black_out()
    return was_met


def _walk_and_heal(machine: Machine, boundary: int) -> bool:
    """Do not let a record be read until a process was killed, at a boundary behind that."""
    machine.fate.disarm()
    rotten = None
    for number, (line, name) in enumerate((*TURNS, *END)):
        if number == ROT_TURN:
            rotten = _rot(machine)
            machine.fate.arm(boundary, is_power_cut=False)
        _take_turn(machine, line, name)
        machine.checks.check()
        if rotten and not machine.fate.is_armed:
            if machine.disk.tree.find(rotten[0]):
                machine.disk.damage(*rotten)
            rotten = None
    was_met = not machine.fate.is_armed
    machine.fate.disarm()
    return was_met


def _rot(machine: Machine) -> tuple[str, int, int]:
    """Let a record in the midst of the journal rot; return how to heal it."""
    [name] = machine.truth.sessions
    session = machine.truth.sessions[name]
    folder = journal_path(name)
    found = [
        (f"{folder}/{path}", record)
        for path, file in journal_files(machine.disk.tree.folder(folder))
        for record in find_records(bytes(file.data))
    ]
    path, (start, _, frame) = found[len(found) // 2 - 1]
    assert frame.last < session.synced
    file = machine.disk.tree.find(path)
    assert isinstance(file, File)
    byte = file.data[start]
    machine.note(f"{path} rots at {start}: {frame.first} to {frame.last}")
    machine.disk.damage(path, start, byte ^ 1)
    session.is_damaged = True
    session.gone |= set(range(frame.first, frame.last + 1))
    return path, start, byte


def _arm(machine: Machine, boundary: int, kind: Kind) -> None:
    if kind in FAILING:
        machine.disk.fails_in = boundary
    elif kind is not Kind.POWER_CUT_AT_END:
        is_power_cut = kind in {Kind.POWER_CUT, Kind.POWER_CUT_NEWEST}
        machine.fate.arm(boundary, is_power_cut=is_power_cut)
    if kind is Kind.POWER_CUT_NEWEST:
        machine.disk.tree.newest_kept = 2  # it was made under one name, and has another one
    elif kind is Kind.KILL_UPLOAD_AND_POWER_CUT:
        machine.disk.tree.newest_kept = 0


def _follow_failure(machine: Machine, kind: Kind) -> None:
    """Let the processes of a machine end whose disk has failed once."""
    if kind is Kind.FAILURE_AND_KILL:
        for actor in list(machine.actors.values()):
            machine.bury(actor)
    elif kind is Kind.FAILURE_AND_POWER_CUT:
        machine.disk.tree.newest_kept = 1
        machine.black_out()


def _cut_at_end(machine: Machine, newest: int) -> bool:
    """Cut the power when the session is forgotten; keep so many of the uncertain names alone.

    Return whether there were more of them.
    """
    for line, name in END:
        _take_turn(machine, line, name)
        machine.checks.check()
    count = machine.disk.tree.uncertain
    machine.disk.tree.newest_kept = min(newest, count)
    machine.black_out()
    machine.disk.tree.newest_kept = None
    return newest < count


def _take_turn(machine: Machine, line: Line | None, name: str) -> None:
    machine.clock.pass_s(TURN_S)
    key = "-".join(line) if line else "writer"
    machine.note(f"{key} {name}")
    if key not in machine.actors:
        machine.start(line)
    actor = machine.actors.get(key)
    if actor is not None and name == "stop":
        machine.stop(actor)
    elif actor is not None:
        machine.enter(actor, getattr(actor, name))
