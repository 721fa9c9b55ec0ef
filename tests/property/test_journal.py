"""Whatever is killed, lost or damaged: each event arrives once, or is a hole that says so."""

import os
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from shared.delivery import journal as journal_module
from shared.delivery.abandoned import leftovers
from shared.delivery.journal import Journal
from shared.delivery.sender import Sender
from shared.process.record_file import HEADER, MAGIC
from tests.support.fake_writer import FakeWriter
from tests.support.frames import make_end, make_frame


class Delivery(RuleBasedStateMachine):
    """One exchange's journals, its sender, and a writer; anything may fail between two steps."""

    def __init__(self) -> None:
        super().__init__()
        self._full_bytes = journal_module.JOURNAL_FILE_BYTES_MAX
        # Only a handful of records in a file, so that files are rolled and trimmed.
        journal_module.JOURNAL_FILE_BYTES_MAX = 600  # type: ignore[misc]
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.now_s = 0.0
        self.sessions = 0
        self.writer = FakeWriter(pipe_frames_max=5)
        self.appended: dict[str, int] = {}  # how many events each session has
        self.damaged: dict[str, set[int]] = {}
        self.start()

    def start(self) -> None:
        """Start an ingest: a new journal, and those that nobody owns."""
        self.sessions += 1
        found = leftovers(self.root)
        self.journal = Journal.create(self.root, f"{self.sessions:04}-toy-a")
        self.sender = Sender([self.journal], self.writer.make_pipe, self.writer, lambda: self.now_s)
        for path in found:
            adopted = Journal.adopt(path)
            if adopted is not None:
                self.appended[adopted.session] = adopted.next_number
                if not adopted.ended:
                    adopted.append(make_end(adopted.next_number, session=adopted.session))
                    self.appended[adopted.session] += 1
                self.sender.add(adopted)

    @rule(events=st.lists(st.integers(1, 5), min_size=1, max_size=8))
    def append(self, events: list[int]) -> None:
        session = self.journal.session
        for count in events:
            self.journal.append(make_frame(self.journal.next_number, count, session=session))
        self.appended[session] = self.journal.next_number

    @rule(after_s=st.sampled_from([0.0, 0.1, 0.3, 1.2]))
    def send(self, after_s: float) -> None:
        self.now_s += after_s
        self.sender.step()

    @rule()
    def write(self) -> None:
        self.writer.work()

    @rule()
    def commit(self) -> None:
        self.writer.commit()

    @rule()
    def kill_the_writer(self) -> None:
        self.writer.kill()

    @rule(data=st.data())
    def lose_frames(self, data: st.DataObject) -> None:
        for pipe in self.writer.pipes:
            kept = [frame for frame in pipe.frames if data.draw(st.booleans())]
            pipe.frames.clear()
            pipe.frames.extend(kept)

    @rule(torn=st.integers(0, 200))
    def kill_the_ingest(self, torn: int) -> None:
        """Kill it in the middle of writing another frame."""
        file = self.journal.file_of(self.journal.next_number)
        self.sender.close()
        self.journal.close()
        if file:
            with file.path.open("ab") as end:
                end.write((HEADER.pack(MAGIC, 200, 0) + bytes(188))[:torn])
        self.start()

    @rule(unsynced=st.integers(0, 1000))
    def cut_the_power(self, unsynced: int) -> None:
        """Lose what was not synced, or some of it; the writer dies as well."""
        self.sender.close()
        self.journal.close()
        self._spoil(self.journal.synced, self.journal.next_number)
        for path in self.journal.path.glob("*.journal"):
            file = self.journal.file_of(int(path.stem))
            assert file is not None
            os.truncate(path, min(file.size, file.synced_size + unsynced))
        self.writer.kill()
        self.start()

    @precondition(lambda self: self.journal.synced > self.journal.base)
    @rule(data=st.data())
    def damage_a_record(self, data: st.DataObject) -> None:
        """Flip a bit of a record that is not the last of its session."""
        number = data.draw(st.integers(self.journal.base, self.journal.synced - 1))
        file = self.journal.file_of(number)
        assert file is not None
        content = bytearray(file.path.read_bytes())
        offset = data.draw(st.integers(0, len(content) - 1))
        content[offset] ^= 1 << data.draw(st.integers(0, 7))
        file.path.write_bytes(content)
        after = self.journal.file_after(file)
        end = after.first if after else self.journal.next_number
        self._spoil(file.first, end)
        self.append([1])
        self.now_s += 1
        self.sender.step()

    def _spoil(self, first: int, end: int) -> None:
        self.damaged.setdefault(self.journal.session, set()).update(range(first, end))

    @invariant()
    def what_is_stored_is_stored_once_and_in_order(self) -> None:
        for session, numbers in self.writer.stored.items():
            missing = {
                number
                for first, following in self.writer.holes.get(session, [])
                for number in range(first, following)
            }
            assert missing <= self.damaged.get(session, set())
            expected = self.writer.expected.get(session, 0)
            assert [number for number in range(expected) if number not in missing] == numbers

    @override
    def teardown(self) -> None:
        """Let everything work again, and see it drain."""
        try:
            self.kill_the_ingest(0)
            for _ in range(1000):
                self.now_s += 0.3
                self.sender.step()
                self.writer.work()
                self.writer.commit()
                self.what_is_stored_is_stored_once_and_in_order()
                if [self.journal.path] == list(self.root.iterdir()):
                    break
            assert [self.journal.path] == list(self.root.iterdir())
            assert self.appended == self.writer.expected
        finally:
            self.sender.close()
            self.folder.cleanup()
            journal_module.JOURNAL_FILE_BYTES_MAX = self._full_bytes  # type: ignore[misc]


TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
