"""Runs of the simulation: one by its seed, with all that the code logs, or many on every core."""

import argparse
import logging
import sys
import time

from typing_extensions import override

from shared.process import log
from tests.simulation.campaign import PARQUET_EVERY, run_campaign, run_seed
from tests.simulation.walk import walk_all


def main() -> int:
    """Run what was asked for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="the one run to repeat")
    parser.add_argument("--first", type=int, default=0, help="the first seed of many")
    parser.add_argument("--count", type=int, default=10_000, help="how many seeds")
    parser.add_argument("--parquet", action="store_true", help="only those with real segments")
    parser.add_argument("--walks", action="store_true", help="a fault at each boundary instead")
    parser.add_argument("--failures", type=int, default=1, help="stop after so many")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return _run_one(arguments.seed)
    if arguments.walks:
        outcome = next(walk_all(), None)
        _say(outcome or "every walk ends well")
        return 1 if outcome else 0
    step = PARQUET_EVERY if arguments.parquet else 1
    seeds = range(arguments.first, arguments.first + arguments.count, step)
    begin_s, failures = time.monotonic(), 0
    for outcome in run_campaign(seeds):
        _say(outcome)
        failures += 1
        if failures >= arguments.failures:
            break
    _say(f"{len(seeds)} runs, {failures} failures, {time.monotonic() - begin_s:.0f} s")
    return 1 if failures else 0


def _run_one(seed: int) -> int:
    log.setup("simulation", stream=sys.stdout)
    logging.getLogger().handlers[0].setFormatter(_Brief())
    outcome = run_seed(seed)
    _say(outcome)
    return 1 if outcome.error else 0


class _Brief(logging.Formatter):
    """What the code logs, below the step in which it does."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        facts = {k: v for k, v in vars(record).items() if k not in log._RECORD_FIELDS}
        message = record.getMessage()
        return f"      {message} {facts}" if facts else message


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
