"""Finds the pair of markets of a premium in the configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import ValidationError, convert

from booktape.errors import ConfigError
from booktape.settings_source import find_file, read_environment, read_file

_KEY: Final = ("dashboard", "spread")
_LENGTHS: Final = (0, 2, 4)
TAKES: Final = "[A, B], [A, B, a currency in the quote of A, the same in that of B], or []"


def find_pair(environment: Mapping[str, str], folder: Path) -> list[str]:
    """Return `[dashboard] spread`; an empty list if it is not configured."""
    given = read_file(find_file(environment, folder)) | read_environment(environment)
    found = given.get(_KEY)
    if found is None:
        return []
    try:
        markets = convert(found.value, list[str])
    except ValidationError:
        markets = None
    if markets is None or len(markets) not in _LENGTHS or not all(":" in one for one in markets):
        raise ConfigError([f"{'.'.join(_KEY)} = {found.value!r} in {found.origin}: takes {TAKES}"])
    return markets
