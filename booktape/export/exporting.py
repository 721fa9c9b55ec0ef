"""Exports days of markets, one after the other, in another program's format."""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from booktape.answers.reading import Reading
from booktape.errors import MissingExtra, NotExported, TapeError
from booktape.export.days import Day
from booktape.export.folder import Folder
from booktape.times import parse_every

EACH_CHANGE: Final = "change"


class Options(Struct, frozen=True, kw_only=True):
    """A target's options; None: the target's default."""

    depth: int | None = None
    every: str | None = None
    latency_ms: float | None = None
    tick: str | None = None
    lot: str | None = None
    as_exchange: str | None = None
    stored: bool | None = None


class Target(Struct, frozen=True):
    """A format: its module, the packages that it needs, and the options that it takes."""

    module: str
    packages: tuple[str, ...]
    options: dict[str, Any]  # with their defaults
    passes: int = 1  # how often it reads a day's book


class Exported(Struct, frozen=True):
    """The result of a day: its facts, and whether this run wrote it."""

    market: str
    facts: dict[str, Any]
    is_new: bool


TARGETS: Final = {
    "hftbacktest": Target(
        "booktape.export.hftbacktest",
        ("numpy",),
        {"latency_ms": None, "tick": None, "lot": None, "stored": False},
    ),
    "parquet": Target("booktape.export.parquet", (), {"depth": 10, "every": "1s"}),
    "nautilus": Target(
        "booktape.export.nautilus", ("nautilus_trader",), {"tick": None, "lot": None}
    ),
    "tardis-csv": Target("booktape.export.tardis_csv", (), {"as_exchange": None}, passes=3),
}


def export(
    reading: Reading,
    target: str,
    markets: Sequence[str],
    *,
    date: str,
    out: str | PathLike[str],
    options: Options | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Iterator[Exported]:
    """Write a day of each market into a folder; yield each when it is written.

    An interrupted export goes on: it does not write a finished day again. `progress` gets the
    number of finished markets, parts of one included. Raise ValueError for an unknown target or
    option, `TapeError` for a day that the tape does not have. At the end raise `NotExported`, with
    one line for each market that this format cannot hold.
    """
    chosen = choose_options(target, options or Options())
    try:
        for package in TARGETS[target].packages:
            import_module(package)
        module = import_module(TARGETS[target].module)
    except ImportError:
        raise MissingExtra(f"the target {target}", *TARGETS[target].packages) from None
    passed = Passes(TARGETS[target].passes, progress)
    days = [Day(reading, market, date, progress=passed.follow) for market in markets]
    folder = Folder(Path(out), target, chosen)
    faults = []
    for done, day in enumerate(days):
        passed.begin(done)
        try:
            yield _export(day, folder, module, _parse(chosen))
        except NotExported as fault:
            faults.append(str(fault))
    if faults:
        raise NotExported("\n".join(faults))


class Passes:
    """The progress of an export: markets that are done, and passes over the book of the next."""

    def __init__(self, count: int, progress: Callable[[float], None]) -> None:
        self._count = count
        self._progress = progress
        self._done = 0
        self._passed = 0
        self._share = 0.0

    def begin(self, done: int) -> None:
        """Begin another market."""
        self._done, self._passed, self._share = done, 0, 0.0

    def follow(self, share: float) -> None:
        """Note the share of the day that a pass has read; if the share falls, a new pass began."""
        self._passed += share < self._share
        self._share = max(share, 0.0)
        passed = min(self._passed + self._share, self._count)
        self._progress(self._done + passed / self._count)


def _export(day: Day, folder: Folder, module: ModuleType, options: dict[str, Any]) -> Exported:
    facts = folder.find_done(day.name)
    if facts is None:
        with folder.claim(day.name):
            facts = folder.find_done(day.name)  # another process may have just finished it
            if facts is None:
                facts = _write(day, folder, module, options)
                return Exported(day.market.name, facts, is_new=True)
    return Exported(day.market.name, facts, is_new=False)


def _write(day: Day, folder: Folder, module: ModuleType, options: dict[str, Any]) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = module.write(day, folder, **options)
    except TapeError:
        raise
    except OSError as error:  # the error of a full disk names no path
        error.filename = error.filename or str(folder.path)
        raise
    folder.finish(day.name, facts)
    return facts


def choose_options(target: str, options: Options) -> dict[str, Any]:
    """Return the options of a target; raise ValueError for an option that it does not take."""
    if target not in TARGETS:
        raise ValueError(f"no target {target!r}; there are {', '.join(TARGETS)}")
    taken = dict(TARGETS[target].options)
    for name, value in asdict(options).items():
        if value is None:
            continue
        if name not in taken:
            text = ", ".join(f"--{known.replace('_', '-')}" for known in taken)
            raise ValueError(f"{target} takes no --{name.replace('_', '-')}; it takes {text}")
        taken[name] = value
    return taken


def _parse(options: dict[str, Any]) -> dict[str, Any]:
    """Return options in the form that a target's module takes."""
    parsed = dict(options)
    if "every" in parsed:
        every = parsed.pop("every")
        parsed["every_us"] = None if every == EACH_CHANGE else parse_every(every)
    return parsed
