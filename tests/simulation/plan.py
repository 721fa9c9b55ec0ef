"""What one run is like: drawn from its seed, so that each run is bad in a way of its own."""

from random import Random
from typing import Final

from msgspec import Struct

from shared.process.settings import WriterSettings

Line = tuple[str, str]  # exchange and line

_ONE: Final = (("toy", "a"),)
_LINES: Final = (_ONE, _ONE, (("toy", "a"), ("toy", "b")), (("toy", "a"), ("other", "a")))


class Plan(Struct, frozen=True, kw_only=True):
    """The machine, and how often what happens; a plan of the defaults has no faults."""

    # Real segments, or lines of text; a folder, or a bucket.
    is_parquet: bool = False
    is_folder: bool = False
    lines: tuple[Line, ...] = _ONE
    # Bounds, so small that a short run reaches them.
    settings: WriterSettings = WriterSettings(flush_interval_s=2.0, flush_rows=10)
    pipe_frames_max: int = 8
    recuts: bool = False  # the pipe: frames are sent as others than were written
    journal_file_bytes_max: int = 500
    frames_per_step_max: int = 3
    multipart_bytes_min: int = 600
    # How likely in each step: a crash, and that it is a power cut; that another thread runs
    # meanwhile; that a call to the disk fails. How likely each request to the bucket fails.
    crashes: float = 0.0
    power_cuts: float = 0.0
    switches: float = 0.0
    failures: float = 0.0
    trouble: float = 0.0
    # What a step is, by its weight.
    steps: dict[str, float] = {}


def draw_plan(random: Random, *, is_parquet: bool) -> Plan:
    """Return the plan of a run; about half of the kinds of faults are left out of each."""
    choice = random.choice
    return Plan(
        is_parquet=is_parquet,
        is_folder=random.random() < 0.3,
        lines=choice(_LINES),
        settings=WriterSettings(
            flush_interval_s=choice((2.0, 20.0)),
            flush_rows=choice((20, 60, 1000)),
            flush_bytes=choice((4_000, 1 << 20)),
        ),
        pipe_frames_max=choice((3, 8, 30)),
        recuts=random.random() < 0.3,
        journal_file_bytes_max=choice((500, 2000)),
        frames_per_step_max=choice((3, 100)),
        multipart_bytes_min=choice((600, 1 << 20)),
        crashes=choice((0.0, 0.05, 0.15, 0.3)),
        power_cuts=choice((0.0, 0.3, 0.7)),
        switches=choice((0.0, 0.2, 0.6)),
        failures=choice((0.0, 0.0, 0.03, 0.1)),
        trouble=choice((0.0, 0.0, 0.1, 0.4)),
        steps={
            "turn": 20.0,
            "wait": 2.0,
            "start": 3.0,
            "stop": 0.3,
            "lose_frames": choice((0.0, 1.0)),
            "change_store": choice((0.0, 1.0)),
            "fill_disk": choice((0.0, 0.0, 0.5)),
            "rot": choice((0.0, 0.0, 1.0)),
            "heal": choice((0.0, 1.0)),
            # The proof of a real tape would rightly miss what an older disk does not have.
            "go_back": 0.0 if is_parquet else choice((0.0, 0.0, 0.0, 1.0)),
            "lose_session": choice((0.0, 0.0, 0.0, 1.0)),
            "set_clock": choice((0.0, 0.0, 0.1)),
            # The proof of a real tape would rightly miss what was set aside.
            "squat": 0.0 if is_parquet else choice((0.0, 0.0, 0.0, 0.5)),
        },
    )
