"""Prints the metrics once, as the page's `/metrics` has them."""

from collections.abc import Callable

from services.operator.health.health import gather
from services.operator.metrics.exposition import format_text
from services.operator.metrics.metrics import collect
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.settings import Settings


def run(settings: Settings, *, clock_ns: Callable[[], int]) -> int:
    """Print the metrics; return 0 even if they show troubles."""
    state = settings.state.path
    health = gather(state, Supervisor(socket_path(state)), now_ns=clock_ns())
    print(format_text(collect(health)), end="")
    return 0
