"""What must hold after every step, and of the tape at the end."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from booktape.errors import TapeError
from booktape.keys import exchange_of, parse_key
from booktape.manifest import Manifest, decode_manifest
from services.operator.health.left import find_delivered
from shared.delivery.frame import NULL
from shared.delivery.pipe import Watermark
from tests.simulation.bucket import Bucket
from tests.simulation.fate import Violation
from tests.simulation.rows import Line, decode_line, number_of
from tests.simulation.tree import File, Folder, Tree
from tests.simulation.truth import Session, Truth, is_whole, journal_files, numbers_in

Range = tuple[int, int]
CONFLICT: Final = "state/spool/conflict"
_SAID: Final = ("state/sessions", "state/journal/toy", "state/journal/other")


class Checks:
    """Watch one machine and one store."""

    def __init__(
        self, state: Path, tree: Tree, bucket: Bucket, truth: Truth, *, is_plain: bool
    ) -> None:
        self._state = state
        self._said_version: tuple[int, ...] | None = None
        self._tree = tree
        self._bucket = bucket
        self._truth = truth
        self._is_plain = is_plain
        self.objects: dict[str, bytes] = {}  # of the store
        self._version: tuple[int, int] | None = None
        self._committed: dict[str, int] = {}  # as of the version below
        self._committed_version: tuple[int, ...] | None = None
        self._waiting: dict[str, tuple[str, Range]] = {}  # manifests of the spool that were read
        self._stored: dict[str, tuple[str, Range]] = {}  # those of the store

    # --- after every step ---

    def check(self) -> None:
        """Raise `Violation` where something that was journalled is not safe, or not once."""
        committed = self.committed()
        for name, session in self._truth.sessions.items():
            self._check_kept(name, session, committed.get(name, 0))
        self._check_said(committed)

    def _check_said(self, committed: dict[str, int]) -> None:
        """Raise `Violation` where operators read that all of a session is safe, and it is not."""
        version = (
            *(self._tree.versions[place] for place in _SAID),
            *(self._committed_version or ()),
        )
        if version == self._said_version:
            return
        self._said_version = version
        delivered = find_delivered(self._state / "sessions", self._state / "spool")
        for name in delivered:
            self._check_reached(name, committed.get(name, 0), "is said to be delivered")
        if self._is_left(delivered):
            return
        stored: dict[str, set[Range]] = defaultdict(set)
        for name, range_ in [*self._stored.values(), *self._aside()]:
            stored[name].add(range_)
        for name in self._truth.sessions:
            self._check_reached(name, self._reach(name, stored[name]), "is said to be drained")

    def _is_left(self, delivered: set[str]) -> bool:
        """Say whether operators read that something is left for the next start."""
        folders = self._tree.folder("state/journal").entries.values()
        names = {
            name for folder in folders if isinstance(folder, Folder) for name in folder.entries
        }
        journals = {name for name in names if not name.endswith((".partial", ".removed"))}
        spool = self._tree.folder("state/spool").entries
        return bool(journals - delivered) or any(name.endswith(".json") for name in spool)

    def _check_reached(self, name: str, reach: int, said: str) -> None:
        session = self._truth.sessions[name]
        if any(n not in session.gone for n in range(reach, session.appended)):
            raise Violation(f"{name} {said}, and {reach} to {session.appended - 1} are not there")

    def check_watermark(self, watermark: Watermark) -> None:
        """Raise `Violation` where it promises more than is committed."""
        committed = self.committed()
        for name, (number, _) in watermark.sessions.items():
            gone = self._truth.sessions[name].gone
            reach = committed.get(name, 0)
            if any(n not in gone for n in range(reach, number)):
                raise Violation(f"{name}: the watermark is {number}, {reach} is committed")

    def committed(self) -> dict[str, int]:
        """Return the number below which everything is committed, of each session."""
        versions = self._tree.versions
        places = (versions[place] for place in ("state/spool", CONFLICT, "data"))
        version = *places, len(self._bucket.objects)
        if version != self._committed_version:
            ranges = self._ranges()
            self._committed = {name: self._reach(name, found) for name, found in ranges.items()}
            self._committed_version = version
        return self._committed

    def check_journals(self) -> None:
        """Read every journal, and raise `Violation` where something is missing."""
        committed = self.committed()
        for name, session in self._truth.sessions.items():
            files = journal_files(self._tree.folder(journal_path(name)))
            present = numbers_in(files)
            self._truth.check_present(name, committed.get(name, 0), session.appended, present)
            if not session.is_damaged and not is_whole(files):
                raise Violation(f"{name}: something lies between the records of its journal")

    def cut(self) -> None:
        """Take note of a power cut; raise `Violation` where it took what it may not."""
        self._waiting.clear()
        self._forget_unsynced()
        committed = self.committed()
        for name in self._truth.sessions:
            present = numbers_in(journal_files(self._tree.folder(journal_path(name))))
            self._truth.cut(name, committed.get(name, 0), present)

    def restore(self) -> None:
        """Take note that the state is an earlier one: what is in it alone counts, and the store."""
        self._waiting.clear()
        self._look_at_store()
        stored = self._count_stored()
        for name, session in self._truth.sessions.items():
            journalled = numbers_in(journal_files(self._tree.folder(journal_path(name))))
            waiting = [
                _parse_name(node)[1]
                for node in self._tree.folder("state/spool").entries
                if node.endswith(".json") and _parse_name(node)[0] == name
            ]
            spooled = {number for first, last in waiting for number in range(first, last + 1)}
            session.restore(journalled, journalled | spooled | stored[name])

    def _count_stored(self) -> dict[str, set[int]]:
        stored: dict[str, set[int]] = defaultdict(set)
        for name, (first, last) in self._stored.values():
            stored[name] |= set(range(first, last + 1))
        return stored

    def _forget_unsynced(self) -> None:
        """Forget the objects that vanished: whose spool still has them, nobody said was stored."""
        spool = self._tree.folder("state/spool").entries
        for key in self.objects.keys() - self._read_objects().keys():
            name = key.rpartition("/")[2].rpartition(".")[0]
            if f"{name}.json" not in spool:
                raise Violation(f"{key} is gone")
            del self.objects[key]
            self._stored.pop(key, None)

    def _check_kept(self, name: str, session: Session, committed: int) -> None:
        """Look at the names of a journal's files alone: that is quick."""
        if committed >= session.appended:
            return
        files = journal_files(self._tree.folder(journal_path(name)))
        base = int(files[0][0].partition(".")[0]) if files else session.appended
        if base > committed:
            gone = session.gone
            lost = [n for n in range(committed, min(base, session.appended)) if n not in gone]
            if lost:
                raise Violation(f"{name}: {lost[0]} to {lost[-1]} are neither here nor there")

    # --- what is committed ---

    def _ranges(self) -> dict[str, set[Range]]:
        ranges: dict[str, set[Range]] = defaultdict(set)
        for name, node in self._tree.folder("state/spool").entries.items():
            if name.endswith(".json") and isinstance(node, File):
                if name not in self._waiting:
                    self._check_manifest(bytes(node.data), self._read_spool)
                    self._waiting[name] = _parse_name(name)
                session, range_ = self._waiting[name]
                ranges[session].add(range_)
        for session, range_ in self._aside():
            ranges[session].add(range_)
        self._look_at_store()
        for session, range_ in self._stored.values():
            ranges[session].add(range_)
        return ranges

    def _aside(self) -> list[tuple[str, Range]]:
        """Return what was set aside: there is another object under a key of its own."""
        names = self._tree.folder(CONFLICT).entries
        return [_parse_name(name) for name in names if name.endswith(".json")]

    def _reach(self, name: str, ranges: set[Range]) -> int:
        reach = 0
        session = self._truth.sessions[name]
        gone = session.gone
        for first, last in sorted(ranges):
            if session.is_restored:  # what waits may be in the store already: it must not get there
                first = max(first, reach)  # noqa: PLW2901
            if first < reach:
                raise Violation(f"{name}: {first} to {last} are committed twice")
            if any(number not in gone for number in range(reach, first)):
                raise Violation(f"{name}: {reach} to {first - 1} are left out of the tape")
            reach = max(reach, last + 1)
        return reach

    def _look_at_store(self) -> None:
        """Read what is new in the store; raise `Violation` where something has changed."""
        version = self._tree.versions["data"], len(self._bucket.objects)
        if version == self._version:
            return
        self._version = version
        objects = self._read_objects()
        for key, data in self.objects.items():
            if objects.get(key) != data:
                raise Violation(f"{key} has changed or is gone")
        new = objects.keys() - self.objects.keys()
        self.objects = objects
        for key in new:
            if key.startswith("ledger/"):
                self._check_manifest(objects[key], objects.get)
                self._stored[key] = _parse_name(key.rpartition("/")[2])
                self._check_once(*self._stored[key])

    def _check_once(self, name: str, range_: Range) -> None:
        """Raise `Violation` where another manifest of the store has some of these events."""
        first, last = range_
        for other, (begin, end) in self._stored.values():
            if other == name and (begin, end) != range_ and begin <= last and first <= end:
                raise Violation(f"{name}: {first} to {last} are stored twice")

    def _read_objects(self) -> dict[str, bytes]:
        objects = {key: stored.data for key, stored in self._bucket.objects.items()}
        for key, file in self._tree.files(self._tree.folder("data")):
            # Whatever lies there readers take for the tape.
            if key.startswith(("tape/", "ledger/")):
                objects[key] = bytes(file.data)
        return objects

    def _read_spool(self, key: str) -> bytes | None:
        place = parse_key(key)
        name = f"{place.session}-{place.first:012}-{place.last:012}.{place.table}.parquet"
        node = self._tree.find(f"state/spool/{name}") or self._tree.find(f"{CONFLICT}/{name}")
        return bytes(node.data) if isinstance(node, File) else None

    def _check_manifest(self, data: bytes, read: Callable[[str], bytes | None]) -> None:
        """Check that its segments are there, and that each event of its range is what it was."""
        try:
            manifest = decode_manifest(data)
        except TapeError as error:
            raise Violation(f"a manifest is committed and cannot be read: {error}") from None
        lines: list[bytes] = []
        for entries in manifest.tables.values():
            for entry in entries:
                segment = read(entry.key)
                if segment is None or hashlib.sha256(segment).hexdigest() != entry.sha256:
                    raise Violation(f"{entry.key} is not what its manifest says")
                lines += segment.split(b"\n") if self._is_plain else []
        if self._is_plain:
            self._check_lines(manifest, sorted(lines, key=number_of))

    def _check_lines(self, manifest: Manifest, lines: list[bytes]) -> None:
        session = self._truth.sessions[manifest.session]
        if [*range(manifest.first, manifest.last + 1)] != [*map(number_of, lines)]:
            raise Violation(f"{manifest.session}: not each number of its range once")
        for number, line in enumerate(lines, manifest.first):
            if session.lines[number : number + 1] != [line] and not (
                number in session.gone and decode_line(line).values[0] == "journal_hole"
            ):
                raise Violation(f"{manifest.session}: {number} is {line!r}")

    # --- at the end ---

    def check_drained(self) -> None:
        """Raise `Violation` unless nothing waits for anything any more."""
        left = [path for path, _ in self._tree.files(self._tree.folder("state"))]
        known = ["spool/reserve", "locks/"]
        if self._bucket.squatters or any(s.is_restored for s in self._truth.sessions.values()):
            known.append("spool/conflict/")
        left = [p for p in left if not p.startswith(tuple(known)) and ".removed/" not in p]
        if left:
            raise Violation(f"these are left behind: {left}")

    def check_tape(self) -> None:
        """Raise `Violation` unless every session is in the tape, from its start to its end."""
        tapes: dict[str, dict[int, bytes]] = defaultdict(dict)
        for key, data in self.objects.items():
            if key.startswith("tape/") and key not in self._bucket.squatters:
                for line in data.split(b"\n"):
                    tapes[parse_key(key).session][number_of(line)] = line
        for path, file in self._tree.files(self._tree.folder(CONFLICT)):
            if path.endswith(".parquet"):
                for line in bytes(file.data).split(b"\n"):
                    tapes[_parse_name(path.rsplit(".", 2)[0])[0]][number_of(line)] = line
        for name, session in self._truth.sessions.items():
            if session.appended and not session.is_restored:
                _check_session(name, session, tapes[name])


