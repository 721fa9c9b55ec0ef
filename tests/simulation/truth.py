"""What was journalled, how much of it must survive what, and what may be missing."""

from collections.abc import Iterable, Sequence

from shared.delivery.frame import Frame, decode
from shared.delivery.journal import Journal
from shared.errors import FrameError
from shared.process.record_file import HEADER, MAGIC, pack
from tests.simulation.fate import Violation
from tests.simulation.rows import lines_by_number
from tests.simulation.tree import File, Folder


class Session:
    """The events of one session by their numbers."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.appended = 0  # all below it survives any kill
        self.synced = 0  # all below it survives a power cut
        self.gone: set[int] = set()  # what the disk took, and a hole may say so
        self.is_damaged = False  # by the disk
        self.is_restored = False  # an earlier state of the disk was put in its place

    def restore(self, journalled: set[int], kept: set[int]) -> None:
        """Take note that these are all the events there are still: an older disk, and the store."""
        self.is_restored = True
        self.gone |= set(range(len(self.lines))) - kept
        self.appended = self.synced = max(journalled, default=-1) + 1


class Truth:
    """Every session that was ever begun."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}

    def append(self, frame: Frame) -> None:
        """Take note of a frame before it is written: from now on it may be there."""
        session = self.sessions.setdefault(frame.session, Session())
        if frame.first < session.appended:
            raise Violation(f"{frame.session}: number {frame.first} is given again")
        if frame.first > len(session.lines):
            raise Violation(f"{frame.session}: number {frame.first} leaves others out")
        del session.lines[frame.first :]
        session.lines += lines_by_number(frame)

    def keep(self, frame: Frame) -> None:
        """Take note that it was written."""
        self.sessions[frame.session].appended = frame.last + 1

    def sync(self, journal: Journal) -> None:
        """Take note of what its journal says is synced."""
        session = self.sessions.setdefault(journal.session, Session())
        session.synced = max(session.synced, journal.synced)

    def check_sent(self, data: bytes) -> None:
        """Raise `Violation` for a frame that a power cut could take back."""
        frame = decode(data)
        session = self.sessions[frame.session]
        if frame.last >= session.synced:
            raise Violation(f"{frame.session}: {frame.last} is sent, not yet synced")

    def cut(self, name: str, committed: int, present: set[int]) -> None:
        """Take note of what a power cut left of a journal; `Violation` if that is too little."""
        session = self.sessions[name]
        self.check_present(name, committed, session.synced, present)
        session.is_damaged = True
        end = max(present, default=-1) + 1
        session.gone |= set(range(session.synced, max(len(session.lines), end))) - present
        session.appended = max(session.synced, end)

    def check_present(self, name: str, committed: int, end: int, present: set[int]) -> None:
        """Raise `Violation` where something that must be in the journal is not."""
        gone = self.sessions[name].gone
        lost = [n for n in range(committed, end) if n not in present and n not in gone]
        if lost:
            raise Violation(f"{name}: {lost[0]} to {lost[-1]} are lost ({len(lost)})")


def is_whole(files: Sequence[tuple[str, File]]) -> bool:
    """Return whether there is nothing between the records of a journal; its last may be torn."""
    for number, (_, file) in enumerate(files):
        end = 0
        for begin, after, _ in find_records(bytes(file.data)):
            if begin != end:
                return False
            end = after
        if end != len(file.data) and number != len(files) - 1:
            return False
    return True


Record = tuple[int, int, Frame]  # where it lies: from, to before, and what it holds


def find_records(data: bytes) -> list[Record]:
    """Return the intact records of a journal's file; slow, and not the reader that is tested."""
    records = []
    at = data.find(MAGIC)
    while at >= 0:
        frame = _read_record(data, at)
        if frame is not None:
            end = at + HEADER.size + HEADER.unpack_from(data, at)[1]
            records.append((at, end, frame))
            at = data.find(MAGIC, end)
        else:
            at = data.find(MAGIC, at + 1)
    return records


def _read_record(data: bytes, at: int) -> Frame | None:
    if len(data) < at + HEADER.size:
        return None
    start = at + HEADER.size
    payload = data[start : start + HEADER.unpack_from(data, at)[1]]
    if pack(payload) != data[at : start + len(payload)]:
        return None
    try:
        return decode(payload)
    except FrameError:
        return None


def journal_files(folder: Folder) -> list[tuple[str, File]]:
    """Return the files of a journal in the order of their events."""
    return sorted(
        (name, node)
        for name, node in folder.entries.items()
        if isinstance(node, File) and name.endswith(".journal")
    )


def numbers_in(files: Iterable[tuple[str, File]]) -> set[int]:
    """Return every event number that the files hold."""
    return {
        number
        for _, file in files
        for _, _, frame in find_records(bytes(file.data))
        for number in range(frame.first, frame.last + 1)
    }
