"""Runs Bitvavo's ingest process with two changes for benchmarks.

It asks for snapshots without a pause, so that a benchmark need not wait for minutes until all books
are live. With a file it notes there the time at which each write to the journal returned.
"""

import array
import os
import sys
import time
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from services.__main__ import find_exchanges
from services.ingest_bitvavo.exchange import EXCHANGE
from shared.delivery.frame import Frame
from shared.delivery.journal import Journal
from shared.exchange import Limit
from shared.ingest.process import run
from shared.process.configured import load_settings

UNLIMITED: Final = Limit(points=1_000_000, interval_s=60.0)


_append = Journal.append
_notes = array.array("q")


def append_and_note(journal: Journal, frame: Frame) -> None:
    """Note the last event number of a frame, and when it was written."""
    _append(journal, frame)
    _notes.extend((frame.last, time.time_ns()))


def main(arguments: list[str]) -> int:
    """Record until told to stop."""
    if arguments:
        Journal.append = append_and_note  # type: ignore[assignment, method-assign]
    settings = load_settings(find_exchanges(), os.environ)
    unpaced = replace(EXCHANGE, snapshot_interval_s=0.0, limits={"points": UNLIMITED})
    status = run(unpaced, settings)
    for path in arguments:
        Path(path).write_bytes(_notes.tobytes())
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
