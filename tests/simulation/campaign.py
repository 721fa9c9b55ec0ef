"""Many runs, each by its seed."""

import gc
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from typing_extensions import override

from tests.simulation.plan import draw_plan
from tests.simulation.world import World

PARQUET_EVERY: Final = 50  # of how many runs one writes real segments
RUNS_AT_A_TIME: Final = 40
TRACE_LINES_MAX: Final = 40
_MEMORY: Final = Path("/dev/shm")  # a disk in memory


class Outcome(NamedTuple):
    """What became of a run: what happened in it, and which promise it broke."""

    seed: int
    trace: list[str]
    error: str | None

    @override
    def __str__(self) -> str:
        if self.error is None:
            return f"seed {self.seed} keeps every promise"
        steps = "\n  ".join(self.trace[-TRACE_LINES_MAX:])
        again = f"python -m tests.simulation {self.seed}"
        return f"seed {self.seed}: {self.error}\n  {steps}\nAgain: {again}"


def run_seed(seed: int) -> Outcome:
    """Do one run."""
    random = Random(seed)
    plan = draw_plan(random, is_parquet=seed % PARQUET_EVERY == 0)
    with scratch() as root:
        world = World(root, plan, random)
        try:
            world.run()
        except Exception as error:  # noqa: BLE001 (an assertion of the code is a failure too)
            return Outcome(seed, world.machine.trace, f"{type(error).__name__}: {error}")
    return Outcome(seed, world.machine.trace, None)


def run_seeds(seeds: range) -> list[Outcome]:
    """Do these runs; return those that failed."""
    with undisturbed():
        return [outcome for outcome in map(run_seed, seeds) if outcome.error]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Log nothing and collect no cycles, which would take a third of the time."""
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        logging.disable(logging.NOTSET)


def run_campaign(seeds: range) -> Iterator[Outcome]:
    """Do these runs on every core; yield each failure when it is found."""
    parts = [seeds[at : at + RUNS_AT_A_TIME] for at in range(0, len(seeds), RUNS_AT_A_TIME)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        try:
            for failures in pool.map(run_seeds, parts):
                yield from failures
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """Return a folder in memory, where there is such a thing."""
    folder = tempfile.mkdtemp(dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder)
