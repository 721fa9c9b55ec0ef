"""Many inputs for every target on every core, or one of them again.

`make fuzz` gives 1,000,000; `make fuzz INPUTS=N SEED=S` others. Each input has a number, from
which it is made: a failure names its target and that number, and
`python -m tests.fuzz --target NAME --number N` tries it again.
"""

import argparse
import sys
import time

from tests.fuzz.campaign import Failure, run_campaign, run_one
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Run what was asked for; return 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=time.time_ns() // 10**9)
    parser.add_argument("--target", choices=[target.name for target in TARGETS])
    parser.add_argument("--number", type=int, help="the one input to try again")
    arguments = parser.parse_args()
    targets = [t for t in TARGETS if arguments.target in {None, t.name}]
    if arguments.number is not None:
        failure = run_one(targets[0], arguments.number)
        _say(failure or f"{targets[0].name} {arguments.number}: all is well")
        return 1 if failure else 0
    _say(f"seed {arguments.seed}")
    begin_s = time.monotonic()
    failures: list[Failure] = []
    tried = 0
    for part in run_campaign(targets, arguments.inputs, seed=arguments.seed):
        tried += part.tried
        failures += part.failures
        for failure in part.failures:
            _say(failure)
    _say(f"{tried:,} inputs, {len(failures)} failures, {time.monotonic() - begin_s:.0f} s")
    return 1 if failures else 0


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
