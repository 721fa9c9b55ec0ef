"""A folder as a store: an object is a file below it."""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from booktape.errors import AlreadyStored, StoreError
from booktape.store.files import PARTIAL_SUFFIX, make_folder, sync_folder
from booktape.store.protocol import ObjectInfo

COPY_BYTES: Final = 1 << 20
# Copies under way lie here below the root, where no reader of the tape looks.
COPIES: Final = ".partial"


class FolderStore:
    """A folder; an object is a file below it."""

    def __init__(self, root: Path, *, is_used: bool = False) -> None:
        """Name the folder; with `is_used` it existed before, so never create it."""
        self._root = root
        self._is_used = is_used

    def put(self, path: Path, key: str) -> None:
        """Copy the file into a separate folder, sync it, then link it to its place.

        A link, unlike a rename, never replaces an existing file. So readers only ever find whole
        objects.
        """
        target = self._path(key)
        partial = self._root / COPIES / (key.replace("/", "-") + PARTIAL_SUFFIX)
        with path.open("rb") as source, self._explained("write", key):
            self._require_root("write", key)
            if not self._is_used:
                make_folder(self._root / COPIES)
                self._is_used = True
            # An earlier release copied in place, and may have died half way.
            target.with_name(target.name + PARTIAL_SUFFIX).unlink(missing_ok=True)
            if target.exists():
                # An earlier process may have linked it, and died before the remaining steps.
                partial.unlink(missing_ok=True)
                sync_folder(target.parent)
                raise AlreadyStored(key)
            make_folder(target.parent)
            try:
                with partial.open("wb") as copy:
                    shutil.copyfileobj(source, copy, COPY_BYTES)
                    copy.flush()
                    os.fsync(copy.fileno())
                os.link(partial, target)
            except FileExistsError:
                sync_folder(target.parent)
                raise AlreadyStored(key) from None
            finally:
                partial.unlink(missing_ok=True)
            sync_folder(target.parent)

    def head(self, key: str) -> ObjectInfo | None:
        """Return only the size: a checksum would cost a read of the whole file."""
        with self._explained("look at", key):
            try:
                return ObjectInfo(key, self._path(key).stat().st_size)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def get(self, key: str) -> bytes:
        """Return the file's bytes."""
        with self._explained("read", key):
            return self._path(key).read_bytes()

    def get_range(self, key: str, first: int, length: int) -> bytes:
        """Return some of the file's bytes."""
        with self._explained("read", key), self._path(key).open("rb", buffering=0) as file:
            file.seek(first)
            return file.read(length)

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the folders of a folder; none if it does not exist."""
        top, _, begin = prefix.rpartition("/")
        with self._explained("list", prefix):
            try:
                with os.scandir(self._path(top)) as entries:
                    found = [entry.name for entry in entries if entry.is_dir()]
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(name[len(begin) :] for name in found if name.startswith(begin))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the files below the prefix, without copies under way."""
        top = prefix.rpartition("/")[0]
        self._require_root("list", prefix)
        with self._explained("list", prefix):
            for key, entry in sorted(self._find_files(top), key=lambda found: found[0]):
                if key.startswith(prefix):
                    with suppress(FileNotFoundError):  # somebody has removed it
                        yield ObjectInfo(key, entry.stat().st_size)

    def _find_files(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield key and file of each object below a folder, without copies under way."""
        try:
            with os.scandir(self._path(folder)) as entries:
                found = list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in found:
            key = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self._find_files(key)
            elif entry.is_file() and not key.endswith(PARTIAL_SUFFIX):
                yield key, entry

    def _require_root(self, action: str, key: str) -> None:
        """Raise if the root existed and is gone, as when its disk is not mounted."""
        copies = self._root / COPIES
        if self._is_used and not copies.is_dir():
            raise StoreError(
                action,
                where=str(self._root / key),
                reason=f"{self._root} is empty or gone, and has held a tape",
                remedy=f"mount its disk; to begin anew there: mkdir -p {copies}",
            )

    def _path(self, key: str) -> Path:
        assert not key.startswith("/")
        assert ".." not in key.split("/")
        return self._root / key

    @contextmanager
    def _explained(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except StoreError:  # an OSError that already names its remedy
            raise
        except OSError as error:
            remedy = _REMEDIES.get(error.errno or 0, "check the disk and its mount")
            raise StoreError(
                action,
                where=str(self._root / key),
                reason=(error.strerror or str(error)).lower(),
                remedy=remedy,
            ) from error


_PERMISSION = "let this user write to the folder of [storage] url"
_IN_THE_WAY = "correct [storage] url: a part of it is a file"
_REMEDIES = {
    errno.ENOSPC: "free space on its disk",
    errno.EDQUOT: "raise this user's quota or free space",
    errno.EACCES: _PERMISSION,
    errno.EPERM: f"{_PERMISSION}, on a file system that has hard links",
    errno.EOPNOTSUPP: "use a file system that has hard links",
    errno.EROFS: "mount its disk writable",
    errno.ENOENT: "check that nobody removed it and that its disk is mounted",
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
}
