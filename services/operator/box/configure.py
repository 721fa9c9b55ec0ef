"""Configures a box anew: checks the configuration, then hands over each feed that it changes."""

from collections.abc import Callable, Mapping

from booktape.errors import ConfigError
from booktape.settings_source import FILE_VARIABLE
from services.operator.box.configurations import (
    ConfigurationMove,
    Configurations,
    find_changed,
    find_strays,
)
from services.operator.box.moving import Mover
from services.operator.box.program_file import ProgramFile
from services.operator.box.releases import Box
from services.operator.commands.up import say
from services.operator.supervision.supervisor import Supervisor
from shared.process.files import Lock
from shared.process.settings import Settings
from shared.process.state import INGEST_PREFIX

Load = Callable[[Mapping[str, str]], Settings]


def configure(
    configurations: Configurations,
    box: Box,
    digest: str,
    environment: Mapping[str, str],
    load: Load,
    *,
    connect: Callable[[Settings], Supervisor],
) -> None:
    """Move every changed program to the configuration; on any fault move all of them back."""
    path = configurations.path(digest)
    before = configurations.digest(configurations.live)
    old = load(environment)
    new = load({**environment, FILE_VARIABLE: str(path)})
    strays = find_strays(path)
    if strays:
        raise ConfigError(strays)
    supervisor = connect(old)
    moves = [
        ConfigurationMove(
            configurations, name, (before, digest), environment, is_plain=_is_plain(name, new)
        )
        for name in find_changed(old, new, supervisor.programs())
    ]
    conf, release = ProgramFile(box, supervisor), box.release(box.current)

    def finish() -> None:
        configurations.point(configurations.live, digest)
        conf.move(new, release)
        configurations.point(configurations.current, digest)

    def undo() -> None:
        configurations.point(configurations.live, before)
        conf.put_back(release)

    with Lock(old.state.folder.deploy_lock):  # `status` sees that it is under way
        Mover(new, supervisor).run(moves, finish=finish, undo=undo)
    say(f"configured: {digest} is live, {len(moves)} programs were moved")
    configurations.prune({digest, before})


def _is_plain(name: str, settings: Settings) -> bool:
    """Return whether a program records nothing with these settings."""
    exchange = settings.exchanges.get(name.removeprefix(INGEST_PREFIX))
    return exchange is not None and not exchange.enabled
