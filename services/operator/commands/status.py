"""The command `status`: prints the health of all processes on one screen."""

import sys
import time
from collections.abc import Callable, Iterator

import msgspec

from booktape.release import RELEASE
from services.operator.health.health import Health, Process, gather
from services.operator.health.text import format_health
from services.operator.health.troubles import find_troubles
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.settings import Settings

# Go to the corner, then clear what is below; to clear the screen first would flicker.
_HOME, _BELOW, _LINE_END = "\x1b[H", "\x1b[J", "\x1b[K"


def run(settings: Settings, *, as_json: bool, clock_ns: Callable[[], int]) -> int:
    """Print the screen; return 0 if all is well, 1 on a trouble."""
    health = _look(settings, clock_ns)
    print(encode(health) if as_json else format_health(health))
    return 1 if find_troubles(health) else 0


def watch(
    settings: Settings,
    *,
    as_json: bool,
    clock_ns: Callable[[], int],
    ticks: Iterator[None],
) -> int:
    """Print the screen at each tick, in place of the one before; return the last exit status.

    Without a terminal the screens follow each other; with `as_json` each takes one line.
    """
    is_screen = sys.stdout.isatty() and not as_json
    status = 0
    try:
        for _ in ticks:
            health = _look(settings, clock_ns)
            text = encode_compact(health).decode() if as_json else format_health(health)
            if is_screen:
                text = _HOME + text.replace("\n", f"{_LINE_END}\n") + _LINE_END + "\n" + _BELOW
            print(text, end="" if is_screen else "\n", flush=True)
            status = 1 if find_troubles(health) else 0
    except KeyboardInterrupt:  # the usual way to end it
        pass
    return status


def tick(interval_s: float) -> Iterator[None]:
    """Yield now, and again after each interval, for ever."""
    while True:
        yield
        time.sleep(interval_s)


def encode(health: Health) -> str:
    """Return the health as JSON, with the troubles."""
    return msgspec.json.format(encode_compact(health)).decode()


def encode_compact(health: Health) -> bytes:
    """Return the same in one line."""
    troubles = find_troubles(health)
    values = {
        "release": RELEASE,
        "ok": not troubles,
        "troubles": troubles,
        **msgspec.to_builtins(health),
        "processes": [_values(process) for process in health.processes],
        "programs": [_values(process) for process in health.programs],
    }
    return msgspec.json.encode(values)


def _values(process: Process) -> dict[str, object]:
    return {**msgspec.structs.asdict(process), "state": process.state}


def _look(settings: Settings, clock_ns: Callable[[], int]) -> Health:
    state = settings.state.path
    return gather(state, Supervisor(socket_path(state)), now_ns=clock_ns())
