"""One run: steps that a seed chooses, faults between any two boundaries, and calm at the end."""

import math
from pathlib import Path
from random import Random
from typing import Final

from booktape.manifest import decode_manifest
from tests.simulation.checks import journal_path
from tests.simulation.disk import PLENTY
from tests.simulation.fate import NEVER, Violation
from tests.simulation.machine import Machine
from tests.simulation.parquet import check_parquet
from tests.simulation.plan import Plan
from tests.simulation.processes import BufferWriter, Ingest
from tests.simulation.tree import File
from tests.simulation.truth import find_records, journal_files

STEPS: Final = 32
JOURNALS_EVERY: Final = 10  # steps
ROUNDS_MAX: Final = 100  # until all is stored, once nothing fails any more
ROUND_S: Final = 6.0
SOON: Final = 80  # boundaries, within which a fault comes


class World:
    """A machine, and what befalls it."""

    def __init__(self, root: Path, plan: Plan, random: Random) -> None:
        self.machine = Machine(root, plan, random)
        self._plan = plan
        self._random = random
        self._rotten: tuple[str, int, int] | None = None  # where, and what was there
        self._has_gone_back = False

    def run(self) -> None:
        """Live through all of it; raise `Violation` where a promise is broken."""
        machine, random = self.machine, self._random
        names, weights = list(self._plan.steps), list(self._plan.steps.values())
        with machine.installed():
            machine.install()
            self._arm()
            for line in machine.missing:
                machine.start(line)
            for number, name in enumerate(random.choices(names, weights, k=STEPS)):
                self._disarm()
                machine.clock.pass_s(random.choice((0.0, 0.02, 0.1, 0.25)))
                self._arm()
                getattr(self, f"_{name}")()
                machine.checks.check()
                machine.check_bounds()
                if number % JOURNALS_EVERY == 0:
                    machine.checks.check_journals()
            self._disarm()
            calm_down(machine, self._plan)

    def _arm(self) -> None:
        plan, random = self._plan, self._random
        if random.random() < plan.crashes:
            is_power_cut = random.random() < plan.power_cuts
            self.machine.fate.arm(self._soon(), is_power_cut=is_power_cut)
        if random.random() < plan.switches:
            self.machine.fate.switch(self._soon())
        if random.random() < plan.failures:
            self.machine.disk.fails_in = self._soon()

    def _disarm(self) -> None:
        self.machine.fate.disarm()
        self.machine.disk.fails_in = NEVER

    def _soon(self) -> int:
        """Return a number that is rather small than large."""
        return math.ceil(math.exp(self._random.uniform(0.0, math.log(SOON))))

    # --- what a step may be ---

    def _turn(self) -> None:
        turns = self.machine.turns()
        if turns:
            actor, turn = self._random.choice(turns)
            self.machine.note(f"{actor.key} {turn.__name__}")
            self.machine.enter(actor, turn)

    def _wait(self) -> None:
        self.machine.clock.pass_s(self._random.choice((1.0, 5.0, 15.0)))

    def _start(self) -> None:
        missing = self.machine.missing
        if missing:
            line = self._random.choice(missing)
            self.machine.note(f"start {line}")
            self.machine.start(line)

    def _stop(self) -> None:
        if self.machine.actors:
            actor = self._random.choice(list(self.machine.actors.values()))
            self.machine.note(f"stop {actor.key}")
            self.machine.stop(actor)

    def _lose_frames(self) -> None:
        self.machine.note("frames are lost")
        self.machine.network.lose_some()

    def _change_store(self) -> None:
        bucket, random = self.machine.bucket, self._random
        bucket.is_down = not bucket.is_down and random.random() < 0.5
        bucket.trouble = self._plan.trouble if random.random() < 0.7 else 0.0
        bucket.do_late()
        self.machine.note(f"the store: down {bucket.is_down}, trouble {bucket.trouble}")

    def _fill_disk(self) -> None:
        disk = self.machine.disk
        if disk.capacity < PLENTY:
            disk.capacity = PLENTY
        else:
            disk.capacity = disk.tree.used + self._random.choice((0, 100, 1000, 3000))
        self.machine.note(f"the disk has {disk.free} bytes free")

    def _set_clock(self) -> None:
        self.machine.clock.set_back_s(self._random.choice((-90_000.0, 1.0, 90_000.0)))

    def _rot(self) -> None:
        """Flip a byte of any record but the last, which tells where its session goes on.

        Nor may a power cut make it the last.
        """
        sessions = self.machine.truth.sessions
        if not sessions:
            return
        name = self._random.choice(list(sessions))
        folder = journal_path(name)
        found = [
            (f"{folder}/{path}", record)
            for path, file in journal_files(self.machine.disk.tree.folder(folder))
            for record in find_records(bytes(file.data))
            if record[2].last < sessions[name].synced
        ][:-1]
        if not found:
            return
        path, (start, end, frame) = self._random.choice(found)
        offset = self._random.randrange(start, end)
        self.machine.note(f"{path} rots at {offset}: {frame.first} to {frame.last}")
        file = self.machine.disk.tree.find(path)
        assert isinstance(file, File)
        self._rotten = path, offset, file.data[offset]
        self.machine.disk.damage(path, offset, self._random.randrange(256))
        sessions[name].is_damaged = True
        sessions[name].gone |= set(range(frame.first, frame.last + 1))

    def _heal(self) -> None:
        """Let a record that rotted read well again: it was the reading that failed."""
        if self._rotten is None:
            return
        path, offset, byte = self._rotten
        self._rotten = None
        file = self.machine.disk.tree.find(path)
        if isinstance(file, File) and offset < len(file.data):
            self.machine.note(f"{path} heals at {offset}")
            self.machine.disk.damage(path, offset, byte)

    def _go_back(self) -> None:
        """Keep a copy of the state; the second time, once a run, put it in the state's place."""
        if self.machine.has_copy:
            self.machine.go_back()
            self._has_gone_back = True
        elif not self._has_gone_back:
            self.machine.note("the state is copied")
            self.machine.copy_state()

    def _squat(self) -> None:
        """Put something of its own under the key of a segment that waits."""
        machine, random = self.machine, self._random
        spool = machine.disk.tree.folder("state/spool").entries
        names = [name for name, node in spool.items() if name.endswith(".json")]
        if self._plan.is_folder or not names:
            return
        node = spool[random.choice(names)]
        assert isinstance(node, File)
        tables = decode_manifest(bytes(node.data)).tables
        [entry] = tables[random.choice(list(tables))]
        machine.note(f"somebody puts {entry.key}")
        machine.bucket.squat(entry.key, bytes(entry.bytes if random.random() < 0.7 else 1))

    def _lose_session(self) -> None:
        """Lose what the writer knows of a session, while it is down."""
        machine = self.machine
        if BufferWriter.key in machine.actors:
            return
        names = [
            name.removesuffix(".json")
            for name in machine.disk.tree.folder("state/sessions").entries
            if name.endswith(".json")
        ]
        names = [name for name in names if not machine.truth.sessions[name].gone]
        if names:
            name = self._random.choice(names)
            machine.note(f"the file of {name} is lost")
            machine.disk.remove(f"state/sessions/{name}.json")


