"""One screen of how everything stands."""

from collections.abc import Callable

import msgspec

from booktape.release import RELEASE
from services.operator.health.health import Health, Process, gather
from services.operator.health.text import format_health
from services.operator.health.troubles import find_troubles
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.settings import Settings


def run(settings: Settings, *, as_json: bool, clock_ns: Callable[[], int]) -> int:
    """Print it; return 0 where all is well, 1 where something is not."""
    state = settings.state.path
    health = gather(state, Supervisor(socket_path(state)), now_ns=clock_ns())
    print(encode(health) if as_json else format_health(health))
    return 1 if find_troubles(health) else 0


def encode(health: Health) -> str:
    """Return it as JSON, with the troubles."""
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
