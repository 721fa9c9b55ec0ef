"""A certificate proves a day of an exchange: its figures, its files, the manifests behind them."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, field

from booktape.errors import UNDECODABLE, TapeError
from booktape.keys import TABLES, day_of, exchange_of
from booktape.manifest import TableEntry

CERTIFICATE_VERSION: Final = 1
DAILY: Final = "daily/"
CERTIFICATES: Final = f"{DAILY}certificates/"
# The condition of a certified day.
AVAILABLE, DEGRADED = "available", "degraded"

Count = Annotated[int, Meta(ge=0)]


class TableRows(Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of one manifest in one table; times are ns, as in manifests."""

    rows: Count
    events: Count
    ts_recv_min: int
    ts_recv_max: int


class CertifiedManifest(Struct, frozen=True, forbid_unknown_fields=True):
    """One manifest of the day, with the revision whose files have its rows."""

    session: str
    first: Count
    last: Count
    version: Count
    sha256: str
    revision: Count
    tables: dict[str, TableRows]


class DailyEntry(TableEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the day; `content_sha256` is that of its decoded columns, whatever wrote them."""

    table: str
    revision: Count
    content_sha256: str


class CertifiedGap(Struct, frozen=True, forbid_unknown_fields=True):
    """A time of the day without a known book, with its cause; times are µs."""

    start: int
    end: int
    cause: str | None
    detail: str | None


class Offsets(Struct, frozen=True, forbid_unknown_fields=True):
    """Delays of events behind the exchange's time, in whole ms, by nearest rank."""

    events: Count
    least: int
    p01: int
    p50: int
    p99: int
    most: int


class SymbolFigures(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The day's figures of one symbol; without a book, no time is known or missing.

    `book_start` and `book_end` are µs: between them the book is known for `known_us`.
    """

    symbol: str
    condition: str
    events: dict[str, int]  # by table
    rows: dict[str, int]  # by table; a book has one for each level
    epochs: Count
    book_start: int | None
    book_end: int | None
    known_us: Count
    gaps: list[CertifiedGap]
    crossed: Count
    audits: Count
    audits_differing: Count
    levels_compared: Count
    levels_differing: Count
    mismatches: Count
    ticker_judged: Count
    ticker_agreed: Count
    trades_lost: Count  # rows of kind `trades_lost`
    offsets: dict[str, Offsets]  # by table


class MissingEvents(Struct, frozen=True, forbid_unknown_fields=True):
    """Events between two manifests of the day that no manifest has."""

    session: str
    first: int
    last: int


class Certificate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One revision of a day: all manifests so far, all files, and their figures."""

    version: int
    exchange: str
    date: str
    revision: Count
    release: str
    pyarrow: str
    condition: str
    journal_holes: Count
    manifests: list[CertifiedManifest]
    files: list[DailyEntry]
    missing: list[MissingEvents] = field(default_factory=list)
    symbols: list[SymbolFigures] = field(default_factory=list)

    def file(self, table: str, revision: int) -> DailyEntry:
        """Return the file with a table's rows of a revision."""
        for file in self.files:
            if (file.table, file.revision) == (table, revision):
                return file
        raise TapeError(f"no file of {table} in revision {revision}")

    def names(self, table: str) -> frozenset[str]:
        """Return the symbols that have events in a table."""
        return frozenset(found.symbol for found in self.symbols if found.events.get(table))


_decoder = msgspec.json.Decoder(Certificate)


def daily_key(table: str, exchange: str, date: str, revision: int) -> str:
    """Return the key of one table's file of a revision of a day."""
    return f"{DAILY}{table}/exchange={exchange}/date={date}/rev={revision}/{table}.parquet"


def certificate_key(exchange: str, date: str, revision: int) -> str:
    """Return the key of the certificate of a revision of a day."""
    return f"{CERTIFICATES}exchange={exchange}/date={date}/rev={revision}.json"


def revision_of(key: str) -> int:
    """Return the revision that a certificate's key names; raise `TapeError` for another key."""
    stem = key.rpartition("/rev=")[2].removesuffix(".json")
    if not stem.isascii() or not stem.isdecimal() or str(int(stem)) != stem:
        raise TapeError(f"{key} is no certificate of a tape")
    return int(stem)


def encode_certificate(certificate: Certificate) -> bytes:
    """Return the certificate as JSON."""
    return msgspec.json.encode(certificate)


def decode_certificate(data: bytes, key: str) -> Certificate:
    """Return the certificate; raise `TapeError` if it is none, or is not that of its key."""
    try:
        certificate = _decoder.decode(data)
    except UNDECODABLE as error:
        raise TapeError(f"not a certificate: {error}") from None
    if certificate.version != CERTIFICATE_VERSION:
        raise TapeError(f"certificate version {certificate.version} is unknown to this release")
    place = certificate.exchange, certificate.date, certificate.revision
    if certificate_key(*place) != key:
        raise TapeError("it is of another day than its key")
    day_of(certificate.date)
    _check_parts(certificate)
    return certificate


def _check_parts(certificate: Certificate) -> None:
    """Check that the parts belong to this day and agree with each other."""
    place = certificate.exchange, certificate.date
    for file in certificate.files:
        is_known = file.table in TABLES and file.revision <= certificate.revision
        if not is_known or file.key != daily_key(file.table, *place, file.revision):
            raise TapeError(f"it names {file.key}, which is no file of its day")
        if file.footer_bytes is None or file.footer_crc32c is None:
            raise TapeError(f"it does not know the footer of {file.key}")
    for manifest in certificate.manifests:
        is_of_day = exchange_of(manifest.session) == certificate.exchange
        if not is_of_day or not manifest.first <= manifest.last:
            raise TapeError(f"it names a manifest of {manifest.session}, which is none of its day")
    counted: dict[tuple[str, int], list[int]] = {}
    for manifest in certificate.manifests:
        for table, rows in manifest.tables.items():
            sums = counted.setdefault((table, manifest.revision), [0, 0])
            sums[0] += rows.rows
            sums[1] += rows.events
    named = {(file.table, file.revision): [file.rows, file.events] for file in certificate.files}
    if counted != named:
        raise TapeError("its files have other rows than its manifests")
