"""Adopts a day's stored file, which an interrupted certifier or another one put."""

import hashlib
from typing import Final

import msgspec

from booktape.certificate import DailyEntry
from booktape.certify.content import ContentSum
from booktape.checksum import crc32c
from booktape.errors import TapeError
from booktape.segments.segment import Segment
from booktape.store.protocol import Store
from booktape.tables import FOOTER_END_BYTES, SCHEMAS

_PART_BYTES: Final = 8 * 1024 * 1024


def adopt(store: Store, wanted: DailyEntry) -> DailyEntry:
    """Return the entry of the stored file; raise `TapeError` if that file has other rows.

    Another release, or another pyarrow, encodes the same rows in other bytes.
    """
    size, sha256 = hash_stored(store, wanted.key)
    if (size, sha256) == (wanted.bytes, wanted.sha256):
        return wanted
    end = store.get_range(wanted.key, size - FOOTER_END_BYTES, FOOTER_END_BYTES)
    length = int.from_bytes(end[:4], "little") + FOOTER_END_BYTES
    footer = store.get_range(wanted.key, max(size - length, 0), length)
    entry = msgspec.structs.replace(
        wanted,
        bytes=size,
        sha256=sha256,
        footer_bytes=len(footer),
        footer_crc32c=crc32c(footer),
    )
    if find_content(store, entry) != wanted.content_sha256:
        raise TapeError(f"the store has {wanted.key} already, with other rows; set it aside")
    return entry


def hash_stored(store: Store, key: str) -> tuple[int, str]:
    """Return an object's size in bytes and its SHA-256; read it in parts."""
    digest = hashlib.sha256()
    size = 0
    while part := store.get_range(key, size, _PART_BYTES):
        digest.update(part)
        size += len(part)
        if len(part) < _PART_BYTES:
            break
    return size, digest.hexdigest()


def find_content(store: Store, entry: DailyEntry) -> str:
    """Return the content sum of a file's rows."""
    segment = Segment(store, entry, entry.table)
    schema = SCHEMAS[entry.table]
    content = ContentSum(schema)
    for group in segment.groups:
        content.add(segment.read(group, schema.names).combine_chunks())
    return content.hexdigest()
