"""What a disk holds for certain, what it holds perhaps, and what a power cut leaves of it.

The model is what POSIX promises and no more. The bytes of a file are certain once the file was
synced, its name once the folder was. What was not synced may be there whole, in part or not at
all, in any order; only a rename is one step. Disks and file systems keep more than that, and each
keeps something else.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Final

_NO_BYTES: Final = b""


class File:
    """The bytes that programs read, and those that are certain."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.synced: bytes = _NO_BYTES
        self._writes: list[tuple[int, bytes | None]] = []  # since then; None cuts the file there

    def write(self, offset: int, data: bytes) -> None:
        if offset > len(self.data):
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset : offset + len(data)] = data
        self._writes.append((offset, data))

    def cut(self, size: int) -> None:
        del self.data[size:]
        self._writes.append((size, None))

    def sync(self) -> None:
        self.synced = bytes(self.data)
        self._writes.clear()

    def damage(self, offset: int, byte: int) -> None:
        """Change a byte where it lies."""
        self.data[offset] = byte
        if offset < len(self.synced):
            changed = bytearray(self.synced)
            changed[offset] = byte
            self.synced = bytes(changed)

    def lose(self, random: Random) -> None:
        """Keep what a power cut leaves."""
        fate = random.randrange(3)
        if fate == 0:
            self.data = bytearray(self.synced)
        elif fate == 1 and self._writes:
            left = bytearray(self.synced)
            for offset, data in self._writes:
                _write_perhaps(left, offset, data, random)
            self.data = left
        self.sync()


def _write_perhaps(left: bytearray, offset: int, data: bytes | None, random: Random) -> None:
    fate = random.randrange(5)
    if data is None:
        if fate < 3:
            del left[offset:]
        return
    if fate == 0:
        return
    if fate == 1:
        data = data[: random.randrange(len(data) + 1)]
    elif fate == 2:  # the size was written and the data was not
        data = bytes(len(data))
    if offset > len(left):
        left.extend(bytes(offset - len(left)))
    left[offset : offset + len(data)] = data


class Folder:
    """The names that programs see, and those that are certain."""

    def __init__(self) -> None:
        self.entries: dict[str, Node] = {}
        self.synced: dict[str, Node] = {}


Node = File | Folder
Step = tuple[Folder, str, Node | None, Node | None]  # a name: what it stood for, and stands for
Change = tuple[Step, ...]  # that happen together or not at all


class Tree:
    """Everything below one folder."""

    def __init__(self) -> None:
        self.root = Folder()
        # How often names have changed in each folder, and below each one of the root.
        self.versions: Counter[str] = Counter()
        self.newest_kept: int | None = None  # of what is not certain; None: as chance will have it
        self.lost: int | None = None  # of what is not certain, the one change that alone is lost
        self._changes: list[Change] = []

    @property
    def uncertain(self) -> int:
        """Return how many changes of names a power cut may take back."""
        return len(self._changes)

    def find(self, path: str) -> Node | None:
        """Return what lies at a path relative to the root."""
        node: Node = self.root
        try:
            for name in path.split("/"):
                node = node.entries[name]  # type: ignore[union-attr]
        except (KeyError, AttributeError):  # nothing, or a file
            return None
        return node

    def folder(self, path: str) -> Folder:
        """Return the folder at a path; an empty one where there is none."""
        node = self.find(path)
        return node if isinstance(node, Folder) else Folder()

    def set(self, *steps: tuple[str, Node | None]) -> None:
        """Let names stand for something else, all of them at once."""
        change: list[Step] = []
        for path, after in steps:
            parent, _, name = path.rpartition("/")
            folder = self.find(parent) if parent else self.root
            assert isinstance(folder, Folder)
            change.append((folder, name, folder.entries.get(name), after))
            self.versions[path.partition("/")[0]] += 1
            self.versions[parent] += 1
            _set(folder.entries, name, after)
        self._changes.append(tuple(change))

    def sync(self, folder: Folder) -> None:
        """Make the names of a folder certain, and what happened together with them."""
        if not self._changes:
            return
        taken: list[Change] = []
        left: list[Change] = []
        names: set[tuple[int, str]] = set()  # what else is certain by that
        for change in reversed(self._changes):
            for place, name, _, _ in change:
                if place is folder or (names and (id(place), name) in names):
                    names.update((id(place), name) for place, name, _, _ in change)
                    taken.append(change)
                    break
            else:
                left.append(change)
        self._changes = left[::-1]
        for change in reversed(taken):
            _apply(change)

    def lose(self, random: Random) -> None:
        """Keep what a power cut leaves."""
        fate = random.randrange(5)
        count = random.randrange(len(self._changes) + 1)
        if self.newest_kept is not None:
            fate, count = 3, len(self._changes) - self.newest_kept
        for number, change in enumerate(self._changes):
            # None, all, the older ones, the newer ones, any of them.
            fates = False, True, number < count, number >= count, random.random() < 0.5
            is_kept = fates[fate] if self.lost is None else number != self.lost
            if is_kept and _has_sources(change):
                _apply(change)
        self._changes.clear()
        self.versions.update([*self.versions])
        _settle(self.root)
        for file in {id(file): file for _, file in self.files()}.values():
            file.lose(random)

    def copy(self, name: str) -> dict[str, bytes | None]:
        """Return what lies below a folder of the root: files with their bytes, and folders."""
        return dict(_copy(self.folder(name), ""))

    def replace(self, name: str, copy: dict[str, bytes | None]) -> Folder:
        """Put such a copy in the place of a folder of the root; return it."""
        folder = Folder()
        for path, data in copy.items():
            *parents, last = path.split("/")
            place: Folder = folder
            for parent in parents:
                found = place.entries[parent]
                assert isinstance(found, Folder)
                place = found
            place.entries[last] = place.synced[last] = node = Folder() if data is None else File()
            if isinstance(node, File) and data is not None:
                node.write(0, data)
                node.sync()
        self.root.entries[name] = self.root.synced[name] = folder
        self.versions.update([*self.versions])
        return folder

    def files(self, folder: Folder | None = None, path: str = "") -> Iterator[tuple[str, File]]:
        """Yield every file with its path relative to the root."""
        for name, node in (folder or self.root).entries.items():
            if isinstance(node, File):
                yield path + name, node
            else:
                yield from self.files(node, f"{path}{name}/")

    @property
    def used(self) -> int:
        """Return how many bytes are taken."""
        return sum({id(file): len(file.data) for _, file in self.files()}.values())


def _copy(folder: Folder, path: str) -> Iterator[tuple[str, bytes | None]]:
    for name, node in folder.entries.items():
        yield path + name, bytes(node.data) if isinstance(node, File) else None
        if isinstance(node, Folder):
            yield from _copy(node, f"{path}{name}/")


def _set(entries: dict[str, Node], name: str, node: Node | None) -> None:
    if node is None:
        entries.pop(name, None)
    else:
        entries[name] = node


def _has_sources(change: Change) -> bool:
    """Return whether what is removed or renamed is there."""
    return all(
        after is not None or place.synced.get(name) is was for place, name, was, after in change
    )


def _apply(change: Change) -> None:
    for folder, name, _, after in change:
        _set(folder.synced, name, after)


def _settle(folder: Folder) -> None:
    folder.entries = dict(sorted(folder.synced.items()))
    for node in folder.entries.values():
        if isinstance(node, Folder):
            _settle(node)
