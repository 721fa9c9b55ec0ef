"""Inputs by their numbers, each within a bound of time, all within a bound of memory."""

import gc
import logging
import os
import resource
import signal
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from random import Random
from types import FrameType
from typing import Final, NamedTuple, NoReturn

from typing_extensions import override

from tests.fuzz.targets import TARGETS, Target, run_target

INPUT_S_MAX: Final = 5.0  # of CPU
MEMORY_BYTES_MAX: Final = 512 * 1024 * 1024  # beyond what a process has when it begins
PART_INPUTS: Final = 2000
FAILURES_MAX: Final = 3  # of one target and part
_MEMORY: Final = Path("/dev/shm")  # a disk in memory


class Hang(BaseException):
    """An input takes longer than any may; nothing between here and the campaign catches it."""


class Failure(NamedTuple):
    """One input that a target did not take as it should."""

    target: str
    number: int
    reason: str

    @override
    def __str__(self) -> str:
        again = f'python -m tests.fuzz --target "{self.target}" --number {self.number}'
        return f"{self.target} {self.number}: {self.reason}\nAgain: {again}"


class Part(NamedTuple):
    """What became of some inputs of one target."""

    tried: int
    failures: list[Failure]


def run_campaign(targets: Sequence[Target], inputs: int, *, seed: int) -> Iterator[Part]:
    """Try so many inputs, shared out among the targets; yield what became of them."""
    total = sum(target.share for target in targets)
    jobs = []
    for target in targets:
        count = max(1, round(inputs * target.share / total))
        first = seed * 10**9
        jobs += [
            (target.name, range(first + at, first + min(at + PART_INPUTS, count)))
            for at in range(0, count, PART_INPUTS)
        ]
    jobs.sort(key=lambda job: job[1].start)  # every target soon has its first turn
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=get_context("spawn"), initializer=bound_memory
    ) as pool:
        yield from pool.map(run_part, *zip(*jobs, strict=True))


def bound_memory() -> None:
    """Let this process fail by a MemoryError rather than grow without end."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES_MAX
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def run_part(name: str, numbers: range) -> Part:
    """Try these inputs of one target."""
    target = next(target for target in TARGETS if target.name == name)
    failures: list[Failure] = []
    tried = 0
    logging.disable(logging.CRITICAL)
    gc.freeze()
    with scratch() as folder:
        for number in numbers:
            failure = _try(target, number, folder)
            tried += 1
            failures += [failure] if failure else []
            if len(failures) >= FAILURES_MAX:
                break
    logging.disable(logging.NOTSET)
    return Part(tried, failures)


def run_one(target: Target, number: int) -> Failure | None:
    """Try one input."""
    with scratch() as folder:
        return _try(target, number, folder)


def _try(target: Target, number: int, folder: Path) -> Failure | None:
    with within(INPUT_S_MAX):
        try:
            run_target(target, Random(number), folder)
        except Hang:
            return Failure(target.name, number, f"it takes more than {INPUT_S_MAX:g} s")
        except Exception:  # noqa: BLE001 (whatever the targets do not expect)
            return Failure(target.name, number, traceback.format_exc(limit=-4))
    return None


@contextmanager
def within(cpu_s: float) -> Iterator[None]:
    """Raise `Hang` in what takes more CPU than this."""
    signal.signal(signal.SIGVTALRM, _hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)


def _hang(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Hang


@contextmanager
def scratch() -> Iterator[Path]:
    """Return an empty folder in memory, where there is such a thing."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as name:
        yield Path(name)
