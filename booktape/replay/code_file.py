"""Keeps a code file in the user's cache folder: the kernel's machine code for later processes."""

import os
import warnings
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

FILES_MAX: Final = 8  # for all versions and machines that share the folder
_SUFFIX: Final = ".code"
_DIGEST_BYTES: Final = 32
_WRITABLE_BY_OTHERS: Final = 0o022


class CodeFile:
    """One file of machine code: a digest of its purpose and of the code, then the code.

    A fault of the folder costs another compilation, never an answer.
    """

    def __init__(self, folder: Path, made_of: str) -> None:
        """Name the file by `made_of`: the sources and the machine of the code."""
        self._made_of = made_of.encode()
        self._path = folder / f"{sha256(self._made_of).hexdigest()[:16]}{_SUFFIX}"

    def read(self) -> bytes | None:
        """Return the code; None if the file is missing, or differs from the written one."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                # The code runs unchecked, so it must be a file that nobody else can write.
                if status.st_uid != os.geteuid() or status.st_mode & _WRITABLE_BY_OTHERS:
                    return None
                data = file.read()
        except OSError:
            return None
        digest, code = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        return code if digest == self._digest(code) else None

    def write(self, code: bytes) -> None:
        """Write the file beside its place, then rename it, so that nobody reads half of it."""
        import tempfile  # noqa: PLC0415 (most processes read alone)

        folder = self._path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # What a killed process leaves of it counts among the files of the bound.
            descriptor, name = tempfile.mkstemp(suffix=_SUFFIX, dir=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(self._digest(code) + code)
                Path(name).replace(self._path)
            except BaseException:
                Path(name).unlink()
                raise
            self._bound(folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            warnings.warn(
                f"the folder {folder} cannot keep compiled code: {reason}; each process compiles"
                " it anew, for some seconds",
                stacklevel=2,
            )

    def _digest(self, code: bytes) -> bytes:
        return sha256(self._made_of + b"\n" + code).digest()

    @staticmethod
    def _bound(folder: Path) -> None:
        """Remove the oldest files beyond the bound."""
        files = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
        for path in files[:-FILES_MAX]:
            with suppress(FileNotFoundError):  # another process removed it
                path.unlink()