def calm_down(machine: Machine, plan: Plan) -> None:
    """Let nothing fail any more and everything end; raise `Violation` unless all is stored."""
    machine.note("calm")
    machine.bucket.is_down, machine.bucket.trouble = False, 0.0
    machine.bucket.do_late()
    machine.disk.capacity = PLENTY
    machine.checks.check_journals()
    for line in machine.missing:
        machine.start(line)
    ingests = [actor for actor in machine.actors.values() if isinstance(actor, Ingest)]
    writer = machine.actors[BufferWriter.key]
    assert isinstance(writer, BufferWriter)
    for ingest in ingests:
        machine.enter(ingest, ingest.end)
    _drain(machine, ingests, writer)
    for ingest in ingests:
        machine.end(ingest, ingest.close)
    machine.stop(writer)
    machine.start(None)  # it removes what a discard could not
    machine.stop(machine.actors[BufferWriter.key])
    machine.checks.check_drained()
    if plan.is_parquet:
        check_parquet(machine.store, machine.checks.objects, machine.truth)
    else:
        machine.checks.check_tape()


def _drain(machine: Machine, ingests: list[Ingest], writer: BufferWriter) -> None:
    for number in range(ROUNDS_MAX):
        machine.clock.pass_s(ROUND_S)
        for ingest in ingests:
            if number % 4 == 0:
                machine.enter(ingest, ingest.adopt)
            machine.enter(ingest, ingest.send)
        machine.enter(writer, writer.tick)
        machine.enter(writer, writer.upload_all)
        machine.checks.check()
        if _is_drained(machine):
            return
    raise Violation(f"it does not drain in {ROUNDS_MAX * ROUND_S:g} s")


def _is_drained(machine: Machine) -> bool:
    """Say whether nothing waits; what could not be removed may be left for the next start."""
    tree = machine.disk.tree
    waits = any(name.endswith(".json") for name in tree.folder("state/spool").entries)
    journals = (path for path, _ in tree.files(tree.folder("state/journal")))
    sessions = tree.folder("state/sessions").entries
    return not (waits or sessions or any(".removed/" not in path for path in journals))
