"""Bitvavo's ingest process, but for two things that no exchange would allow or need.

It asks for snapshots without a pause, so that a benchmark need not wait for minutes until all books
are live. Given a file it notes there when each write to the journal had returned.
"""

import array
import os
import sys
import time
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from typing_extensions import override

from services.__main__ import find_exchanges
from services.ingest_bitvavo.exchange import EXCHANGE
from shared import ingest
from shared.configured import load_settings
from shared.exchange import Limit
from shared.frame import Frame
from shared.journal import Journal

UNLIMITED: Final = Limit(points=1_000_000, interval_s=60.0)


class TimedJournal(Journal):
    """Notes the last event number of each frame, and when it was written."""

    times = array.array("q")

    @override
    def append(self, frame: Frame) -> None:
        super().append(frame)
        self.times.extend((frame.last, time.time_ns()))


def main(arguments: list[str]) -> int:
    """Record until told to stop."""
    if arguments:
        ingest.Journal = TimedJournal  # type: ignore[misc]
    settings = load_settings(find_exchanges(), os.environ)
    unpaced = replace(EXCHANGE, snapshot_interval_s=0.0, limits={"points": UNLIMITED})
    status = ingest.run(unpaced, settings)
    for path in arguments:
        Path(path).write_bytes(TimedJournal.times.tobytes())
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
