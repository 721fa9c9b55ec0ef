"""Makes the folder of a demo: its own configuration, state, tape and truth."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from booktape.errors import BooktapeError
from booktape.settings_source import FILE_NAME, FILE_VARIABLE, PREFIX
from services.operator.supervision.programs import socket_path
from services.operator.supervision.supervisor import Supervisor
from shared.process.settings import DashboardSettings

# This first line makes the folder ours to remove.
MARK = "# Written by `booktape demo`: everything in this folder is a demo's and may be deleted."
STATE = "var"
# Short, so that the tape has rows within a minute.
FLUSH_INTERVAL_S = 10
CHECKPOINT_INTERVAL_S = 60


class Address(Struct, frozen=True):
    """The addresses of a simulated exchange."""

    websocket_url: str
    rest_url: str


def make_folder(folder: Path, *, is_fresh: bool) -> None:
    """Make a folder that holds only the mark.

    With `is_fresh` remove an earlier demo's folder first; never remove any other folder.
    """
    conf = folder / FILE_NAME
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not (conf.is_file() and conf.read_text(encoding="utf-8").startswith(MARK)):
            raise BooktapeError(f"{folder} is no folder of a demo; choose another with --folder")
        if not is_fresh:
            raise BooktapeError(
                f"{folder} holds an earlier demo; remove it with --fresh, or keep it and choose "
                "another with --folder"
            )
        pid = Supervisor(socket_path(folder / STATE)).find_pid()
        if pid is not None:
            raise BooktapeError(
                f"a demo runs in {folder} (supervisord, process {pid}); end it first"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Even if the demo fails now, the mark shows that the folder is a demo's.
    conf.write_text(MARK + "\n", encoding="utf-8")


def write_configuration(
    folder: Path,
    addresses: Mapping[str, Address],
    dashboard: DashboardSettings,
    *,
    transport: str = "websocket",
) -> None:
    """Write the demo's own booktape.toml, with the page of the operator's configuration."""
    lines = [
        MARK,
        "",
        "[storage]",
        'url = "file:data"',
        "[state]",
        f'path = "{STATE}"',
        "[writer]",
        f"flush_interval_s = {FLUSH_INTERVAL_S}",
        "[dashboard]",
        f"port = {dashboard.port}",
        f"symbols = {json.dumps(dashboard.symbols)}",
        f"spread = {json.dumps(dashboard.spread)}",
    ]
    for name, address in addresses.items():
        lines += [
            f"[exchanges.{name}]",
            'symbols = "all"',
            f'transport = "{transport}"',
            f"checkpoint_interval_s = {CHECKPOINT_INTERVAL_S}",
            f'websocket_url = "{address.websocket_url}"',
            f'rest_url = "{address.rest_url}"',
        ]
    (folder / FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_environment(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that names this configuration alone: another may name a real bucket."""
    rest = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    return {**rest, FILE_VARIABLE: str(folder / FILE_NAME)}
