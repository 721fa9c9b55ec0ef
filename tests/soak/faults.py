"""Each kind of fault: some are done at once, some last until they are ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from shared.delivery.frame import decode
from shared.process.record_file import HEADER, MAGIC
from tests.process.collector import EXCHANGES, FEEDS, PROCESSES, WRITER
from tests.process.standing import wait_until
from tests.soak.world import DISK_FREE_MIN_BYTES, World
from tests.support.s3_proxy import MODES, Mode

HANDOVER_S = 60.0
TORN = HEADER.pack(MAGIC, 1000, 0) + b"torn" * 20
Instant = Callable[[World], object]
Lasting = Callable[[World], Callable[[], None]]  # returns what ends it


# --- at once ------------------------------------------------------------------------------------


def kill(name: str, world: World) -> None:
    """End a process by KILL, at whatever it does; supervisord starts it again."""
    world.collector.kill(name)


def restart(program: str, world: World) -> None:
    """Restart a program as an operator does."""
    world.collector.control("restart", program)


def kill_supervisord(world: World) -> None:
    """Kill supervisord, start another one, then end what the first one has left behind."""
    collector = world.collector
    orphans = {pid for pid in map(collector.pid, PROCESSES) if pid is not None}
    running = {each.pid for each in collector.recording.supervisor.programs().values()} - {0}
    child = collector.recording._child
    assert child is not None
    child.kill()
    child.wait()
    for pid in running - orphans:  # nobody's outage: the page and the certifier
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    collector.start()
    holders = {collector.pid(name) for name in PROCESSES}
    for pid in orphans & holders:
        assert pid is not None
        os.kill(pid, world.random.choice([signal.SIGTERM, signal.SIGKILL]))


def hand_over(world: World) -> None:
    """Restart a feed without a hole; give up where an exchange is at fault meanwhile."""
    collector = world.collector
    with subprocess.Popen(
        [sys.executable, "-m", "services", "handover", world.random.choice(EXCHANGES)],
        cwd=collector.folder,
        env=collector.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as handover:
        try:
            handover.wait(HANDOVER_S)
        except subprocess.TimeoutExpired:
            handover.send_signal(signal.SIGINT)
            handover.wait()


def tear_journal(world: World) -> None:
    """End a feed and leave half a record behind what it wrote, as a power cut may."""
    program = f"ingest_{world.random.choice(EXCHANGES)}"
    end_stop = stop_writer(world)
    try:
        path = _stop_feed(world, program)
        if path:
            with path.open("ab") as file:
                file.write(TORN)
    finally:
        world.collector.control("start", program)
        end_stop()


def flip_bit(world: World) -> tuple[Path, int] | None:
    """Damage a record that the writer has not got yet: its events are gone, and told as a hole.

    Return its file and where it lies there.
    """
    collector, random = world.collector, world.random
    program = f"ingest_{random.choice(EXCHANGES)}"
    collector.control("stop", WRITER)
    try:
        let_grow(world, program)
        path = _stop_feed(world, program)
        if path is None:
            return None
        return path, damage_record(path, _committed(world, path.parent.name), random.random())
    finally:
        collector.control("start", program)
        collector.control("start", WRITER)


def damage_record(path: Path, committed: int, share: float) -> int:
    """Flip a bit in one of the records from a number on, not the last; return where it begins."""
    records = [(at, size) for at, size, first in read_records(path) if first >= committed][:-1]
    assert records, "nothing is left to damage"
    offset, size = records[int(share * len(records))]
    with path.open("r+b") as file:
        file.seek(offset + HEADER.size + size // 2)
        [byte] = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0x10]))
    return offset


def read_records(path: Path) -> list[tuple[int, int, int]]:
    """Return offset, size of the payload and first event number of each record of a file."""
    data, offset, records = path.read_bytes(), 0, []
    while offset < len(data):
        magic, size, _ = HEADER.unpack_from(data, offset)
        assert magic == MAGIC
        start = offset + HEADER.size
        records.append((offset, size, decode(data[start : start + size]).first))
        offset = start + size
    return records


def _stop_feed(world: World, program: str) -> Path | None:
    """Stop a feed; return the last file of its journal, if there is anything in it."""
    session = world.collector.ingest(f"{program}-a").session
    world.collector.control("stop", program)
    folder = world.collector.state / "journal" / program.removeprefix("ingest_") / session
    files = sorted(folder.glob("*.journal"))
    return files[-1] if files and files[-1].stat().st_size else None


def let_grow(world: World, program: str) -> None:
    """Wait until a feed has journalled something that no writer can have."""
    before = world.collector.ingest(f"{program}-a").journal_next

    def has_grown() -> bool:
        return world.collector.ingest(f"{program}-a").journal_next > before + 20

    wait_until(has_grown)


def _committed(world: World, session: str) -> int:
    known = world.collector.state / "sessions" / f"{session}.json"
    spool = world.collector.state / "spool"
    lasts = [int(path.stem.rpartition("-")[2]) + 1 for path in spool.glob(f"{session}-*.json")]
    number: int = msgspec.json.decode(known.read_bytes())["next"] if known.exists() else 0
    return max([number, *lasts])


# --- for a while --------------------------------------------------------------------------------


def stop_writer(world: World) -> Callable[[], None]:
    """Freeze the writer; it may be killed meanwhile."""
    pid = world.collector.pid(WRITER)
    if pid is not None:
        os.kill(pid, signal.SIGSTOP)

    def go_on() -> None:
        if pid is not None and pid == world.collector.pid(WRITER):
            os.kill(pid, signal.SIGCONT)

    return go_on


def spoil_bucket(mode: Mode, world: World) -> Callable[[], None]:
    """Let the bucket answer as it should not."""
    world.proxy.behave(mode)
    return lambda: world.proxy.behave("pass")


def kill_bucket(world: World) -> Callable[[], None]:
    """Kill the store's own server; it has its objects again later, and another user."""
    world.server.kill()
    return world.server.start


def fill_disk(share: float, world: World) -> Callable[[], None]:
    """Leave so much of what a feed needs."""
    assert world.disk is not None
    world.disk.fill(but_for_bytes=int(DISK_FREE_MIN_BYTES * share))
    return world.disk.empty


INSTANT: dict[str, Instant] = {
    **{f"kill -9 {name.removesuffix('-a')}": partial(kill, name) for name in PROCESSES},
    **{
        f"supervisorctl restart {name.removesuffix('-a')}": partial(
            restart, name.removesuffix("-a")
        )
        for name in PROCESSES
    },
    "kill -9 supervisord": kill_supervisord,
    "handover": hand_over,
    "journal torn": tear_journal,
    "journal bit flipped": flip_bit,
}
LASTING: dict[str, Lasting] = {
    "writer stopped (SIGSTOP)": stop_writer,
    **{f"bucket: {mode}": partial(spoil_bucket, mode) for mode in MODES},
    "bucket: kill -9": kill_bucket,
    "disk low: feeds close": partial(fill_disk, 0.6),
    "disk full": partial(fill_disk, 0.0),
}
ON_A_DISK = {"disk low: feeds close", "disk full"}
# What stops a process of its own waits for it, so that no frozen one may be in the way.
ALONE = {"journal torn", "journal bit flipped", "handover", "kill -9 supervisord"}
assert set(FEEDS) < set(PROCESSES)
