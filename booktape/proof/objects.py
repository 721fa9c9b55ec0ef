"""Objects held against what a tape says of them: a manifest, a segment."""

import hashlib

import msgspec

from booktape.errors import TapeError
from booktape.keys import Key
from booktape.manifest import Manifest, TableEntry, decode_manifest
from booktape.proof.listing import TapeListing
from booktape.proof.rows import Broken
from booktape.store.protocol import Store
from booktape.tables import SCHEMAS


def read_manifest(store: Store, listing: TapeListing, key: Key) -> Manifest:
    """Return a manifest that names what is listed; raise `Broken` for any other."""
    data = store.get(key.text)
    try:
        manifest = decode_manifest(data)
    except TapeError as error:
        raise Broken(f"its manifest: {error}", key.first, key.last) from None
    if (manifest.session, manifest.first, manifest.last) != (key.session, key.first, key.last):
        raise Broken("its manifest is of other events than its key", key.first, key.last)
    for name in SCHEMAS.keys() | manifest.tables.keys():
        entries = [entry.key for entry in manifest.tables.get(name, ())]
        wanted = msgspec.structs.replace(key, table=name).text
        is_there = wanted in listing.segments
        if name not in manifest.tables and is_there:
            raise Broken(f"{wanted} is not in its manifest", key.first, key.last)
        if name in manifest.tables and (entries != [wanted] or name not in SCHEMAS):
            raise Broken(f"its manifest names {entries} for {name}", key.first, key.last)
        if entries and not is_there:
            raise Broken(f"{wanted} is lost", key.first, key.last)
    events = sum(entry.events for entries in manifest.tables.values() for entry in entries)
    if events != key.last - key.first + 1:
        raise Broken(f"its manifest counts {events} events", key.first, key.last)
    return manifest


def read_segment(store: Store, listing: TapeListing, key: Key, entry: TableEntry) -> bytes:
    """Return a segment that is what its manifest says; raise `Broken` for any other."""
    size = listing.segments[entry.key]
    if size != entry.bytes:
        reason = f"{entry.key} has {size} bytes, its manifest says {entry.bytes}"
        raise Broken(reason, key.first, key.last)
    data = store.get(entry.key)
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise Broken(f"{entry.key} is not what its checksum says", key.first, key.last)
    return data
