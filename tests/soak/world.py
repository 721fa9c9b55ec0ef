"""What the faults are done to: a collector, its bucket behind a proxy, its disk."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from msgspec import Struct

from booktape.store.storage import Storage
from tests.process.collector import Collector
from tests.process.writers import make_environment
from tests.support.s3_proxy import S3Proxy
from tests.support.s3_server import BUCKET, REGION, S3Server

DISK_BYTES = 128 << 20
DISK_FREE_MIN_BYTES = 32 << 20
PREFIX = "soak"


class Disk:
    """A small disk of its own, which can be filled; only root can make one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @staticmethod
    def is_possible() -> bool:
        return os.geteuid() == 0

    def mount(self) -> None:
        self.folder.mkdir(parents=True)
        options = f"size={DISK_BYTES}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)

    def fill(self, *, but_for_bytes: int) -> None:
        """Leave so much of it free."""
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT)
        step = DISK_BYTES
        try:
            # Others write meanwhile: a step that has no room any more is halved.
            while (size := min(step, self.free_bytes - but_for_bytes)) > 0:
                try:
                    os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, size)
                except OSError:
                    step = size // 2
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)

    @property
    def free_bytes(self) -> int:
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def unmount(self) -> None:
        # Lazily: a process that is still dying may have its log open there.
        command = ["umount", "--lazy", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)


class World(Struct):
    """All of it, and the dice."""

    collector: Collector
    server: S3Server
    proxy: S3Proxy
    disk: Disk | None
    random: Random


@contextmanager
def make_world(
    folder: Path, random: Random, *, is_https: bool, options: dict[str, list[str]]
) -> Iterator[World]:
    """Start a bucket, two exchanges and everything that records them."""
    with ExitStack() as stack:
        disk = Disk(folder / "var") if Disk.is_possible() else None
        if disk:
            disk.mount()
            stack.callback(disk.unmount)
            # For who wants to know what went wrong: the disk goes.
            stack.callback(shutil.copytree, disk.folder / "log", folder / "log")
        server = S3Server(_make(folder / "bucket"), is_https=is_https)
        stack.callback(server.kill)
        # The server forgets a bucket when it is killed before there is something in it.
        server.client().put_object(Bucket=BUCKET, Key="something", Body=b"")
        proxy = S3Proxy(server)
        stack.callback(proxy.close)
        collector = stack.enter_context(
            Collector(
                folder,
                storage=Storage(f"s3://{BUCKET}/{PREFIX}", REGION, proxy.url),
                environment=make_environment(server),
                options=options,
                disk_free_min_bytes=DISK_FREE_MIN_BYTES if disk else 1 << 20,
            )
        )
        if disk:
            stack.callback(disk.empty)
        collector.start()
        yield World(collector, server, proxy, disk, random)


def _make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
