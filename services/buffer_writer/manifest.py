"""Makes the manifest of a flush in the spool, and checks those found there."""

from collections.abc import Mapping

from booktape.errors import TapeError
from booktape.keys import date_of, exchange_of, line_of, manifest_key, parse_key, segment_key
from booktape.manifest import MANIFEST_VERSION, Manifest, TableEntry
from booktape.release import WRITER
from services.buffer_writer.buffer import FrameRun
from services.buffer_writer.segment import WrittenSegment


def make_manifest(
    run: FrameRun, segments: Mapping[str, WrittenSegment], written_at: int
) -> Manifest:
    """Return the manifest of a run and its segments, one for each table."""
    exchange = exchange_of(run.session)
    place = exchange, date_of(run.day), run.session, run.first, run.last
    return Manifest(
        version=MANIFEST_VERSION,
        session=run.session,
        exchange=exchange,
        line=line_of(run.session),
        first=run.first,
        last=run.last,
        tables={
            table: [
                TableEntry(
                    key=segment_key(table, *place),
                    rows=segment.rows,
                    bytes=segment.bytes,
                    sha256=segment.sha256,
                    footer_bytes=segment.footer_bytes,
                    footer_crc32c=segment.footer_crc32c,
                    events=segment.events,
                    ts_recv_min=segment.ts_recv_min,
                    ts_recv_max=segment.ts_recv_max,
                )
            ]
            for table, segment in segments.items()
        },
        written_at=written_at,
        writer=WRITER,
    )


def check(manifest: Manifest, name: str) -> None:
    """Raise TapeError unless we would have written this manifest under this name."""
    if name != name_of(manifest.session, manifest.first, manifest.last):
        raise TapeError(f"the manifest {name} is of another range")
    place = manifest.exchange, _date_of(manifest), manifest.session, manifest.first, manifest.last
    for table, entries in manifest.tables.items():
        if [parse_key(entry.key).text for entry in entries] != [segment_key(table, *place)]:
            raise TapeError(f"the manifest {name} names objects that are not its own")
    events = sum(entry.events for entry in _entries(manifest))
    if events != manifest.last - manifest.first + 1:
        raise TapeError(f"the manifest {name} has {events} events")


def ledger_key(manifest: Manifest) -> str:
    """Return the key of the manifest itself."""
    date = _date_of(manifest)
    return manifest_key(manifest.exchange, date, manifest.session, manifest.first, manifest.last)


def name_of(session: str, first: int, last: int) -> str:
    """Return the name of a manifest and its segments in the spool."""
    return f"{session}-{first:012}-{last:012}"


def session_of(name: str) -> str:
    """Return the session of a name in the spool."""
    return name.rsplit("-", 2)[0]


def range_of(name: str) -> tuple[int, int]:
    """Return the first and the last event number of a name in the spool."""
    _, first, last = name.rsplit("-", 2)
    return int(first), int(last)


def next_of(name: str) -> int:
    """Return the event number after the range of a name in the spool."""
    return range_of(name)[1] + 1


def count_bytes(manifest: Manifest) -> int:
    """Return the bytes of all its segments."""
    return sum(entry.bytes for entry in _entries(manifest))


def _date_of(manifest: Manifest) -> str:
    for entry in _entries(manifest):
        return parse_key(entry.key).date
    raise TapeError(f"a manifest of {manifest.session} has no segment")


def _entries(manifest: Manifest) -> list[TableEntry]:
    return [entry for entries in manifest.tables.values() for entry in entries]
