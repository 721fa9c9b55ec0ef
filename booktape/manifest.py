"""A manifest names the segments of one flush, file by file; its rename is the commit."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from booktape.errors import UNDECODABLE, TapeError
from booktape.keys import exchange_of, line_of

MANIFEST_VERSION: Final = 1
WRITER: Final = "booktape 0.1.0"

Count = Annotated[int, Meta(ge=0)]


class TableEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One segment of a manifest; the times are those of the first and the last to be received."""

    key: str
    rows: Count
    bytes: Count
    sha256: str
    events: Count
    ts_recv_min: int
    ts_recv_max: int


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """One contiguous range of a session's events, received on one UTC date, both ends included."""

    version: int
    session: str
    exchange: str
    line: str
    first: int
    last: int
    tables: dict[str, list[TableEntry]]
    written_at: int  # ns UTC
    writer: str


_decoder = msgspec.json.Decoder(Manifest)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON."""
    return msgspec.json.encode(manifest)


def decode_manifest(data: bytes) -> Manifest:
    """Return the manifest; raise `TapeError` where it is none, or contradicts itself."""
    try:
        manifest = _decoder.decode(data)
    except UNDECODABLE as error:
        raise TapeError(f"not a manifest: {error}") from None
    if manifest.version != MANIFEST_VERSION:
        raise TapeError(f"manifest version {manifest.version} is unknown to this release")
    names = exchange_of(manifest.session), line_of(manifest.session)
    if names != (manifest.exchange, manifest.line):
        said = f"{manifest.exchange}-{manifest.line}"
        raise TapeError(f"a manifest of {manifest.session} names {said}")
    if not 0 <= manifest.first <= manifest.last:
        raise TapeError(f"a manifest has the range {manifest.first} to {manifest.last}")
    return manifest
