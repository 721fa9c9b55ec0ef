"""The supervisorctl plugin: `supervisorctl health` prints what `booktape status` prints."""

import time
from pathlib import Path
from typing import Any

from supervisor.supervisorctl import ControllerPluginBase

from services.operator.health.health import gather
from services.operator.health.text import format_health
from services.operator.health.troubles import find_troubles
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor


class HealthPlugin(ControllerPluginBase):  # type: ignore[misc] # supervisor is untyped
    """Add `health` to supervisorctl's commands."""

    def __init__(self, controller: Any, state: str) -> None:
        """Look into the folder `state`, relative to the folder of the configuration file."""
        self.ctl = controller
        conf = Path(controller.options.configfile).absolute()
        self._state = conf.parent / state

    def do_health(self, _: str) -> None:
        """Print the health of all processes; exit with 1 on a trouble."""
        supervisor = Supervisor(socket_path(self._state))
        health = gather(self._state, supervisor, now_ns=time.time_ns())
        self.ctl.output(format_health(health))
        if find_troubles(health):
            self.ctl.exitstatus = 1

    def help_health(self) -> None:
        """Explain the command."""
        self.ctl.output(
            "health\t\t\tShows the health of the feeds and the writer, as booktape status does."
        )


def make_plugin(controller: Any, state: str = "var") -> HealthPlugin:
    """Return the plugin that supervisor.conf names."""
    return HealthPlugin(controller, state)
