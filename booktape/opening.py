"""Opens a tape that a URL or a path names."""

from os import PathLike, fspath
from pathlib import Path
from typing import Final, get_type_hints

import msgspec

from booktape.answers.reading import Reading
from booktape.ledger import Ledger
from booktape.segments.opened import Segments
from booktape.store.opening import open_store
from booktape.store.protocol import Store
from booktape.store.storage import Storage
from booktape.tape import Tape

MEMORY_BYTES: Final = 268_435_456


def open_tape(
    url: str | PathLike[str],
    *,
    region: str = "",
    endpoint_url: str = "",
    cache: str | PathLike[str] | None = None,
    certified: bool = True,
    memory_bytes: int = MEMORY_BYTES,
) -> Tape:
    """Return a tape; raise `NotATape` if there is none, `StoreError` if the store fails.

    `url` is "file:<folder>", "s3://<bucket>/<prefix>" or a path. `cache` is a folder that keeps
    objects of a bucket, which never change. Certified days are preferred unless `certified` is
    false; the answers are the same. A scan takes about `memory_bytes` at most.
    """
    return Tape(
        open_reading(
            url,
            region=region,
            endpoint_url=endpoint_url,
            cache=cache,
            certified=certified,
            memory_bytes=memory_bytes,
        )
    )


def open_reading(
    url: str | PathLike[str],
    *,
    region: str = "",
    endpoint_url: str = "",
    cache: str | PathLike[str] | None = None,
    certified: bool = True,
    memory_bytes: int = MEMORY_BYTES,
) -> Reading:
    """Return the base of every read of a tape; arguments and errors are those of `open_tape`."""
    if memory_bytes <= 0:
        raise ValueError(f"memory_bytes is {memory_bytes}: give a number of bytes above 0")
    storage = make_storage(url, region=region, endpoint_url=endpoint_url)
    store: Store = open_store(storage)
    if cache is not None and storage.url.startswith("s3://"):
        from booktape.store.cache import CachedStore  # noqa: PLC0415 (few have one)

        store = CachedStore(store, Path(cache), scope=f"{storage.endpoint_url} {storage.url}")
    ledger = Ledger(store, storage.url, certified=certified)
    return Reading(ledger, Segments(store, ledger.gather), memory_bytes=memory_bytes)


def make_storage(url: str | PathLike[str], *, region: str, endpoint_url: str) -> Storage:
    """Return the settings of a store; raise ValueError for an invalid one."""
    text = fspath(url)
    if text and not text.startswith(("file:", "s3:")) and "://" not in text:
        text = f"file:{text}"
    settings = {"url": text, "region": region, "endpoint_url": endpoint_url}
    try:
        return msgspec.convert(settings, Storage)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].rstrip("`")
        takes = get_type_hints(Storage, include_extras=True)[name].__metadata__[-1].description
        raise ValueError(f"{text!r} cannot be opened: {name} takes {takes}") from None
