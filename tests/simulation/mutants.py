"""Shows that the simulation can fail: each mutation of the code must be caught by some seed.

`make mutants` applies them one by one to a copy of the tree. A name on the command line chooses
those that have it in theirs.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.simulation.mutations import MUTATIONS, Mutation
from tests.support.paths import ROOT

TIMEOUT_S: Final = 900.0
_CAUGHT: Final = re.compile(r"seed (\d+): (.+)")


def main() -> int:
    """Try them; return 1 unless all were caught."""
    wanted = " ".join(sys.argv[1:])
    survivors = []
    for mutation in MUTATIONS:
        if wanted in mutation.name:
            begin_s = time.monotonic()
            caught = try_mutation(mutation)
            took_s = time.monotonic() - begin_s
            _say(f"{'caught' if caught else 'SURVIVED':8} {took_s:4.0f} s  {mutation.name}")
            _say(f"                 {caught}" if caught else f"  {mutation.path}")
            survivors += [] if caught else [mutation.name]
    if survivors:
        _say(f"not caught: {', '.join(survivors)}")
    return 1 if survivors else 0


def try_mutation(mutation: Mutation) -> str | None:
    """Return which seed catches it, and how; `None` where none does."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("booktape", "services", "shared", "tests/simulation", "tests/support"):
            shutil.copytree(
                ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        path = Path(folder) / mutation.path
        path.write_text(mutate(path.read_text(encoding="utf-8"), mutation), encoding="utf-8")
        command = [sys.executable, "-m", "tests.simulation", *mutation.arguments]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    match = _CAUGHT.match(done.stdout)
    if done.returncode and not match:
        raise RuntimeError(f"{mutation.name}: {done.stdout}{done.stderr}")
    return f"by seed {match[1]}: {match[2]}" if match else None


def mutate(text: str, mutation: Mutation) -> str:
    """Return the text with its one such passage changed; raise `ValueError` if it is not one."""
    if text.count(mutation.before) != 1:
        count = text.count(mutation.before)
        raise ValueError(f"{mutation.name}: {mutation.path} has {count} times {mutation.before!r}")
    return text.replace(mutation.before, mutation.after)


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
