"""Runs one step of a deploy on the box; the box's scripts and units call it."""

import fcntl
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from booktape.errors import BooktapeError, ConfigError
from services.operator.box.configurations import Configurations
from services.operator.box.configure import Load, configure
from services.operator.box.drain import drain
from services.operator.box.releases import Box, SwitchError
from services.operator.box.switch import Switch
from services.operator.commands.up import say
from services.operator.health.health import gather
from services.operator.health.readiness import find_unready
from services.operator.health.text import format_health
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.files import Lock
from shared.process.settings import Settings
from shared.process.signals import STOP_SIGNALS

ROOT_VARIABLE = "BOOKTAPE_ROOT"
ROOT_DEFAULT = "/opt/booktape"
EXIT_FAULT = 1
EXIT_BUSY = 75  # EX_TEMPFAIL: another switch is under way


def run(action: str, target: str, load: Load, environment: Mapping[str, str]) -> int:
    """Run the step; return its exit status. On a fault print it and leave the box as it was."""
    try:
        if action == "ready":
            return tell_readiness(load(environment))
        root = Path(environment.get(ROOT_VARIABLE, ROOT_DEFAULT))
        _stop_once()
        with _only_one(root):
            _STEPS[action](BoxStep(root, target, environment, load))
    except ConfigError as error:
        for fault in error.faults:
            say(f"refused, and nothing was done: {fault}")
        return EXIT_FAULT
    except (BooktapeError, OSError) as error:
        say(str(error))
        return EXIT_FAULT
    return 0


def tell_readiness(settings: Settings) -> int:
    """Print each reason why the box cannot take over yet; return 0 if it can."""
    state = settings.state.path
    health = gather(state, Supervisor(socket_path(state)), now_ns=time.time_ns())
    unready = find_unready(health)
    for reason in unready:
        say(reason)
    say(format_health(health))
    return EXIT_FAULT if unready else 0


class BoxStep(NamedTuple):
    """A step's arguments."""

    root: Path
    target: str  # a release or a configuration, if the step takes one
    environment: Mapping[str, str]
    load: Load


def _settle_box(step: BoxStep) -> None:
    """Before a start, point every program at the current release and configuration.

    An interrupted deploy may have left some of them elsewhere.
    """
    box, configurations = Box(step.root), Configurations(step.root)
    digest = configurations.digest(configurations.current)
    if digest:
        configurations.point(configurations.live, digest)
    release = box.release(box.current)
    for name in box.write_conf(step.load(step.environment)):
        box.point(box.program(name), release)


def _deploy(step: BoxStep) -> None:
    _switch(step, is_rollback=False)


def _roll_back(step: BoxStep) -> None:
    _switch(step, is_rollback=True)


def _switch(step: BoxStep, *, is_rollback: bool) -> None:
    settings = step.load(step.environment)
    switch = Switch(Box(step.root), settings, step.environment, _connect(settings))
    with Lock(settings.state.folder.deploy_lock):  # `status` sees that it is under way
        switch.run(step.target, is_rollback=is_rollback)


def _configure(step: BoxStep) -> None:
    configurations = Configurations(step.root)
    box = Box(step.root)
    configure(configurations, box, step.target, step.environment, step.load, connect=_connect)


def _drain(step: BoxStep) -> None:
    drain(step.load(step.environment).state.path)


def _connect(settings: Settings) -> Supervisor:
    return Supervisor(socket_path(settings.state.path))


_STEPS: dict[str, Callable[[BoxStep], None]] = {
    "configure": _configure,
    "deploy": _deploy,
    "rollback": _roll_back,
    "settle": _settle_box,
    "drain": _drain,
}


def _stop_once() -> None:
    """Turn the first signal into a fault, which undoes the step; ignore later signals."""

    def stop(number: int, _: FrameType | None) -> None:
        for each in STOP_SIGNALS:
            signal.signal(each, lambda *_: None)
        raise SwitchError(f"stopped by {signal.Signals(number).name}")

    for each in STOP_SIGNALS:
        signal.signal(each, stop)


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    path = root / "programs" / "switch.lock"  # where the service may write
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another switch of this box is under way, and nothing was done")
            raise SystemExit(EXIT_BUSY) from None
        yield
