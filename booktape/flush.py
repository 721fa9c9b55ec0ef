"""Describes a flush to readers, by its manifest or by the certificate that names it."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from booktape.certificate import (
    CERTIFICATE_VERSION,
    CERTIFICATES,
    Certificate,
    CertifiedManifest,
    certificate_key,
    decode_certificate,
    revision_of,
)
from booktape.errors import UNDECODABLE, DamagedSegment, NewerSchema, TapeError
from booktape.keys import Key, line_of
from booktape.manifest import MANIFEST_VERSION, Manifest, TableEntry, decode_manifest
from booktape.store.protocol import Store

NS_OF_US: Final = 1000  # a manifest counts in ns


class Flush(Struct, frozen=True):
    """One manifest as a reader sees it: a range of a session's events, with its segments.

    If a certificate stands for its day, read the rows from the day's files instead.
    """

    exchange: str
    date: str
    session: str
    line: str
    first: int
    last: int
    version: int
    tables: dict[str, TableEntry]
    sha256: str  # the checksum of its manifest
    certificate: Certificate | None = None
    revision: int = 0  # of the day's files

    def source(self, table: str) -> TableEntry:
        """Return the object with the rows of a table."""
        if self.certificate is None:
            return self.tables[table]
        return self.certificate.file(table, self.revision)

    def ts_max(self) -> int:
        """Return the receive time of its latest row, in µs as in the tables."""
        return max(self.ts_max_of(table) for table in self.tables)

    def ts_min(self) -> int:
        """Return the receive time of its earliest row, in µs."""
        return min(entry.ts_recv_min for entry in self.tables.values()) // NS_OF_US

    def ts_max_of(self, table: str) -> int:
        """Return the receive time of the latest row of one table, in µs."""
        return self.tables[table].ts_recv_max // NS_OF_US


class _Version(Struct):
    version: int


_version_decoder = msgspec.json.Decoder(_Version)


def decode_flush(key: Key, data: bytes) -> Flush:
    """Return a manifest as a flush; raise if it is of a newer release, or is damaged."""
    try:
        version = _version_decoder.decode(data).version
    except UNDECODABLE as error:
        raise DamagedSegment(key.text, f"it is no manifest: {error}") from None
    if version > MANIFEST_VERSION:
        raise NewerSchema(key.text, version)
    try:
        manifest = decode_manifest(data)
    except TapeError as error:
        raise DamagedSegment(key.text, str(error)) from None
    said = manifest.exchange, manifest.session, manifest.first, manifest.last
    if said != (key.exchange, key.session, key.first, key.last):
        raise DamagedSegment(key.text, "it is of other events than its key")
    return Flush(
        key.exchange,
        key.date,
        key.session,
        manifest.line,
        key.first,
        key.last,
        manifest.version,
        _find_entries(key, manifest),
        hashlib.sha256(data).hexdigest(),
    )


def join_flushes(flushes: Sequence[Flush]) -> list[Flush]:
    """Return certified flushes; join adjacent ones of a session and revision."""
    joined: list[Flush] = []
    for flush in flushes:
        last = joined[-1] if joined else None
        place = flush.session, flush.revision, flush.first
        if last is None or place != (last.session, last.revision, last.last + 1):
            joined.append(flush)
            continue
        tables = dict(last.tables)
        for name, entry in flush.tables.items():
            tables[name] = _add_entries(tables[name], entry) if name in tables else entry
        joined[-1] = msgspec.structs.replace(last, last=flush.last, tables=tables)
    return joined


def _add_entries(one: TableEntry, other: TableEntry) -> TableEntry:
    return msgspec.structs.replace(
        one,
        rows=one.rows + other.rows,
        events=one.events + other.events,
        ts_recv_min=min(one.ts_recv_min, other.ts_recv_min),
        ts_recv_max=max(one.ts_recv_max, other.ts_recv_max),
    )


def find_certificate(store: Store, exchange: str, date: str) -> Certificate | None:
    """Return the newest certificate of a day; raise if it is of a newer release, or damaged."""
    revisions = find_revisions(store, exchange, date)
    if not revisions:
        return None
    key = certificate_key(exchange, date, revisions[-1])
    return read_certificate(store.get(key), key)


def find_revisions(store: Store, exchange: str, date: str) -> list[int]:
    """Return the certified revisions of a day, in order."""
    revisions = []
    for info in store.list(f"{CERTIFICATES}exchange={exchange}/date={date}/"):
        try:
            revisions.append(revision_of(info.key))
        except TapeError:  # somebody else's object
            continue
    return sorted(revisions)


def read_certificate(data: bytes, key: str) -> Certificate:
    """Return the certificate of these bytes; raise if it is of a newer release, or damaged."""
    try:
        version = _version_decoder.decode(data).version
    except UNDECODABLE as error:
        raise DamagedSegment(key, f"it is no certificate: {error}") from None
    if version > CERTIFICATE_VERSION:
        raise NewerSchema(key, version)
    try:
        return decode_certificate(data, key)
    except TapeError as error:
        raise DamagedSegment(key, str(error)) from None


def make_certified_flush(certificate: Certificate, manifest: CertifiedManifest) -> Flush:
    """Return as a flush a manifest that a certificate names."""
    tables: dict[str, TableEntry] = {}
    for name, rows in manifest.tables.items():
        tables[name] = msgspec.structs.replace(
            certificate.file(name, manifest.revision),
            rows=rows.rows,
            events=rows.events,
            ts_recv_min=rows.ts_recv_min,
            ts_recv_max=rows.ts_recv_max,
        )
    return Flush(
        certificate.exchange,
        certificate.date,
        manifest.session,
        line_of(manifest.session),
        manifest.first,
        manifest.last,
        manifest.version,
        tables,
        manifest.sha256,
        certificate,
        manifest.revision,
    )


def _find_entries(key: Key, manifest: Manifest) -> dict[str, TableEntry]:
    entries = {}
    for name, found in manifest.tables.items():
        wanted = msgspec.structs.replace(key, table=name).text
        if [entry.key for entry in found] != [wanted]:
            raise DamagedSegment(key.text, f"it names another object for {name}")
        entries[name] = found[0]
    if not entries:
        raise DamagedSegment(key.text, "it names no segment")
    return entries
