"""One run: a machine and a store, steps that a seed chooses, and faults between any two of them."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

from services.buffer_writer.segment import write_segments
from shared import ingest as ingest_module
from shared import journal as journal_module
from shared import recorder as recorder_module
from shared import sender as sender_module
from shared import store_s3
from shared.errors import BooktapeError
from shared.frame import Frame
from shared.journal import Journal
from shared.settings import WriterSettings
from shared.store import FolderStore, Store
from tests.simulation.bucket import Bucket
from tests.simulation.checks import Checks, journal_path
from tests.simulation.clock import Clock
from tests.simulation.disk import PLENTY, Disk
from tests.simulation.fate import NEVER, Fate, Killed, PowerCut, Violation
from tests.simulation.feed import Feed
from tests.simulation.pipe import Network
from tests.simulation.processes import BufferWriter, Ingest
from tests.simulation.rows import write_plain
from tests.simulation.truth import Truth, find_records, journal_files

STEPS: Final = 60
ROUNDS_MAX: Final = 200  # until all is stored, once nothing fails any more
DEPTH_MAX: Final = 2  # threads that one turn may be interrupted by
Actor = Ingest | BufferWriter


class World:
    """A machine with its processes, and what may befall them."""

    def __init__(self, root: Path, seed: int, *, is_parquet: bool) -> None:
        self.random = random = Random(seed)
        self.trace: list[str] = []
        self.clock = Clock()
        self.fate = Fate()
        self.fate.interleave = self._interleave
        self.disk = Disk(root, self.fate)
        self.truth = Truth()
        self.bucket = Bucket(self.fate, random)
        self.checks = Checks(self.disk.tree, self.bucket, self.truth, is_plain=not is_parquet)
        self.network = Network(
            self.fate, random, frames_max=random.choice((3, 8, 30)), on_send=self.truth.check_sent
        )
        self.settings = WriterSettings(
            flush_interval_s=random.choice((2.0, 20.0)),
            flush_rows=random.choice((10, 40, 1000)),
            flush_bytes=random.choice((4_000, 1 << 20)),
        )
        self._root = root
        self._state = root / "state"
        self._is_parquet = is_parquet
        self._is_folder = random.random() < 0.3
        self._lines = random.choice(
            (
                [("toy", "a")],
                [("toy", "a")],
                [("toy", "a"), ("toy", "b")],
                [("toy", "a"), ("other", "a")],
            )
        )
        self._numbers = count(1)
        self._actors: dict[str, Actor] = {}
        self._running: list[tuple[Actor, Callable[[], Any]]] = []
        self._crashes = random.choice((0.0, 0.05, 0.15, 0.3))
        self._power_cuts = random.choice((0.0, 0.3, 0.7))
        self._switches = random.choice((0.0, 0.1, 0.4))
        self._failures = random.choice((0.0, 0.0, 0.03, 0.1))
        self._trouble = random.choice((0.0, 0.0, 0.1, 0.4))
        self._weights = {
            self._turn: 20.0,
            self._wait: 2.0,
            self._start_one: 3.0,
            self._stop_one: 0.3,
            self._lose_frames: random.choice((0.0, 1.0)),
            self._toggle_store: random.choice((0.0, 1.0)),
            self._toggle_room: random.choice((0.0, 0.0, 0.5)),
            self._rot: random.choice((0.0, 0.0, 0.0, 0.5)),
            self._lose_session: random.choice((0.0, 0.0, 0.0, 0.3)),
            self._set_clock: random.choice((0.0, 0.0, 0.1)),
        }

    def run(self) -> None:
        """Live through all of it; raise `Violation` where a promise is broken."""
        with self._installed():
            self._make_state()
            self._arm()
            self._start_all()
            self._disarm()
            actions, weights = list(self._weights), list(self._weights.values())
            for _ in range(STEPS):
                self.clock.pass_s(self.random.choice((0.0, 0.02, 0.1, 0.25)))
                action = self.random.choices(actions, weights)[0]
                self._arm()
                action()
                self._disarm()
                self.checks.check()
            self._calm_down()

    # --- the machine ---

    @contextmanager
    def _installed(self) -> Iterator[None]:
        """Replace the disk, the clock and the bounds that only much data would reach."""
        truth = self.truth
        append, sync = Journal.append, Journal.sync

        def append_and_note(journal: Journal, frame: Frame) -> None:
            truth.append(frame)
            append(journal, frame)
            truth.keep(frame)

        def sync_and_note(journal: Journal) -> None:
            sync(journal)
            truth.sync(journal)

        with ExitStack() as stack:
            for owner, name, value in (
                (Journal, "append", append_and_note),
                (Journal, "sync", sync_and_note),
                (journal_module, "JOURNAL_FILE_BYTES_MAX", self.random.choice((500, 2000))),
                (recorder_module, "FRAME_BYTES_MAX", 300),
                (sender_module, "FRAMES_PER_STEP_MAX", self.random.choice((3, 100))),
                (sender_module, "time", self.clock),
                (ingest_module, "time", self.clock),
                (store_s3, "MULTIPART_BYTES_MIN", self.random.choice((600, 1 << 20))),
                (store_s3, "PART_BYTES", 300),
            ):
                stack.enter_context(patch.object(owner, name, value))
            stack.enter_context(self.disk.installed())
            yield

    def _make_state(self) -> None:
        for path in (self._state, self._root / "data"):
            path.mkdir()
        self.disk.tree.sync(self.disk.tree.root)

    def _make_store(self) -> Store:
        if self._is_folder:
            return FolderStore(self._root / "data")
        return store_s3.S3Store("bucket", "", connect=lambda: self.bucket)

    def _start_all(self) -> None:
        for key in self._missing():
            self._start(key)

    def _missing(self) -> list[tuple[str, str] | None]:
        """Return what does not run: lines, and `None` for the writer."""
        lines: list[tuple[str, str] | None] = [
            line for line in self._lines if "-".join(line) not in self._actors
        ]
        return lines if BufferWriter.key in self._actors else [None, *lines]

    def _start(self, line: tuple[str, str] | None) -> None:
        if line is None:
            writer = BufferWriter(self._state)
            self._enter(writer, lambda: self._start_writer(writer))
        else:
            ingest = Ingest(self._state, *line)
            feed = Feed(self.random, self._numbers)
            call = lambda: ingest.start(self.clock, self.network, feed, self.random)  # noqa: E731
            self._enter(ingest, call)

    def _start_writer(self, writer: BufferWriter) -> None:
        writer.start(
            self.clock,
            self.network,
            self.random,
            self._make_store(),
            self.settings,
            run_id=f"run {next(self._numbers)}",
            write_segments=write_segments if self._is_parquet else write_plain,
            disk_free=lambda: self.disk.free,
        )

    # --- a turn of a thread ---

    def _enter(self, actor: Actor, call: Callable[[], Any]) -> None:
        """Let a process run; it may die of that."""
        outer = self.fate.process
        is_own = any(actor is other for other, _ in self._running)
        self._actors[actor.key] = actor
        self._running.append((actor, call))
        self.fate.process = actor.process
        try:
            call()
        except Killed as death:
            if is_own or death.args != (actor.process,):
                raise
            self._note(f"{actor.key} is killed")
            self._bury(actor)
        except PowerCut:
            if outer is not None:
                raise
            self._black_out()
        except (OSError, BooktapeError) as error:
            self._note(f"{actor.key} ends: {error!r}")
            actor.process.is_dead = True
            if is_own:
                raise Killed(actor.process) from None
            self._bury(actor)
        finally:
            self._running.pop()
            self.fate.process = outer

    def _interleave(self) -> None:
        """Let another thread have its turn, in the midst of this one's."""
        if len(self._running) > DEPTH_MAX:
            return
        top = self._running[-1][0]
        busy = [actor for actor, _ in self._running]
        turns = [
            (actor, thread)
            for actor in self._actors.values()
            if actor not in busy or (actor is top and not actor.is_locked)
            for thread in actor.threads
            if (actor, thread) not in self._running
        ]
        if turns:
            actor, thread = self.random.choice(turns)
            self._note(f"meanwhile {actor.key} {thread.__name__}")
            self._enter(actor, thread)

    def _bury(self, actor: Actor) -> None:
        actor.process.is_dead = True
        self.disk.hang_up(actor.process)
        if isinstance(actor, BufferWriter):
            self.network.lose_received()
        self.network.forget(actor.process)
        del self._actors[actor.key]

    def _black_out(self) -> None:
        self._note("power cut")
        for actor in list(self._actors.values()):
            self._bury(actor)
        self.network.clear()
        self.disk.lose(self.random)
        self.checks.cut()

    def _arm(self) -> None:
        random = self.random
        if random.random() < self._crashes:
            is_power_cut = random.random() < self._power_cuts
            self.fate.arm(self._soon(), is_power_cut=is_power_cut)
        if random.random() < self._switches:
            self.fate.switch(self._soon())
        if random.random() < self._failures:
            self.disk.fails_in = self._soon()

    def _disarm(self) -> None:
        self.fate.disarm()
        self.disk.fails_in = NEVER

    def _soon(self) -> int:
        """Return a number that is rather small than large."""
        return math.ceil(math.exp(self.random.uniform(0.0, math.log(80))))

    def _note(self, text: str) -> None:
        self.trace.append(f"{self.clock.s():.2f} {text}")

    # --- what a step may be ---

    def _turn(self) -> None:
        turns = [(actor, thread) for actor in self._actors.values() for thread in actor.threads]
        if turns:
            actor, thread = self.random.choice(turns)
            self._note(f"{actor.key} {thread.__name__}")
            self._enter(actor, thread)

    def _wait(self) -> None:
        self.clock.pass_s(self.random.choice((1.0, 5.0, 15.0)))

    def _start_one(self) -> None:
        missing = self._missing()
        if missing:
            line = self.random.choice(missing)
            self._note(f"start {line}")
            self._start(line)

    def _stop_one(self) -> None:
        if self._actors:
            actor = self.random.choice(list(self._actors.values()))
            self._note(f"stop {actor.key}")
            self._stop(actor)

    def _stop(self, actor: Actor) -> None:
        self._enter(actor, actor.stop)
        if not actor.process.is_dead:
            self._bury(actor)

    def _lose_frames(self) -> None:
        self._note("frames are lost")
        self.network.lose_some()

    def _toggle_store(self) -> None:
        random = self.random
        self.bucket.is_down = not self.bucket.is_down and random.random() < 0.5
        self.bucket.trouble = self._trouble if random.random() < 0.7 else 0.0
        self.bucket.do_late()
        self._note(f"the store: down {self.bucket.is_down}, trouble {self.bucket.trouble}")

    def _toggle_room(self) -> None:
        disk = self.disk
        if disk.capacity < PLENTY:
            disk.capacity = PLENTY
        else:
            disk.capacity = disk.tree.used + self.random.choice((0, 100, 1000, 3000))
        self._note(f"the disk has {disk.free} bytes free")

    def _set_clock(self) -> None:
        self.clock.set_back_s(self.random.choice((-90_000.0, 1.0, 90_000.0)))

    def _rot(self) -> None:
        """Flip a byte of any record but the last, which tells where its session goes on.

        Nor may a power cut make it the last.
        """
        if not self.truth.sessions:
            return
        name = self.random.choice(list(self.truth.sessions))
        files = journal_files(self.disk.tree.folder(journal_path(name)))
        synced = self.truth.sessions[name].synced
        found = [
            (path, record)
            for path, file in files
            for record in find_records(bytes(file.data))
            if record[2].last < synced
        ][:-1]
        if not found:
            return
        path, (start, end, frame) = self.random.choice(found)
        path = f"{journal_path(name)}/{path}"
        offset = self.random.randrange(start, end)
        self._note(f"{path} rots at {offset}: {frame.first} to {frame.last}")
        self.disk.damage(path, offset, self.random.randrange(256))
        self.truth.sessions[name].gone |= set(range(frame.first, frame.last + 1))

    def _lose_session(self) -> None:
        """Lose what the writer knows of a session, while it is down."""
        if BufferWriter.key in self._actors:
            return
        names = [
            path.removesuffix(".json")
            for path in self.disk.tree.folder("state/sessions").entries
            if path.endswith(".json")
        ]
        names = [name for name in names if not self.truth.sessions[name].gone]
        if names:
            name = self.random.choice(names)
            self._note(f"the file of {name} is lost")
            self.disk.remove(f"state/sessions/{name}.json")

    # --- the end ---

    def _calm_down(self) -> None:
        """Let nothing fail any more, and everything end."""
        self._note("calm")
        self._disarm()
        self.bucket.is_down, self.bucket.trouble = False, 0.0
        self.bucket.do_late()
        self.disk.capacity = PLENTY
        self.checks.check_journals()
        self._start_all()
        ingests = [actor for actor in self._actors.values() if isinstance(actor, Ingest)]
        for ingest in ingests:
            self._enter(ingest, ingest.end)
        writer = self._actors[BufferWriter.key]
        assert isinstance(writer, BufferWriter)
        for number in range(ROUNDS_MAX):
            self.clock.pass_s(3.0)
            for ingest in ingests:
                if number % 4 == 0:
                    self._enter(ingest, ingest.adopt)
                self._enter(ingest, ingest.send)
            self._enter(writer, writer.tick)
            self._enter(writer, writer.upload_all)
            self.checks.check()
            if self._is_drained():
                break
        else:
            raise Violation("it does not drain")
        for ingest in ingests:
            self._enter(ingest, ingest.close)
            self._bury(ingest)
        self._stop(self._actors[BufferWriter.key])
        self._start(None)  # it removes what an unlucky discard left
        self._stop(self._actors[BufferWriter.key])
        self.checks.check_drained()
        if not self._is_parquet:
            self.checks.check_tape()

    def _is_drained(self) -> bool:
        """Say whether nothing waits; what could not be removed may be left for the next start."""
        tree = self.disk.tree
        waiting = any(name.endswith(".json") for name in tree.folder("state/spool").entries)
        journals = any(
            ".removed/" not in path for path, _ in tree.files(tree.folder("state/journal"))
        )
        return not (waiting or journals or tree.folder("state/sessions").entries)
