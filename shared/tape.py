"""The tape's tables, keys and manifests: the contract with everybody who reads it."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
import pyarrow as pa
from msgspec import Meta, Struct
from pyarrow import parquet

from shared.errors import UNDECODABLE, TapeError

SCHEMA_VERSION: Final = 1  # of the tables: a changed meaning is a new one
MANIFEST_VERSION: Final = 1
WRITER: Final = "booktape 0.1.0"
SCHEMA_KEY, WRITER_KEY = b"booktape.schema", b"booktape.writer"  # in a segment's footer
ROW_GROUP_ROWS_MAX: Final = 1024 * 1024
SESSIONS_REMEMBERED_MAX: Final = 1000
TAPE, LEDGER = "tape/", "ledger/"  # what every key of the tables, of the manifests begins with

# --- tables -------------------------------------------------------------------------------------

_TIME = pa.timestamp("us", tz="UTC")
_NAME = pa.dictionary(pa.int32(), pa.string())


def _schema(*fields: tuple[str, pa.DataType], symbol_is_nullable: bool = False) -> pa.Schema:
    """Return the columns that every table has, then these; a name ending in "?" is nullable."""
    common = (
        ("ts_recv", _TIME),
        ("symbol?" if symbol_is_nullable else "symbol", _NAME),
        ("session", _NAME),
        ("event_number", pa.int64()),
    )
    return pa.schema(
        [
            pa.field(name.removesuffix("?"), type_, nullable=name.endswith("?"))
            for name, type_ in common + fields
        ],
        metadata={SCHEMA_KEY: str(SCHEMA_VERSION), WRITER_KEY: WRITER},
    )


SCHEMAS: Final[dict[str, pa.Schema]] = {
    # One row for each level; `is_snapshot` is also true of our own checkpoints.
    "book": _schema(
        ("ts_event?", _TIME),
        ("sequence?", pa.int64()),
        ("epoch", pa.int64()),
        ("is_snapshot", pa.bool_()),
        ("is_checkpoint", pa.bool_()),
        ("side?", _NAME),
        ("price?", pa.float64()),
        ("size?", pa.float64()),
    ),
    "trades": _schema(
        ("ts_event?", _TIME),
        ("trade_id", pa.string()),
        ("side?", _NAME),
        ("price", pa.float64()),
        ("size", pa.float64()),
    ),
    "ticker": _schema(
        ("ts_event?", _TIME),
        ("bid_price?", pa.float64()),
        ("bid_size?", pa.float64()),
        ("ask_price?", pa.float64()),
        ("ask_size?", pa.float64()),
        ("last_price?", pa.float64()),
    ),
    "feed_events": _schema(
        ("kind", _NAME),
        ("sequence_expected?", pa.int64()),
        ("sequence_received?", pa.int64()),
        ("detail", pa.string()),
        symbol_is_nullable=True,
    ),
}
SORT_KEYS: Final = (("symbol", "ascending"), ("event_number", "ascending"))
_BATCH_ROWS: Final = 64 * 1024  # encoded at once: a tenth faster than Arrow's 1024
# Numbers that grow by little from row to row.
_DELTA_COLUMNS: Final = ("event_number", "sequence")


def parquet_options(table: str) -> dict[str, Any]:
    """Return the options of `parquet.ParquetWriter` that make the table's segments small.

    In symbol order a dictionary of times, prices or sizes costs more than it saves, and a
    sequence takes a tenth of a byte as deltas.
    """
    schema = SCHEMAS[table]
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": [field.name for field in schema if field.type == _NAME],
        "column_encoding": {
            name: "DELTA_BINARY_PACKED" for name in schema.names if name in _DELTA_COLUMNS
        },
        "write_batch_size": _BATCH_ROWS,
        "write_page_index": True,
        "write_page_checksum": True,
        "sorting_columns": parquet.SortingColumn.from_ordering(schema, SORT_KEYS),
    }


# --- sessions and keys --------------------------------------------------------------------------

_SESSION = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-([a-z0-9_]+)-([a-z0-9_]+)", re.ASCII)
_KEY = re.compile(
    r"(?:tape/(?P<table>[a-z_]+)|ledger)/exchange=(?P<exchange>[a-z0-9_]+)/date=(?P<date>[\d-]+)/"
    r"(?P<session>[^/]+)-(?P<first>\d{12,18})-(?P<last>\d{12,18})\.(?:parquet|json)",
    re.ASCII,
)
_EPOCH: Final = date(1970, 1, 1)


class Key(Struct, frozen=True):
    """What the key of a segment, or of a manifest (`table` is `None`), says."""

    table: str | None
    exchange: str
    date: str
    session: str
    first: int
    last: int

    @property
    def text(self) -> str:
        """Return the key itself."""
        place = self.exchange, self.date, self.session, self.first, self.last
        return manifest_key(*place) if self.table is None else segment_key(self.table, *place)


def segment_key(  # noqa: PLR0917 (the parts of a key, in their order)
    table: str, exchange: str, date: str, session: str, first: int, last: int
) -> str:
    """Return the key of one table of a manifest."""
    key = manifest_key(exchange, date, session, first, last)
    return f"{TAPE}{table}/{key.removeprefix(LEDGER).removesuffix('.json')}.parquet"


def manifest_key(exchange: str, date: str, session: str, first: int, last: int) -> str:
    """Return the key of a manifest; `date` is the UTC date of `ts_recv`, both numbers count."""
    return f"{LEDGER}exchange={exchange}/date={date}/{session}-{first:012}-{last:012}.json"


def parse_key(key: str) -> Key:
    """Return what a key says; raise `TapeError` unless we would have made exactly this one."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise TapeError(f"{key} is no object of a tape")
    table, exchange, date_, session = match.group("table", "exchange", "date", "session")
    parsed = Key(table, exchange, date_, session, int(match["first"]), int(match["last"]))
    day_of(date_)
    is_known = table is None or table in SCHEMAS
    is_sound = exchange_of(session) == exchange and parsed.first <= parsed.last
    if not is_known or not is_sound or parsed.text != key:
        raise TapeError(f"{key} is no object of a tape")
    return parsed


def exchange_of(session: str) -> str:
    """Return the exchange that a session id names."""
    return _parse_session(session)[0]


def line_of(session: str) -> str:
    """Return the line that a session id names."""
    return _parse_session(session)[1]


@lru_cache(maxsize=SESSIONS_REMEMBERED_MAX)  # the writer asks for each frame
def _parse_session(session: str) -> tuple[str, str]:
    match = _SESSION.fullmatch(session)
    try:
        start, exchange, line = match.groups() if match else ("", "", "")
        datetime.strptime(start, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise TapeError(f"{session!r} is no session id") from None
    return exchange, line


def date_of(day: int) -> str:
    """Return the date, as keys have it, of a day counted from 1970-01-01."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def day_of(date_: str) -> int:
    """Return the day, counted from 1970-01-01, of a date; `TapeError` if it is none."""
    try:
        day = (date.fromisoformat(date_) - _EPOCH).days
    except ValueError:
        raise TapeError(f"{date_!r} is no date") from None
    if date_of(day) != date_:  # fromisoformat also reads 20261122 and weeks
        raise TapeError(f"{date_!r} is no date")
    return day


# --- manifests ----------------------------------------------------------------------------------


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
