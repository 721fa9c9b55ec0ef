"""Finds the location of a tape: an argument, else the environment's or the configuration's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import UNSET, ValidationError, convert
from msgspec.structs import fields, replace

from booktape.errors import ConfigError
from booktape.settings_source import find_file, read_environment, read_file
from booktape.store.storage import Storage

TAPE_VARIABLE: Final = "BOOKTAPE_TAPE"
_STORAGE: Final = "storage"


def find_storage(url: str | None, environment: Mapping[str, str], folder: Path) -> Storage:
    """Return the store of this URL, else of `BOOKTAPE_TAPE`, else of `[storage]`, else `data`.

    Region and endpoint always come from `[storage]`. Paths start at `folder`, those in a
    configuration file at the file's own folder. Raise `ConfigError` for a URL that names no store.
    """
    configured = _read_configuration(environment, folder)
    named = url or environment.get(TAPE_VARIABLE)
    return _name(configured, named, folder) if named else configured


def _name(configured: Storage, url: str, folder: Path) -> Storage:
    is_url = url.startswith(("file:", "s3:")) or "://" in url
    path = url.removeprefix("file:") if url.startswith("file:") else None if is_url else url
    if path:
        url = f"file:{(folder / path).absolute()}"
    try:
        return convert(
            {"url": url, "region": configured.region, "endpoint_url": configured.endpoint_url},
            Storage,
        )
    except ValidationError:
        wanted = 'a folder, "file:<folder>" or "s3://<bucket>/<prefix>"'
        raise ConfigError([f"{url!r}: takes {wanted}"]) from None


def _read_configuration(environment: Mapping[str, str], folder: Path) -> Storage:
    """Return `[storage]` of the configuration; a reader ignores all other tables."""
    file = find_file(environment, folder)
    given = read_file(file) | read_environment(environment)
    storage, faults = Storage(), []
    for field in fields(Storage):
        found = given.get((_STORAGE, field.name), UNSET)
        if found is UNSET:
            continue
        try:
            storage = replace(storage, **{field.name: convert(found.value, field.type)})
        except ValidationError:
            takes = field.type.__metadata__[-1].description
            faults.append(
                f"{_STORAGE}.{field.name} = {found.value!r} in {found.origin}: takes {takes}"
            )
    if faults:
        raise ConfigError(faults)
    if storage.url.startswith("file:"):
        path = file.parent / storage.url.removeprefix("file:")
        storage = replace(storage, url=f"file:{path}")
    return storage
