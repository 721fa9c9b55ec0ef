"""Faults one after the other and at once, as the dice fall, and the proof at the end."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from msgspec import Struct, field

from services.simulator.found import load
from tests.process.collector import EXCHANGES, FEEDS, PROCESSES
from tests.process.standing import wait_until
from tests.soak.faults import ALONE, INSTANT, LASTING, ON_A_DISK
from tests.soak.world import World, make_world
from tests.support.judge import Verdict
from tests.support.tape_reader import Truth

BACK_S = 150.0  # until every process runs and reports again, whatever was done to it
MARKETS = ["--symbols", "4", "--rate", "60", "--stall-s", "25"]
# A feed that starts while a market is delisted learns of its return in minutes: not in the end.
# Whoever heeds a 429 without an end asks nothing for a quarter of an hour: nor is a book begun.
LEFT_OUT = {"bad_symbol", "endless_429"}


class Outcome(Struct):
    """What was done, and what became of what was sent."""

    faults: Counter[str] = field(default_factory=Counter)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        return not any(verdict.faults for verdict in self.verdicts.values())


def run(
    folder: Path, *, seconds: float, seed: int, is_https: bool, kinds: Iterable[str] | None = None
) -> Outcome:
    """Do faults for so long, of every kind or of these; drain, verify, compare."""
    random = Random(seed)
    outcome = Outcome()
    options = {
        name: [*MARKETS, "--seed", str(seed), "--faults", ",".join(_faults(name))]
        for name in EXCHANGES
    }
    with make_world(folder, random, is_https=is_https, options=options) as world:
        wait_until(world.collector.is_live)
        end_s = time.monotonic() + seconds
        names = deal(world, list(kinds) if kinds is not None else [*INSTANT, *LASTING])
        while time.monotonic() < end_s:
            do_some(world, names, outcome.faults)
            wait_until(lambda: _are_back(world), seconds=BACK_S)
        world.collector.finish()
        outcome.verdicts = world.collector.prove(world.server)
        for exchange in EXCHANGES:
            for line in Truth(world.collector.truth(exchange)).lines:
                if line["type"] == "fault":
                    outcome.faults[f"exchange: {line['fault']}"] += 1
    return outcome


def deal(world: World, kinds: list[str]) -> Iterator[str]:
    """Yield kinds for ever, each as often as any other."""
    possible = [kind for kind in kinds if world.disk or kind not in ON_A_DISK]
    if not world.disk:
        say(f"only root can make a small disk to fill: without {', '.join(sorted(ON_A_DISK))}")
    while True:
        yield from world.random.sample(possible, len(possible))


def do_some(world: World, names: Iterator[str], done: Counter[str]) -> None:
    """Do the next fault; while it lasts, where it does, a few others that come at once."""
    name, random = next(names), world.random
    say(name)
    done[name] += 1
    if name in INSTANT:
        INSTANT[name](world)
        time.sleep(random.uniform(0.0, 1.0))
        return
    lasting_s = random.choice([1.0, 5.0, 20.0, 60.0]) * random.uniform(0.5, 1.0)
    end_s = time.monotonic() + lasting_s
    end = LASTING[name](world)
    try:
        quick = [kind for kind in INSTANT if kind.startswith("kill -9") and kind not in ALONE]
        for _ in range(random.randrange(3)):
            time.sleep(random.uniform(0.0, lasting_s / 3))
            other = random.choice(quick)
            say(f"  {other}")
            done[other] += 1
            INSTANT[other](world)
        time.sleep(max(0.0, end_s - time.monotonic()))
    finally:
        end()


def _faults(exchange: str) -> list[str]:
    return [name for name in load(exchange).faults if name not in LEFT_OUT]


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _are_back(world: World) -> bool:
    processes = {process.name: process for process in world.collector.health().processes}
    return all(
        name in processes and processes[name].is_running and processes[name].is_reporting
        for name in PROCESSES
    ) and all(processes[name].state != "disk_full" for name in FEEDS)
