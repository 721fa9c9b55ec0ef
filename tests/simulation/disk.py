"""A disk of real files that knows what was synced, and where a process may die.

While it is installed, every function of the standard library by which the code changes files or
syncs them goes through here; reading does not. What lies outside of its folder is left alone.
"""

import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import IO, Any, Final, NamedTuple, Self

from tests.simulation.fate import NEVER, Death, Fate, Process
from tests.simulation.tree import File, Folder, Tree

PLENTY: Final = 1 << 40  # bytes
FOLDERS: Final = 1 << 40  # descriptors from here on are folders, only opened to be synced
_REAL: Final[dict[tuple[object, str], Callable[..., Any]]] = {
    (module, name): getattr(module, name)
    for module, names in (
        (os, "open close pwrite ftruncate fsync fdatasync rename replace unlink mkdir rmdir link"),
        (os, "posix_fallocate"),
        (io, "open"),
        (shutil, "rmtree"),
    )
    for name in names.split()
}


def _real(module: object, name: str) -> Callable[..., Any]:
    return _REAL[module, name]


class Opened(NamedTuple):
    """An open file, and who opened it."""

    node: File | Folder
    process: Process | None


class Disk:
    """A folder and its tree; `capacity` and `fails_in` make it full, and broken for one call."""

    def __init__(self, root: Path, fate: Fate) -> None:
        self.root = str(root)
        self.tree = Tree()
        self.capacity = PLENTY
        self.fails_in = NEVER
        self.failed: object = None  # the file or folder whose sync has failed
        self.on_failure: Callable[[], None] = lambda: None
        self.opened: dict[int, Opened] = {}
        self._last_folder = FOLDERS
        self._fate = fate
        self._prefix = self.root + "/"
        self._prefix_size = len(self._prefix)

    @property
    def free(self) -> int:
        return max(0, self.capacity - self.tree.used) if self.capacity < PLENTY else PLENTY

    @property
    def is_sound(self) -> bool:
        """Say whether no call is to fail."""
        return self.fails_in > NEVER // 2

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let the standard library work on this disk."""
        ours: dict[str, Callable[..., Any]] = {
            name: getattr(self, f"_{name}") for module, name in _REAL if module is not io
        }
        for module, name in _REAL:
            setattr(module, name, ours[name] if module is not io else self._open_file)
        try:
            yield
        finally:
            for (module, name), function in _REAL.items():
                setattr(module, name, function)

    def hang_up(self, process: Process) -> None:
        """Close what a dead process had open, which lets go of its locks."""
        for descriptor, opened in list(self.opened.items()):
            if opened.process is process:
                self._close(descriptor)

    def lose(self, random: Random) -> None:
        """Cut the power: what is not certain may be gone."""
        assert not self.opened
        self.tree.lose(random)
        _wipe(self.root)
        self._write_out(self.tree.root, self.root, {})

    def replace(self, name: str, copy: dict[str, bytes | None]) -> None:
        """Put an earlier copy of a folder in its place; it is as certain as a new disk."""
        assert not self.opened
        folder = self.tree.replace(name, copy)
        _wipe(f"{self.root}/{name}")
        self._write_out(folder, f"{self.root}/{name}", {})

    def damage(self, path: str, offset: int, byte: int) -> None:
        """Change a byte of a file where it lies."""
        file = self.tree.find(path)
        assert isinstance(file, File)
        file.damage(offset, byte)
        descriptor = _real(os, "open")(self._prefix + path, os.O_WRONLY)
        _real(os, "pwrite")(descriptor, bytes([byte]), offset)
        _real(os, "close")(descriptor)

    def remove(self, path: str) -> None:
        """Lose a file for good."""
        _real(os, "unlink")(self._prefix + path)
        self.tree.set((path, None))
        self.tree.sync(self.tree.folder(path.rpartition("/")[0]))

    def _write_out(self, folder: Folder, path: str, seen: dict[int, str]) -> None:
        for name, node in folder.entries.items():
            place = f"{path}/{name}"
            if isinstance(node, Folder):
                _real(os, "mkdir")(place)
                self._write_out(node, place, seen)
            elif id(node) in seen:
                _real(os, "link")(seen[id(node)], place)
            else:
                seen[id(node)] = place
                descriptor = _real(os, "open")(place, os.O_WRONLY | os.O_CREAT)
                _real(os, "pwrite")(descriptor, node.data, 0)
                _real(os, "close")(descriptor)

    # --- what each call does before ---

    def _inside(self, path: Any) -> str | None:
        """Return the path as the tree has it; `None` where it lies elsewhere."""
        text = "" if isinstance(path, int) else os.fspath(path)
        return text[self._prefix_size :] if text.startswith(self._prefix) else None

    def _begin(self, synced: object = None) -> None:
        self._fate.boundary()
        self.fails_in -= 1
        if not self.fails_in:
            self.fails_in = NEVER
            self.failed = synced
            self.on_failure()
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    # --- files ---

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        inside = self._inside(path)
        if inside is None or dir_fd is not None:
            return int(_real(os, "open")(path, flags, mode, dir_fd=dir_fd))
        is_written = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if is_written:
            self._begin()
        node = self.tree.find(inside)
        if node is None and flags & os.O_CREAT and not self.free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if isinstance(node, Folder):
            self._last_folder += 1
            descriptor = self._last_folder
        else:
            descriptor = int(_real(os, "open")(path, flags, mode))
        if node is None:
            node = File()
            self.tree.set((inside, node))
        elif flags & os.O_TRUNC:
            assert isinstance(node, File)
            node.cut(0)
        self.opened[descriptor] = Opened(node, self._fate.process)
        if is_written:
            self._fate.boundary()
        return descriptor

    def _close(self, descriptor: int) -> None:
        opened = self.opened.pop(descriptor, None)
        if not opened or isinstance(opened.node, File):
            _real(os, "close")(descriptor)

    def _open_file(self, path: Any, mode: str = "r", *arguments: Any, **named: Any) -> IO[Any]:
        if "w" not in mode or self._inside(path) is None:
            file: IO[Any] = _real(io, "open")(path, mode, *arguments, **named)
            return file
        descriptor = self._open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        return WrittenFile(self, descriptor)  # type: ignore[return-value]

    def _pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        opened = self.opened.get(descriptor)
        if opened is None:
            return int(_real(os, "pwrite")(descriptor, data, offset))
        assert isinstance(opened.node, File)
        self._begin()
        room = len(data)
        if self.capacity < PLENTY:
            room = min(room, self.free + max(0, len(opened.node.data) - offset))
            if data and not room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._fate.is_next:  # it dies while it writes
            room //= 2
        part = data[:room]
        _real(os, "pwrite")(descriptor, part, offset)
        opened.node.write(offset, bytes(part))
        self._fate.boundary()
        self._fate.boundary()
        return room

    def _ftruncate(self, descriptor: int, size: int) -> None:
        opened = self.opened.get(descriptor)
        if opened is not None:
            self._begin()
            assert isinstance(opened.node, File)
            assert size <= len(opened.node.data)
            opened.node.cut(size)
        _real(os, "ftruncate")(descriptor, size)
        if opened is not None:
            self._fate.boundary()

    def _posix_fallocate(self, descriptor: int, offset: int, size: int) -> None:
        opened = self.opened.get(descriptor)
        if opened is not None:
            assert isinstance(opened.node, File)
            self._begin()
            if self.free < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            opened.node.write(offset, bytes(size))
        _real(os, "posix_fallocate")(descriptor, offset, size)
        if opened is not None:
            self._fate.boundary()

    def _fsync(self, descriptor: int) -> None:
        opened = self.opened.get(descriptor)
        if opened is None:
            _real(os, "fsync")(descriptor)
            return
        self._begin(opened.node)
        if isinstance(opened.node, Folder):
            self.tree.sync(opened.node)
        else:
            opened.node.sync()
        self._fate.boundary()

    def _fdatasync(self, descriptor: int) -> None:
        if descriptor in self.opened:
            self._fsync(descriptor)
        else:
            _real(os, "fdatasync")(descriptor)

    # --- names ---

    def _rename(self, source: Any, target: Any) -> None:
        before, after = self._inside(source), self._inside(target)
        if before is None or after is None:
            _real(os, "rename")(source, target)
            return
        self._begin()
        _real(os, "rename")(source, target)
        self.tree.set((before, None), (after, self._found(before)))
        self._fate.boundary()

    _replace = _rename

    def _link(self, source: Any, target: Any) -> None:
        before, after = self._inside(source), self._inside(target)
        assert before is not None
        assert after is not None
        self._begin()
        _real(os, "link")(source, target)
        self.tree.set((after, self._found(before)))
        self._fate.boundary()

    def _unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._remove("unlink", path, dir_fd)

    def _rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._remove("rmdir", path, dir_fd)

    def _remove(self, name: str, path: Any, dir_fd: int | None) -> None:
        inside = self._inside(path)
        if inside is None:
            _real(os, name)(path, dir_fd=dir_fd)
            return
        self._begin()
        _real(os, name)(path)
        self.tree.set((inside, None))
        self._fate.boundary()

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        inside = self._inside(path)
        if inside is None:
            _real(os, "mkdir")(path, mode, dir_fd=dir_fd)
            return
        self._begin()
        _real(os, "mkdir")(path, mode)
        self.tree.set((inside, Folder()))
        self._fate.boundary()

    def _found(self, path: str) -> File | Folder:
        node = self.tree.find(path)
        assert node is not None
        return node

    def _rmtree(self, path: Any, *arguments: Any, **named: Any) -> None:
        """Remove a folder by the calls above; the standard one works relative to descriptors."""
        if self._inside(path) is None:
            _real(shutil, "rmtree")(path, *arguments, **named)
            return
        try:
            for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
                if stat.S_ISDIR(entry.stat().st_mode):
                    self._rmtree(entry.path, *arguments, **named)
                else:
                    self._unlink(entry.path)
            self._rmdir(path)
        except OSError:
            if not named.get("ignore_errors"):
                raise


def _wipe(folder: str) -> None:
    for entry in list(os.scandir(folder)):
        if entry.is_dir():
            _wipe(entry.path)
            _real(os, "rmdir")(entry.path)
        else:
            _real(os, "unlink")(entry.path)


class WrittenFile:
    """What `open` returns for a file to be written: nothing reaches the disk before `flush`."""

    def __init__(self, disk: Disk, descriptor: int) -> None:
        self.closed = False
        self._disk = disk
        self._descriptor = descriptor
        self._waiting = b""
        self._offset = 0

    def write(self, data: bytes) -> int:
        self._waiting += bytes(data)
        return len(data)

    def flush(self) -> None:
        while self._waiting:
            written = self._disk._pwrite(self._descriptor, self._waiting, self._offset)
            self._waiting = self._waiting[written:]
            self._offset += written

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        if self.closed:
            return
        try:
            self.flush()
        finally:
            self.closed = True
            if self._descriptor in self._disk.opened:
                self._disk._close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, Death):
            self._waiting = b""
        self.close()
