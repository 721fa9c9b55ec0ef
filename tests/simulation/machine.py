"""One machine and its store: processes that take turns, die, and are started again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

from booktape.errors import BooktapeError
from booktape.store import s3 as store_s3
from booktape.store.folder import FolderStore
from booktape.store.protocol import Store
from services.buffer_writer import buffer as buffers
from services.buffer_writer.buffer import PACK_ROWS
from services.buffer_writer.segment import write_segments
from shared.delivery import journal as journal_module
from shared.delivery import sender as sender_module
from shared.delivery.frame import Frame
from shared.delivery.journal import Journal
from shared.ingest import recorder as recorder_module
from shared.process import log
from tests.simulation.bucket import Bucket
from tests.simulation.checks import Checks
from tests.simulation.clock import Clock
from tests.simulation.disk import Disk
from tests.simulation.fate import Fate, Killed, PowerCut, Violation
from tests.simulation.feed import Feed
from tests.simulation.pipe import Network
from tests.simulation.plan import Line, Plan
from tests.simulation.processes import BufferWriter, Ingest
from tests.simulation.rows import write_plain
from tests.simulation.truth import Truth

DEPTH_MAX: Final = 2  # turns that one may be interrupted by
FRAME_BYTES_MAX: Final = 300  # roughly; the event that reaches it is still taken
EVENT_BYTES_MAX: Final = 1000
FRAME_ROWS_MAX: Final = 50
_log = log.get(__name__)
Actor = Ingest | BufferWriter
Turn = Callable[[], Any]


class Machine:
    """The processes by their keys; `trace` tells what happened."""

    def __init__(self, root: Path, plan: Plan, random: Random) -> None:
        self.trace: list[str] = []
        self.actors: dict[str, Actor] = {}
        self.clock = Clock()
        self.fate = Fate()
        self.fate.interleave = self._interleave
        self.disk = Disk(root, self.fate)
        self.truth = Truth()
        self.bucket = Bucket(self.fate, random)
        self.checks = Checks(
            root / "state", self.disk.tree, self.bucket, self.truth, is_plain=not plan.is_parquet
        )
        self.network = Network(
            self.fate,
            random,
            frames_max=plan.pipe_frames_max,
            recuts=plan.recuts,
            on_send=self.truth.check_sent,
            on_publish=self.checks.check_watermark,
        )
        self._root = root
        self._state = root / "state"
        self._plan = plan
        self._random = random
        self._numbers = count(1)
        self._copy: dict[str, bytes | None] | None = None
        self._running: list[tuple[Actor, Turn]] = []

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Replace the disk, the clock and the bounds that only much data would reach."""
        truth, plan = self.truth, self._plan
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
                (journal_module, "JOURNAL_FILE_BYTES_MAX", plan.journal_file_bytes_max),
                (recorder_module, "FRAME_BYTES_MAX", FRAME_BYTES_MAX),
                (sender_module, "FRAMES_PER_STEP_MAX", plan.frames_per_step_max),
                (sender_module, "time", self.clock),
                (store_s3, "MULTIPART_BYTES_MIN", plan.multipart_bytes_min),
                (store_s3, "PART_BYTES", plan.multipart_bytes_min // 2),
            ):
                stack.enter_context(patch.object(owner, name, value))
            stack.enter_context(self.disk.installed())
            yield

    def install(self) -> None:
        """Make the folders that an operator makes."""
        self._state.mkdir()
        (self._root / "data").mkdir()
        self.disk.tree.sync(self.disk.tree.root)

    def note(self, text: str) -> None:
        """Take note of what happens."""
        self.trace.append(f"{self.clock.s():.2f} {text}")
        _log.info(text)

    @property
    def store(self) -> Store:
        """Return the store as a process that starts now finds it."""
        if self._plan.is_folder:
            return FolderStore(self._root / "data")
        return store_s3.S3Store("bucket", "", connect=lambda: self.bucket)

    # --- starting and ending ---

    @property
    def missing(self) -> list[Line | None]:
        """Return what does not run: lines, and `None` for the writer."""
        missing: list[Line | None] = [] if BufferWriter.key in self.actors else [None]
        missing += [line for line in self._plan.lines if "-".join(line) not in self.actors]
        return missing

    def start(self, line: Line | None) -> None:
        """Start the ingest of a line, or the writer."""
        if line is None:
            writer = BufferWriter(self._state)
            self.enter(writer, lambda: self._start_writer(writer))
            return
        ingest = Ingest(self._state, *line)
        feed = Feed(self._random, self._numbers)
        self.enter(ingest, lambda: ingest.start(self.clock, self.network, feed, self._random))

    def _start_writer(self, writer: BufferWriter) -> None:
        # Only what becomes Parquet is packed, after a few frames.
        buffers.PACK_ROWS = 20 if self._plan.is_parquet else PACK_ROWS  # type: ignore[misc]
        writer.start(
            self.clock,
            self.network,
            self._random,
            self.store,
            self._plan.settings,
            run_id=f"run {next(self._numbers)}",
            write_segments=write_segments if self._plan.is_parquet else write_plain,
            disk_free=lambda: self.disk.free,
        )

    def stop(self, actor: Actor) -> None:
        """Let a process end in order."""
        self.end(actor, actor.stop)

    def end(self, actor: Actor, turn: Turn) -> None:
        """Let a process have its last turn."""
        self.enter(actor, turn)
        if actor.process.is_dead:
            return
        if any(opened.process is actor.process for opened in self.disk.opened.values()):
            raise Violation(f"{actor.key} leaves files open")
        self.bury(actor)

    def check_bounds(self) -> None:
        """Raise `Violation` where something is larger than it may become."""
        writer = self.actors.get(BufferWriter.key)
        if isinstance(writer, BufferWriter) and writer.threads:
            settings = self._plan.settings
            for buffer in writer.writer._buffers.values():
                if buffer.rows >= settings.flush_rows + FRAME_ROWS_MAX:
                    raise Violation(f"{buffer.rows} rows are buffered")
                if buffer.bytes >= settings.flush_bytes + FRAME_BYTES_MAX + EVENT_BYTES_MAX:
                    raise Violation(f"{buffer.bytes} bytes are buffered")
        file_bytes_max = self._plan.journal_file_bytes_max + FRAME_BYTES_MAX + EVENT_BYTES_MAX
        for path, file in self.disk.tree.files(self.disk.tree.folder("state/journal")):
            if path.endswith(".journal") and len(file.data) > file_bytes_max:
                raise Violation(f"{path} has {len(file.data)} bytes")

    def bury(self, actor: Actor) -> None:
        """Let a process be no more."""
        actor.process.is_dead = True
        self.disk.hang_up(actor.process)
        if isinstance(actor, BufferWriter):
            self.network.lose_received()
        self.network.forget(actor.process)
        del self.actors[actor.key]

    def black_out(self) -> None:
        """Cut the power."""
        self.note("power cut")
        for actor in list(self.actors.values()):
            self.bury(actor)
        self.network.clear()
        self.disk.lose(self._random)
        self.checks.cut()

    def copy_state(self) -> None:
        """Keep a copy of the state as it is now, as a snapshot of its volume does."""
        self._copy = self.disk.tree.copy("state")

    def go_back(self) -> None:
        """Put the copy in the place of the state, the machine being off."""
        assert self._copy is not None
        self.note("the state goes back in time")
        for actor in list(self.actors.values()):
            self.bury(actor)
        self.network.clear()
        self.bucket.do_late()
        self.checks.check()
        self.disk.replace("state", self._copy)
        self._copy = None
        self.checks.restore()

    @property
    def has_copy(self) -> bool:
        """Say whether the state can go back."""
        return self._copy is not None

    def lose_sessions(self) -> None:
        """Kill the writer, and lose what it knows of every session."""
        writer = self.actors.get(BufferWriter.key)
        if writer:
            self.bury(writer)
        for name in list(self.disk.tree.folder("state/sessions").entries):
            self.note(f"{name} is lost")
            self.disk.remove(f"state/sessions/{name}")

    # --- turns ---

    def turns(self) -> list[tuple[Actor, Turn]]:
        """Return every thread that could run."""
        return [(actor, turn) for actor in self.actors.values() for turn in actor.threads]

    def enter(self, actor: Actor, turn: Turn) -> None:
        """Let a process run; it may die of that."""
        outer = self.fate.process
        is_own = any(actor is other for other, _ in self._running)
        self.actors[actor.key] = actor
        self._running.append((actor, turn))
        self.fate.process = actor.process
        try:
            turn()
        except Killed as death:
            if is_own or death.args != (actor.process,):
                raise
            self.note(f"{actor.key} is killed")
            self.bury(actor)
        except PowerCut:
            if outer is not None:
                raise
            self.black_out()
        except (OSError, BooktapeError) as error:
            self.note(f"{actor.key} ends: {error!r}")
            actor.process.is_dead = True
            if is_own:
                raise Killed(actor.process) from None
            self.bury(actor)
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
            (actor, turn)
            for actor, turn in self.turns()
            if actor not in busy or (actor is top and not actor.is_locked)
            if (actor, turn) not in self._running
        ]
        if turns:
            actor, turn = self._random.choice(turns)
            self.note(f"meanwhile {actor.key} {turn.__name__}")
            self.enter(actor, turn)
