"""Prepares supervisor.conf and its programs for the paths of one configuration."""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import services
from booktape.errors import ConfigError
from booktape.settings_source import FILE_NAME, FILE_VARIABLE
from shared.delivery import pipe
from shared.process.files import write_atomic
from shared.process.settings import Settings
from shared.process.state import INGEST_PREFIX, SINK_PREFIX

CONF_NAME = "supervisor.conf"
COMMAND = "booktape"
SOCKET_NAME = "supervisor.sock"
# supervisord first binds its socket as <socket>.<pid>, which must fit as well.
PID_SUFFIX = ".4194304"

# The paths in supervisor.conf as shipped.
_STATE = "%(here)s/var"
_SOCKET = f"{_STATE}/run/{SOCKET_NAME}"
_PLUGIN_STATE = "\nstate=var\n"
_COMMENTED_SINK = re.compile(rf"^;\[program:{SINK_PREFIX}(\w+)\]\n(?:;.*\n)+", re.MULTILINE)
_EXPANDED_TWICE = ("stdout_logfile=", "stderr_logfile=")


class Programs(NamedTuple):
    """The files, folders and environment of a supervisord."""

    conf: Path
    socket: Path
    folder: Path
    log_folder: Path
    environment: dict[str, str]


def prepare(
    settings: Settings, environment: Mapping[str, str], *, without: Sequence[str] = ()
) -> Programs:
    """Make supervisord's folders, and a copy of its file if the copy has to differ.

    The copy has this configuration's paths and leaves out the programs `without`.
    """
    state, folder = settings.state.path, settings.state.folder
    for wanted in folder.wanted_by_supervisor:
        wanted.mkdir(parents=True, exist_ok=True)
    given = find_conf(settings.folder)
    socket = socket_path(state)
    shipped = given.read_text(encoding="utf-8")
    text = add_sinks(shipped, settings.sinks)
    made = localise(text, settings.folder, state, socket)
    is_as_given = (given.parent, state) == (settings.folder, given.parent / "var") and (
        socket == folder.run / SOCKET_NAME and "%" not in str(state)
    )
    conf = given
    made = leave_out(made, without)
    if not is_as_given or without or text != shipped:
        conf = folder.supervisor_conf
        write_atomic(conf, f"; Made by `booktape up` from {given}\n{made}".encode(), fsync=False)
    return Programs(
        conf, socket, settings.folder, folder.logs, find_environment(settings, environment)
    )


def add_sinks(text: str, sinks: Iterable[str]) -> str:
    """Return supervisor.conf with a program for each sink that lacks one.

    The example in its comments is the pattern; a file without one stays as it is.
    """
    found = _COMMENTED_SINK.search(text)
    added = ""
    for name in sinks:
        program = f"{SINK_PREFIX}{name}"
        if found and f"\n[program:{program}]\n" not in text:
            block = re.sub(r"^;", "", found[0], flags=re.MULTILINE)
            added += "\n" + block.replace(found[1], name)
    return text + added


def find_conf(folder: Path) -> Path:
    """Return the supervisor.conf of the configuration's folder, of the checkout, or as shipped."""
    places = [
        folder / CONF_NAME,
        Path(services.__file__ or "").parents[1] / CONF_NAME,
        Path(sys.prefix) / "share" / "booktape" / CONF_NAME,
    ]
    for place in places:
        if place.is_file():
            return place
    raise ConfigError([f"no {CONF_NAME} in any of {', '.join(str(p.parent) for p in places)}"])


def socket_path(state: Path) -> Path:
    """Return supervisord's socket: in the state, or a short path if that is too long."""
    path = pipe.socket_path(state, SOCKET_NAME + PID_SUFFIX)
    return path.with_name(SOCKET_NAME)


def localise(text: str, folder: Path, state: Path, socket: Path) -> str:
    """Return supervisor.conf with these paths in place of those beside the file."""
    words = [(_SOCKET, socket), (_STATE, state), ("%(here)s", folder)]
    lines = []
    for line in text.replace(_PLUGIN_STATE, f"\nstate={_STATE}\n").split("\n"):
        # supervisord expands each % once, and in the path of a log twice.
        percent = "%%%%" if line.startswith(_EXPANDED_TWICE) else "%%"
        for word, path in words:
            line = line.replace(word, str(path).replace("%", percent))  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines)


def leave_out(text: str, names: Sequence[str]) -> str:
    """Return supervisor.conf without these programs."""
    for name in names:
        section = rf"^\[program:{re.escape(name)}\]\n(?:(?!\[).*\n?)*"
        text = re.sub(section, "", text, flags=re.MULTILINE)
    return text


def find_unrecorded(conf: Path, exchanges: Iterable[str]) -> list[str]:
    """Return the exchanges whose feed is no program of supervisor.conf."""
    text = conf.read_text(encoding="utf-8")
    return [name for name in exchanges if f"\n[program:{INGEST_PREFIX}{name}]\n" not in text]


def find_environment(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which children find our command and this configuration."""
    own = str(Path(sys.executable).parent)
    inherited = environment.get("PATH", os.defpath)
    found = {**environment, "PATH": os.pathsep.join([own, inherited])}
    if environment.get(FILE_VARIABLE):
        name = Path(environment[FILE_VARIABLE]).name
        found[FILE_VARIABLE] = str(settings.folder / (name or FILE_NAME))
    return found
