"""Verifies that a tape is whole, from its objects alone, or names the range that is not."""

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterator
from typing import Final

import msgspec

from booktape.errors import StoreError, TapeError
from booktape.keys import Key
from booktape.manifest import Manifest, TableEntry, decode_manifest
from booktape.proof.details import End, find_before, find_end, is_stopped
from booktape.proof.findings import NotedRow, Range, Report, Session, format_report
from booktape.proof.lines import judge_lines
from booktape.proof.listing import TapeListing, list_tape
from booktape.proof.rows import Broken, Chains, Events, check_numbers, find_feed_rows, read_events
from booktape.store.protocol import Store
from booktape.tables import SCHEMAS

__all__ = ["Report", "format_report", "verify"]

EventRange = tuple[str, int, int]  # a session, its first and last event number
_HELD: Final = "removed, and a certified day has its rows"
_GAPS: Final = ("gap", "journal_hole")  # rows of missing events; all other noted rows are outages


def verify(
    store: Store,
    *,
    date: dt.date | None = None,
    held: Collection[EventRange] = frozenset(),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Report:
    """Read every object again and return the findings.

    With `date` it reads only the objects of that UTC date; missing events before them are
    `expired`. So are missing segments of `held` manifests, whose rows certified days have, proven
    before. `progress` gets the number of objects done, and of all. Raise `StoreError` if the store
    fails.
    """
    listing = list_tape(store, date.isoformat() if date else None)
    report = Report(ok=True)
    for key in listing.foreign:
        # An object that no reader opens is harmless: a folder's marker, a file manager's leftovers.
        is_hidden = not key.rpartition("/")[2].strip("/") or key.rpartition("/")[2][0] in "._"
        ranges = report.foreign if is_hidden else report.faults
        ranges.append(Range(None, None, None, key, "this object is not of the tape"))
    total = sum(listing.is_read(key) for keys in listing.manifests.values() for key in keys)
    done = 0
    followed: dict[str, str] = {}
    for session in sorted(listing.manifests.keys() | listing.orphans.keys()):
        walk = _Walk(session, store, listing, report, held)
        for _ in walk.read():
            done += 1
            progress(done, total)
        if walk.before is not None:
            followed[session] = walk.before
    judge_lines(followed, listing.manifests, listing.orphans, report)
    report.ok = not report.faults
    return report


class _Walk:
    """Reads the manifests of one session, in the order of their event numbers."""

    def __init__(
        self,
        session: str,
        store: Store,
        listing: TapeListing,
        report: Report,
        held: Collection[EventRange],
    ) -> None:
        self._session = session
        self._held = sorted(one for one in held if one[0] == session)
        self._store = store
        self._listing = listing
        self._report = report
        self._manifests = sorted(listing.manifests[session], key=lambda key: (key.first, key.last))
        self._chains = Chains()
        self._found: Session | None = None
        self.before: str | None = None  # the session that this one follows, if it names one
        self._gone: list[Range] = []
        self._is_removed = False  # whether the last manifest's segments are gone
        self._next = 0  # the event number that should come next
        self._previous: Key | None = None

    def read(self) -> Iterator[None]:
        """Add this session's findings to the report; yield after each manifest."""
        was_read = False
        for key in self._manifests:
            is_read = self._listing.is_read(key)
            try:
                self._check_place(key, is_near=was_read or is_read)
                if is_read:
                    self._prove(key)
                else:
                    self._chains.skip(key.last + 1)
            except Broken as broken:
                self._fault(broken.reason, broken.first, broken.last, key)
                self._chains.skip(key.last + 1)
            self._next = max(self._next, key.last + 1)
            self._previous = key
            was_read = is_read
            if is_read:
                yield
        if self._found is not None:
            self._report.expired += self._gone
            if was_read and not self._found.ended and not self._is_removed:
                reason = "the session has not ended"
                self._report.pending.append(Range(self._session, self._next, None, None, reason))
        self._judge_orphans()

    def _check_place(self, key: Key, *, is_near: bool) -> None:
        """Check that the manifest begins where the one before it ended; `is_near` the date."""
        if key.first < self._next:
            last = min(key.last, self._next - 1)
            raise Broken("two manifests have these events", key.first, last)
        if key.first == self._next:
            return
        missing = self._next, key.first - 1
        self._chains.skip(key.first)
        if self._is_held(*missing):
            self._report.expired.append(Range(self._session, *missing, None, _HELD))
            return
        before, date = self._previous, self._listing.date
        if before is None and date is not None:
            self._gone.append(Range(self._session, *missing, None, "removed before the date"))
            return
        is_of_date = before is not None and date is not None and before.date <= date <= key.date
        if (is_near or is_of_date) and not self._is_hole(key.first):
            self._fault("events are missing", *missing)

    def _is_held(self, first: int, last: int) -> bool:
        """Return whether certified days have all of these events."""
        for _, begin, end in self._held:
            if begin <= first <= end:
                first = end + 1
        return first > last

    def _is_hole(self, present: int) -> bool:
        """Return whether an unread manifest explains that nothing comes before this number."""
        key = self._previous
        if key is None or self._listing.is_read(key):
            return False
        try:
            manifest = decode_manifest(self._store.get(key.text))
            for entry in manifest.tables.get("feed_events", ()):
                data = self._store.get(entry.key)
                events = read_events("feed_events", data, key, entry, manifest.version)
                rows = find_feed_rows(events)
                if any(
                    row.kind == "journal_hole" and row.sequence_received == present for row in rows
                ):
                    return True
        except (TapeError, StoreError):
            return False
        return False

    def _fault(self, reason: str, first: int, last: int, key: Key | None = None) -> None:
        text = None if key is None else key.text
        self._report.faults.append(Range(self._session, first, last, text, reason))

    # --- one manifest ---

    def _prove(self, key: Key) -> None:
        """Read the manifest's segments, one at a time; raise `Broken` for one that fails."""
        if self._found is None:
            self._found = Session(self._session, key.first, key.last)
            self._report.sessions.append(self._found)
        self._found.last = key.last
        if self._found.ended:
            raise Broken("events follow the end of the session", key.first, key.last)
        self._is_removed = self._has_gone(key)
        if self._is_removed:
            self._report.expired.append(Range(self._session, key.first, key.last, key.text, _HELD))
            self._chains.skip(key.last + 1)
            return
        manifest = self._read_manifest(key)
        tables = {}
        for name, (entry,) in manifest.tables.items():
            data = self._read_segment(key, entry)
            tables[name] = read_events(name, data, key, entry, manifest.version)
            self._found.rows += entry.rows
            self._found.bytes += entry.bytes
        check_numbers(list(tables.values()), key)
        rows = find_feed_rows(tables["feed_events"]) if "feed_events" in tables else []
        for row in rows:
            self._take_row(row, key)
        holes = [row for row in rows if row.kind == "journal_hole"]
        self._extend(tables.get("book"), holes, key)

    def _has_gone(self, key: Key) -> bool:
        """Return whether the manifest's segments are gone, and a certified day has its rows."""
        wanted = {msgspec.structs.replace(key, table=name).text for name in SCHEMAS}
        return self._is_held(key.first, key.last) and wanted.isdisjoint(self._listing.segments)

    def _read_manifest(self, key: Key) -> Manifest:
        data = self._store.get(key.text)
        try:
            manifest = decode_manifest(data)
        except TapeError as error:
            raise Broken(f"its manifest: {error}", key.first, key.last) from None
        if (manifest.session, manifest.first, manifest.last) != (key.session, key.first, key.last):
            raise Broken("its manifest is of other events than its key", key.first, key.last)
        for name in SCHEMAS.keys() | manifest.tables.keys():
            entries = [entry.key for entry in manifest.tables.get(name, ())]
            wanted = msgspec.structs.replace(key, table=name).text
            is_there = wanted in self._listing.segments
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

    def _read_segment(self, key: Key, entry: TableEntry) -> bytes:
        size = self._listing.segments[entry.key]
        if size != entry.bytes:
            reason = f"{entry.key} has {size} bytes, its manifest says {entry.bytes}"
            raise Broken(reason, key.first, key.last)
        data = self._store.get(entry.key)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise Broken(f"{entry.key} is not what its checksum says", key.first, key.last)
        return data

    def _take_row(self, row: NotedRow, key: Key) -> None:
        assert self._found is not None
        if row.kind in _GAPS:
            self._found.gaps.append(row)
        elif row.kind == "session_start":
            self._start(row)
        elif row.kind == "session_end":
            if not self._end(row, key).is_stop:
                self._found.outages.append(row)
        elif not is_stopped(row.detail):
            self._found.outages.append(row)
        if row.kind == "journal_hole":
            number, present = row.event_number, row.sequence_received or 0
            if present <= number or (present != number + 1 and number != key.last):
                raise Broken(f"a journal_hole ends at {present}", number, number)
            self._next = present

    def _start(self, row: NotedRow) -> None:
        try:
            self.before = find_before(self._session, row.detail)
        except TapeError as error:
            raise Broken(str(error), row.event_number, row.event_number) from None

    def _end(self, row: NotedRow, key: Key) -> End:
        """Return the session's end; raise `Broken` if events follow it, or it miscounts them."""
        assert self._found is not None
        self._found.ended = True
        number = row.event_number
        if number != key.last:
            raise Broken("events follow the end of the session", number + 1, key.last)
        try:
            end = find_end(row.detail)
        except TapeError as error:
            raise Broken(str(error), number, number) from None
        if end.events != number + 1:
            raise Broken(f"its session_end counts {end.events} events", number, number)
        return end

    def _extend(self, book: Events | None, holes: list[NotedRow], key: Key) -> None:
        """Prove the books between the journal holes, each of which ends every epoch.

        The ingest did not know of the hole when it recorded later events. So deltas of an epoch
        that began before or in the hole may follow; a reader has to wait for the next snapshot.
        """
        begin = key.first
        for hole in holes:
            assert hole.sequence_received is not None
            if book is not None:
                self._chains.extend(book.between(begin, hole.event_number))
            begin = hole.sequence_received
            self._chains.skip(begin)
        if book is not None:
            self._chains.extend(book.between(begin, key.last))

    # --- what no manifest names ---

    def _judge_orphans(self) -> None:
        """Judge orphans: the newest range may be an upload on its way; any other is a fault."""
        orphans = sorted(self._listing.orphans[self._session], key=lambda key: key.first)
        ended = self._found is not None and self._found.ended
        for key in orphans:
            manifest = msgspec.structs.replace(key, table=None)
            is_next = key.first == orphans[-1].first >= self._next and not ended
            # The writer may have stored its manifest after we listed the ledger.
            if is_next or self._store.head(manifest.text) is not None:
                reason, ranges = "its manifest has not come yet", self._report.pending
            else:
                reason, ranges = "no manifest names this object", self._report.faults
            ranges.append(Range(key.session, key.first, key.last, key.text, reason))
