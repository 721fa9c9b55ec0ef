"""Certifies one day: writes its files, adds them up, puts them, at last puts their certificate."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa
from msgspec import Struct

from booktape.certificate import (
    CERTIFICATE_VERSION,
    Certificate,
    CertifiedManifest,
    DailyEntry,
    TableRows,
    certificate_key,
    daily_key,
    encode_certificate,
)
from booktape.certify.bounds import check_room
from booktape.certify.daily_file import DailyFile
from booktape.certify.days import DayPlan, name_manifest
from booktape.certify.figures import add_up, begin_sums, read_files
from booktape.certify.merging import Merge
from booktape.certify.overlay import Overlay
from booktape.certify.stored import adopt
from booktape.errors import AlreadyStored
from booktape.flush import Flush
from booktape.keys import LEDGER, TABLES, manifest_key
from booktape.memory import give_back
from booktape.release import RELEASE
from booktape.segments.segment import Segment
from booktape.store.protocol import Store

Progress = Callable[[int, int], None]


def certify(store: Store, url: str, plan: DayPlan, folder: Path, progress: Progress) -> Certificate:
    """Certify a day in an empty folder; return its certificate, which the store has then.

    If it is interrupted at any moment and repeated, it puts the same objects. It never changes an
    object, and puts the certificate last: nothing is certified before that.
    """
    certificate, entries = _prepare(store, url, plan, folder, progress)
    stored = [_put(store, entry, folder / f"{entry.table}.parquet") for entry in entries]
    return _finish(store, plan, certificate, stored, folder)


def draft(store: Store, url: str, plan: DayPlan, folder: Path, progress: Progress) -> Certificate:
    """Return the certificate that a day would get now; put nothing."""
    return _prepare(store, url, plan, folder, progress)[0]


def _prepare(
    store: Store, url: str, plan: DayPlan, folder: Path, progress: Progress
) -> tuple[Certificate, list[DailyEntry]]:
    """Write the day's files into the folder; return its certificate and the files' entries."""
    check_room(
        folder, sum(entry.bytes for flush in plan.flushes for entry in flush.tables.values())
    )
    # The feed's rows come first: they decide how to add up the other rows.
    feed = _write(store, plan, "feed_events", folder, _Watch(progress))
    certificate = _make(plan, [feed] if feed else [])
    sums = begin_sums(_lay_over(store, plan, certificate, folder), certificate)
    written = [
        _write(
            store, plan, table, folder, _Watch(progress, partial(sums.add, table, plan.revision))
        )
        for table in TABLES
        if table != "feed_events"
    ]
    entries = [entry for entry in (*written, feed) if entry is not None]
    give_back()
    certificate = _make(plan, entries)
    overlay = _lay_over(store, plan, certificate, folder)
    if plan.earlier:
        read_files(overlay, plan.earlier.files, sums)
    certificate = add_up(overlay, url, certificate, sums)
    give_back()
    return certificate, entries


class _Watch(Struct, frozen=True):
    """Listeners to the writing of a file: one gets the progress, one the rows of each row group."""

    progress: Progress
    add: Callable[[pa.Table], None] | None = None


def _lay_over(store: Store, plan: DayPlan, certificate: Certificate, folder: Path) -> Overlay:
    """Return the store as it will be with the certificate."""
    place = plan.exchange, plan.date
    return Overlay(
        store,
        {
            certificate_key(*place, plan.revision): encode_certificate(certificate),
            **{
                entry.key: folder / f"{entry.table}.parquet"
                for entry in certificate.files
                if entry.revision == plan.revision
            },
        },
        fixed=f"{LEDGER}exchange={plan.exchange}/date={plan.date}/",
        names=frozenset(
            manifest_key(*place, one.session, one.first, one.last) for one in certificate.manifests
        ),
    )


def _write(
    store: Store, plan: DayPlan, table: str, folder: Path, watch: _Watch
) -> DailyEntry | None:
    """Write a table's file into the folder; return its entry, or `None` if it has no rows."""
    flushes = [flush for flush in plan.flushes if table in flush.tables]
    if not flushes:
        return None
    rows = sum(flush.tables[table].rows for flush in flushes)
    events = sum(flush.tables[table].events for flush in flushes)
    done = 0
    names = [name_manifest(flush) for flush in plan.flushes]
    merge = Merge(table, _open(store, table, flushes), rows, folder)
    with DailyFile(folder / f"{table}.parquet", table, names, watch.add) as file:
        for symbol in merge.read():
            file.begin_symbol(symbol.rows)
            for found in symbol.tables:
                file.add(found)
            done += symbol.rows
            watch.progress(done, rows)
        key = daily_key(table, plan.exchange, plan.date, plan.revision)
        return file.close(key, plan.revision, events)


def _open(store: Store, table: str, flushes: list[Flush]) -> Iterator[Segment]:
    """Open and yield one segment after the other: all footers together would be large."""
    for flush in flushes:
        yield Segment(store, flush.tables[table], table)


def _make(plan: DayPlan, entries: list[DailyEntry]) -> Certificate:
    """Return the certificate of these and all earlier files, still without figures."""
    earlier = plan.earlier
    manifests = [*(earlier.manifests if earlier else ()), *_name(plan)]
    return Certificate(
        version=CERTIFICATE_VERSION,
        exchange=plan.exchange,
        date=plan.date,
        revision=plan.revision,
        release=RELEASE,
        pyarrow=pa.__version__,
        condition="",
        journal_holes=0,
        manifests=sorted(manifests, key=lambda one: (one.session, one.first)),
        files=[*(earlier.files if earlier else ()), *entries],
    )


def _name(plan: DayPlan) -> Iterator[CertifiedManifest]:
    for flush in plan.flushes:
        tables = {
            name: TableRows(entry.rows, entry.events, entry.ts_recv_min, entry.ts_recv_max)
            for name, entry in flush.tables.items()
        }
        yield CertifiedManifest(
            flush.session,
            flush.first,
            flush.last,
            flush.version,
            flush.sha256,
            plan.revision,
            tables,
        )


def _put(store: Store, entry: DailyEntry, path: Path) -> DailyEntry:
    """Put a file; return its entry, or the entry of a stored one with the same rows."""
    try:
        store.put(path, entry.key)
    except AlreadyStored:
        return adopt(store, entry)
    return entry


def _finish(
    store: Store, plan: DayPlan, certificate: Certificate, stored: list[DailyEntry], folder: Path
) -> Certificate:
    earlier = plan.earlier.files if plan.earlier else []
    certificate = msgspec.structs.replace(certificate, files=[*earlier, *stored])
    key = certificate_key(plan.exchange, plan.date, plan.revision)
    path = folder / "certificate.json"
    path.write_bytes(encode_certificate(certificate))
    try:
        store.put(path, key)
    except AlreadyStored:  # another certifier was faster
        if store.get(key) != path.read_bytes():
            raise
    return certificate
