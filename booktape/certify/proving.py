"""Proves certificates: their files, the manifests of these files, the figures."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct, field

from booktape.certificate import CERTIFICATES, Certificate, DailyEntry, certificate_key
from booktape.certify.figures import add_up
from booktape.certify.overlay import Overlay
from booktape.certify.stored import find_content, hash_stored
from booktape.errors import NotATape, StoreError, TapeError
from booktape.flush import find_revisions, read_certificate
from booktape.keys import LEDGER, manifest_key
from booktape.proof.findings import Range, Report
from booktape.proof.verify import EventRange
from booktape.store.protocol import Store

# Figures that depend on rows of the day before, which a rule may have removed since.
_OF_DAYS_BEFORE: Final = ("condition", "book_start", "book_end", "known_us", "gaps")


class CertificatesProof(Struct):
    """The result of proving certificates; whole files have the rows of the manifests in `held`."""

    faults: list[Range] = field(default_factory=list)
    pending: list[Range] = field(default_factory=list)
    expired: list[Range] = field(default_factory=list)
    held: set[EventRange] = field(default_factory=set)

    def add_to(self, report: Report) -> None:
        """Add the findings to the report of the whole tape."""
        report.faults += self.faults
        report.pending += self.pending
        report.expired += self.expired
        report.ok = not report.faults


def prove_certificates(store: Store, url: str, *, date: dt.date | None = None) -> CertificatesProof:
    """Read every file of certified days again, and compare the certificates with them."""
    proof = CertificatesProof()
    for name in store.folders(f"{CERTIFICATES}exchange="):
        for day in store.folders(f"{CERTIFICATES}exchange={name}/date="):
            if date is None or day == date.isoformat():
                _DayProof(store, url, name, day, proof).prove()
    return proof


class _DayProof:
    """The certificates of one day."""

    def __init__(
        self, store: Store, url: str, exchange: str, date: str, proof: CertificatesProof
    ) -> None:
        self._store, self._url = store, url
        self._place = exchange, date
        self._proof = proof
        self._prefix = f"{LEDGER}exchange={exchange}/date={date}/"

    def prove(self) -> None:
        """Prove the day's newest certificate; add the findings to the proof."""
        revisions = find_revisions(self._store, *self._place)
        certificates = [self._read(certificate_key(*self._place, one)) for one in revisions]
        if not certificates or certificates[-1] is None:
            return
        newest = certificates[-1]
        key = certificate_key(*self._place, newest.revision)
        for older in certificates[:-1]:
            if older is not None and not _is_part_of(older, newest):
                self._fault(key, f"it contradicts revision {older.revision}")
        count = len(self._proof.faults)
        for file in newest.files:
            self._prove_file(file)
        self._prove_manifests(newest, key)
        if len(self._proof.faults) == count:
            self._prove_figures(newest, key)
        if len(self._proof.faults) == count:
            self._proof.held |= {(m.session, m.first, m.last) for m in newest.manifests}

    def _read(self, key: str) -> Certificate | None:
        try:
            return read_certificate(self._store.get(key), key)
        except StoreError:
            raise
        except TapeError as error:
            self._fault(key, str(error))
            return None

    def _prove_file(self, file: DailyEntry) -> None:
        try:
            size, sha256 = hash_stored(self._store, file.key)
            if (size, sha256) != (file.bytes, file.sha256):
                self._fault(file.key, "it is not the file that its certificate names")
            elif find_content(self._store, file) != file.content_sha256:
                self._fault(file.key, "its rows do not have the sum in its certificate")
        except TapeError as error:
            self._fault(file.key, str(error))

    def _prove_manifests(self, certificate: Certificate, key: str) -> None:
        """Compare the manifests that the certificate names with those in the store.

        A lifecycle rule removes the oldest first: a manifest gone before older ones is lost.
        """
        there = {info.key for info in self._store.list(self._prefix)}
        named = {
            manifest_key(*self._place, one.session, one.first, one.last): one
            for one in certificate.manifests
        }
        kept = [named[one] for one in there & named.keys()]
        times = [rows.ts_recv_max for one in kept for rows in one.tables.values()]
        for name, manifest in named.items():
            place = manifest.session, manifest.first, manifest.last
            last = max(rows.ts_recv_max for rows in manifest.tables.values())
            if name not in there and times and min(times) < last:
                self._fault(name, "a manifest that its day's certificate names is gone")
            elif name not in there:
                self._proof.expired.append(Range(*place, key, "its day's files have its rows"))
            elif hashlib.sha256(self._store.get(name)).hexdigest() != manifest.sha256:
                self._fault(name, "it differs from the manifest in its day's certificate")
        for name in sorted(there - named.keys()):
            reason = "a manifest came after its day was certified"
            self._proof.pending.append(Range(None, None, None, name, reason))

    def _prove_figures(self, certificate: Certificate, key: str) -> None:
        names = {
            manifest_key(*self._place, one.session, one.first, one.last)
            for one in certificate.manifests
        }
        overlay = Overlay(self._store, {}, fixed=self._prefix, names=frozenset(names))
        try:
            found = add_up(overlay, self._url, certificate)
        except NotATape:  # the store has no manifest of any day any more
            return
        except StoreError:
            raise
        except TapeError as error:
            self._fault(key, str(error))
            return
        for name, said, wanted in _compare(certificate, found, is_alone=self._is_alone(found)):
            self._fault(key, f"it says {said} for {name}, its files {wanted}")

    def _is_alone(self, certificate: Certificate) -> bool:
        """Return whether a session began on an earlier day, and the tape has no earlier day."""
        exchange, date = self._place
        dates = {
            *self._store.folders(f"{LEDGER}exchange={exchange}/date="),
            *self._store.folders(f"{CERTIFICATES}exchange={exchange}/date="),
        }
        firsts: dict[str, int] = {}
        for one in certificate.manifests:
            firsts[one.session] = min(firsts.get(one.session, one.first), one.first)
        return any(firsts.values()) and not any(other < date for other in dates)

    def _fault(self, key: str, reason: str) -> None:
        self._proof.faults.append(Range(None, None, None, key, reason))


def _is_part_of(older: Certificate, newest: Certificate) -> bool:
    manifests = {(m.session, m.first, m.last, m.sha256) for m in newest.manifests}
    own = {(m.session, m.first, m.last, m.sha256) for m in older.manifests}
    return own <= manifests and set(older.files) <= set(newest.files)


def _compare(
    said: Certificate, found: Certificate, *, is_alone: bool
) -> Iterator[tuple[str, object, object]]:
    """Yield each difference: its name, the certificate's value, the value found."""
    for name in ("journal_holes", "missing", *(() if is_alone else ("condition",))):
        if getattr(said, name) != getattr(found, name):
            yield name, getattr(said, name), getattr(found, name)
    ours, theirs = ({one.symbol: one for one in side.symbols} for side in (said, found))
    if ours.keys() != theirs.keys() or len(said.symbols) != len(ours):
        yield "its symbols", sorted(ours), sorted(theirs)
        return
    skipped = _OF_DAYS_BEFORE if is_alone else ()
    for symbol, one in ours.items():
        for name, value in msgspec.structs.asdict(one).items():
            other = getattr(theirs[symbol], name)
            if name not in skipped and value != other:
                yield f"{name} of {symbol}", value, other