def _check_session(name: str, session: Session, tape: dict[int, bytes]) -> None:
    chains: dict[str | None, tuple[int, int | None]] = {}
    number, line, has_ended = 0, None, False
    for found, data in sorted(tape.items()):
        line = decode_line(data)
        if found != number or has_ended:
            raise Violation(f"{name}: {found} comes where {number} is expected")
        number += 1
        has_ended = line.table == "feed_events" and line.values[0] == "session_end"
        if line.values[0] == "journal_hole" and line.table == "feed_events":
            number = line.values[2]
            if not session.gone.issuperset(range(found, number)):
                raise Violation(f"{name}: a hole from {found} to {number} without a cause")
            chains.clear()
        elif line.table == "book":
            _check_chain(name, line, chains)
    if line is None or line.values[0] != "session_end" or number < session.appended:
        raise Violation(f"{name} has no end at {number}")
    if f'"events":{number}' not in line.values[3]:
        raise Violation(f"{name} counts other events than {number}: {line.values[3]}")


def _parse_name(name: str) -> tuple[str, Range]:
    session, first, last = name.removesuffix(".json").rsplit("-", 2)
    return session, (int(first), int(last))


def _check_chain(name: str, line: Line, chains: dict[str | None, tuple[int, int | None]]) -> None:
    """Check that a book event continues its symbol's book."""
    _, sequence, epoch, kind, *_, previous = line.values
    follows = sequence - 1 if previous == NULL else previous
    last = chains.get(line.symbol)
    if kind == 1:
        is_sound = epoch == line.number
    elif last is None:  # behind a hole; otherwise its snapshot would have come
        is_sound = True
    else:
        is_sound = last == (epoch, follows if kind == 0 else sequence)
    if not is_sound:
        raise Violation(f"{name}: {line} does not continue {last}")
    chains[line.symbol] = epoch, sequence


@cache
def journal_path(session: str) -> str:
    """Return where a session's journal lies."""
    return f"state/journal/{exchange_of(session)}/{session}"
