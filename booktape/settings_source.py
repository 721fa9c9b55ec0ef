"""Reads settings from their source, a TOML file or the environment, unchecked."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from booktape.errors import ConfigError

FILE_NAME = "booktape.toml"
FILE_VARIABLE = "BOOKTAPE_CONFIG"
# BOOKTAPE__A__B sets [a] b.
PREFIX = "BOOKTAPE__"

Key = tuple[str, ...]


class Given(NamedTuple):
    """A value, with its origin."""

    value: object
    origin: str


def find_file(environment: Mapping[str, str], folder: Path) -> Path:
    """Return the absolute path of the configuration file; the default one may be missing."""
    named = environment.get(FILE_VARIABLE, "")
    path = (folder / (named or FILE_NAME)).absolute()
    if named and not path.is_file():
        raise ConfigError([f"{FILE_VARIABLE} = {named!r}: no such file"])
    return path


def read_file(path: Path) -> dict[Key, Given]:
    """Return every key of the file; none if the file is missing."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except ValueError as error:  # a fault of TOML or of UTF-8
        raise ConfigError([f"{path}: is not TOML: {error}"]) from error
    return {key: Given(value, path.name) for key, value in _flatten(table)}


def read_environment(environment: Mapping[str, str]) -> dict[Key, Given]:
    """Return every key that the environment sets, as TOML if it is TOML, else as text."""
    given: dict[Key, Given] = {}
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX):
            prefix = tuple(name.removeprefix(PREFIX).lower().split("__"))
            for key, value in _flatten(_read_value(text), prefix):
                given[key] = Given(value, name)
    return given


def _read_value(text: str) -> object:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    # A line break would begin another key.
    return table["value"] if len(table) == 1 else text


def _flatten(value: object, prefix: Key = ()) -> Iterator[tuple[Key, object]]:
    """Yield each key by its full name; a table without keys stands for itself."""
    if not isinstance(value, dict) or (not value and prefix):
        yield prefix, value
        return
    for name, inner in value.items():
        yield from _flatten(inner, (*prefix, name))
