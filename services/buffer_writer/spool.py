"""The spool keeps segments on disk until the store has them.

A manifest is the unit: its rename into place commits its segments; a segment without a manifest
counts for nothing. The steps come in an order that lets `recover` mend a crash between any two:

    commit   segments .partial, synced, renamed; folder synced; the manifest the same way
    discard  the session's file, synced; manifest unlinked; folder synced; segments unlinked
    aside    the session's file, synced; segments moved to conflict/; then the manifest
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from booktape.errors import TapeError
from booktape.manifest import Manifest, decode_manifest, encode_manifest
from booktape.store.files import PARTIAL_SUFFIX, make_folder, sync_folder
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.committed import Committed
from services.buffer_writer.manifest import (
    check,
    ledger_key,
    make_manifest,
    name_of,
    session_of,
)
from services.buffer_writer.reserve import Reserve
from services.buffer_writer.segment import WrittenSegment
from shared.errors import SpoolError
from shared.process import log
from shared.process.files import write_atomic
from shared.process.state import CONFLICT

FRAMES_ASIDE_MAX: Final = 100
_MANIFEST, _SEGMENT = ".json", ".parquet"
_log = log.get(__name__)

WriteSegments = Callable[[FrameRun, Callable[[str], Path]], dict[str, WrittenSegment]]


class Stored(NamedTuple):
    """A file of the spool, and the object that it becomes."""

    path: Path
    key: str
    sha256: str


class Spool:
    """Keeps the files of committed flushes that the store does not have yet."""

    def __init__(
        self,
        folder: Path,
        committed: Committed,
        reserve: Reserve,
        *,
        write_segments: WriteSegments,
        clock_ns: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._conflict = folder / CONFLICT
        self.committed = committed
        self._reserve = reserve
        self._write_segments = write_segments
        self._clock_ns = clock_ns

    def recover(self) -> None:
        """Finish or undo the steps that a crash cut short, so that only whole flushes remain."""
        make_folder(self._conflict)
        self.committed.load()
        for partial in self._folder.glob(f"*{PARTIAL_SUFFIX}"):
            partial.unlink()
        for path in sorted(self._folder.glob(f"*{_MANIFEST}")):
            self._recover(path.name.removesuffix(_MANIFEST))
        names = set(self.committed.names())
        for path in self._folder.glob(f"*{_SEGMENT}"):
            if path.name.removesuffix(_SEGMENT).rpartition(".")[0] not in names:
                path.unlink()
        sync_folder(self._folder)
        self._reserve.hold_room()

    def _recover(self, name: str) -> None:
        try:
            manifest = self.read(name)
            self._check_sizes(manifest)
        except (TapeError, FileNotFoundError) as error:
            # The range does not count as committed, because the journal may still have it.
            self.set_aside(name, str(error))
            return
        self.committed.recover(name, manifest)

    def _check_sizes(self, manifest: Manifest) -> None:
        for file, size in self._segments(manifest):
            if file.path.stat().st_size != size:
                raise TapeError(f"{file.path.name} is not {size} bytes long")

    def count_conflicts(self) -> int:
        """Return the number of manifests and frames set aside."""
        return sum(path.suffix != _SEGMENT for path in self._conflict.iterdir())

    def commit(self, run: FrameRun) -> Manifest:
        """Write a run's segments and their manifest, whole or not at all.

        Raise BadFrame for a frame that contradicts itself; OSError if the disk refuses, so that the
        caller tries again; SpoolError if only a new process can go on, to which the journals send
        everything again.
        """
        name = name_of(run.session, run.first, run.last)
        self._reserve.admit()
        manifest = self._reserve.lend(lambda: self._commit(run, name))
        self.committed.add(name, manifest, resumes_at=run.resumes_at)
        self._reserve.hold_room()
        return manifest

    def _commit(self, run: FrameRun, name: str) -> Manifest:
        try:
            self.committed.note(run)
            segments = self._write_segments(run, lambda table: self._partial(name, table))
            for table, segment in segments.items():
                segment.path.replace(self._segment(name, table))
            sync_folder(self._folder)
            manifest = make_manifest(run, segments, self._clock_ns())
            write_atomic(self._manifest(name), encode_manifest(manifest))
        except OSError:
            self._undo(name)
            raise
        return manifest

    def _undo(self, name: str) -> None:
        """Remove the files of a failed commit; the next one may have another range."""
        try:
            if self._manifest(name).exists():
                self._manifest(name).unlink()
                sync_folder(self._folder)
            for path in self._files_of(name):
                path.unlink()
        except OSError as error:
            raise SpoolError(f"cannot undo the commit of {name}: {error}") from error

    def read(self, name: str) -> Manifest:
        """Return a manifest; raise TapeError if it is damaged."""
        manifest = decode_manifest(self._manifest(name).read_bytes())
        check(manifest, name)
        return manifest

    def files(self, manifest: Manifest) -> list[Stored]:
        """Return every file of a manifest, the manifest itself last."""
        path = self._manifest(name_of(manifest.session, manifest.first, manifest.last))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        segments = [file for file, _ in self._segments(manifest)]
        return [*segments, Stored(path, ledger_key(manifest), digest)]

    def discard(self, name: str) -> None:
        """Remove a manifest that the store has, and its segments."""
        with self.committed.lock:
            self.committed.save(session_of(name))
            self._manifest(name).unlink()
            self.committed.remove(name)
            sync_folder(self._folder)
        try:
            for path in self._files_of(name):
                path.unlink()
        except OSError as error:  # the next start removes segments without a manifest
            _log.warning(
                "cannot remove a stored segment", extra={"manifest": name, "reason": error.strerror}
            )
        self._reserve.hold_room()

    def set_aside(self, name: str, reason: str) -> None:
        """Move a manifest and its segments out of the way, for a person to look at."""
        _log.error("set aside in spool/conflict", extra={"manifest": name, "reason": reason})
        with self.committed.lock:
            self.committed.save_aside(name)
            for path in self._files_of(name):
                if path.suffix == _SEGMENT:
                    path.replace(self._conflict / path.name)
            # Sync the move first: without a manifest, the next start would delete segments here.
            sync_folder(self._folder)
            self._manifest(name).replace(self._conflict / f"{name}{_MANIFEST}")
            self.committed.remove(name)
            sync_folder(self._conflict)
            sync_folder(self._folder)

    def set_frame_aside(self, data: bytes) -> None:
        """Keep an unusable frame for a person to look at: each once, at most `FRAMES_ASIDE_MAX`."""
        path = self._conflict / f"{hashlib.sha256(data).hexdigest()[:16]}.frame"
        if not path.exists() and len(list(self._conflict.glob("*.frame"))) < FRAMES_ASIDE_MAX:
            write_atomic(path, data)

    def _segments(self, manifest: Manifest) -> list[tuple[Stored, int]]:
        name = name_of(manifest.session, manifest.first, manifest.last)
        return [
            (Stored(self._segment(name, table), entry.key, entry.sha256), entry.bytes)
            for table, entries in manifest.tables.items()
            for entry in entries
        ]

    def _files_of(self, name: str) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.name.startswith(f"{name}.")]

    def _manifest(self, name: str) -> Path:
        return self._folder / f"{name}{_MANIFEST}"

    def _segment(self, name: str, table: str) -> Path:
        return self._folder / f"{name}.{table}{_SEGMENT}"

    def _partial(self, name: str, table: str) -> Path:
        return self._folder / f"{name}.{table}{_SEGMENT}{PARTIAL_SUFFIX}"
