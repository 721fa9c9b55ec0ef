"""A manifest names the segments of one flush, file by file; its rename is the commit."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from booktape.errors import UNDECODABLE, TapeError
from booktape.keys import exchange_of, line_of

# A manifest and the segments that it names have one version: that of the tables.
MANIFEST_VERSION: Final = 2
MANIFEST_VERSIONS_READ: Final = (1, 2)
FOOTERS_SINCE: Final = 2  # the version from which an entry has its footer's sum

Count = Annotated[int, Meta(ge=0)]


class TableEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One segment of a manifest; its times are those of the first and the last received row.

    The footer is the end of the file: Parquet's metadata, its length and the last four letters.
    Its CRC-32C reveals damage before anything reads it. A manifest of version 1 lacks both.
    """

    key: str
    rows: Count
    bytes: Count
    sha256: str
    footer_bytes: Count | None = None
    footer_crc32c: Count | None = None
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
    """Return the manifest; raise `TapeError` if it is none, or contradicts itself."""
    try:
        manifest = _decoder.decode(data)
    except UNDECODABLE as error:
        raise TapeError(f"not a manifest: {error}") from None
    if manifest.version not in MANIFEST_VERSIONS_READ:
        raise TapeError(f"manifest version {manifest.version} is unknown to this release")
    names = exchange_of(manifest.session), line_of(manifest.session)
    if names != (manifest.exchange, manifest.line):
        said = f"{manifest.exchange}-{manifest.line}"
        raise TapeError(f"a manifest of {manifest.session} names {said}")
    if not 0 <= manifest.first <= manifest.last:
        raise TapeError(f"a manifest has the range {manifest.first} to {manifest.last}")
    _check_footers(manifest)
    return manifest


def _check_footers(manifest: Manifest) -> None:
    are_said = manifest.version >= FOOTERS_SINCE
    for entry in (entry for entries in manifest.tables.values() for entry in entries):
        sums = {"footer_bytes": entry.footer_bytes, "footer_crc32c": entry.footer_crc32c}
        for field, value in sums.items():
            if are_said is (value is None):
                does = "lacks" if value is None else "says"
                named = f"a manifest of version {manifest.version}"
                raise TapeError(f"{named} {does} the {field} of {entry.key}")
