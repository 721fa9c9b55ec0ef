"""The command: every kind of fault against all of booktape for as long as asked, and the proof."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.campaign import Outcome, run
from tests.support.judge import Verdict

FAULTS_SHOWN = 20
COLUMNS = (
    ("sent", "messages of a live book, and trades, handed to a websocket"),
    ("stored", "on the tape: these, snapshots, and trades that were asked for"),
    ("unread", "the last of a websocket that was cut or whose client was killed"),
    ("in holes", "in journal records that were damaged; each a `journal_hole` row"),
    ("gaps", "breaks that the exchange made; each a `gap` row, and no other"),
    ("lost", ""),
    ("doubled", ""),
)


def main() -> int:
    """Return 0 where nothing was lost, doubled or invented, else 1."""
    options = _parse()
    seed = options.seed if options.seed is not None else int(time.monotonic_ns() % 1_000_000)
    folder = Path(options.folder or tempfile.mkdtemp(prefix="booktape-soak-"))
    print(f"{options.seconds:g} s of faults, seed {seed}, in {folder}", flush=True)
    outcome = run(folder / "soak", seconds=options.seconds, seed=seed, is_https=not options.http)
    print(format_outcome(outcome))
    if outcome.is_well and not options.folder:
        shutil.rmtree(folder)
    return 0 if outcome.is_well else 1


def format_outcome(outcome: Outcome) -> str:
    """Return what was done and what became of it."""
    width = max(map(len, outcome.faults), default=0)
    lines = ["", "faults"]
    lines += [f"  {kind:<{width}}  {count:>6,}" for kind, count in sorted(outcome.faults.items())]
    lines += ["", " " * 10 + "".join(f"{name:>10}" for name, _ in COLUMNS)]
    for exchange, verdict in outcome.verdicts.items():
        lines.append(f"{exchange:<10}" + "".join(f"{n:>10,}" for n in _cells(verdict)))
    lines += ["", *(f"  {name}: {meaning}" for name, meaning in COLUMNS if meaning), ""]
    faults = [
        f"{exchange}: {fault}"
        for exchange, verdict in outcome.verdicts.items()
        for fault in verdict.faults
    ]
    lines += faults[:FAULTS_SHOWN]
    lines += [f"... and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
    lines.append("Nothing was lost, nothing is stored twice." if not faults else "NOT WELL.")
    return "\n".join(lines)


def _cells(verdict: Verdict) -> tuple[int, ...]:
    return (
        verdict.sent,
        verdict.stored,
        verdict.unread,
        verdict.in_holes,
        verdict.gaps,
        len(verdict.lost),
        len(verdict.doubled),
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="of faults; 600")
    parser.add_argument("--seed", type=int, help="of the dice; else another each time")
    parser.add_argument("--folder", help="where; kept then, else only where something is wrong")
    parser.add_argument("--http", action="store_true", help="reach the bucket without TLS")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
