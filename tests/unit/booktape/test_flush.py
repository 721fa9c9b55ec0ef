from pathlib import Path

import pytest

from booktape.certificate import certificate_key, encode_certificate
from booktape.errors import DamagedSegment, NewerSchema
from booktape.flush import find_certificate, find_revisions, join_flushes, read_certificate
from booktape.ledger import Ledger
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all, list_files
from tests.support.hand_tape import A, HandTape, delta, feed, snapshot, trade

PLACE = "bitvavo", "2026-11-22"
LEVEL = ("bid", 99.0, 1.0)


def make_certified(root: Path) -> HandTape:
    tape = HandTape(root / "tape")
    tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL))
    tape.write(A, delta(2, 1, LEVEL), trade(3, "t1"))
    tape.write(A, delta(4, 1, LEVEL), first=7)
    certify_all(tape.root, root / "temporary")
    return tape


def test_the_newest_certificate_counts(tmp_path: Path) -> None:
    tape = make_certified(tmp_path)
    store = FolderStore(tape.root)
    tape.put(certificate_key(*PLACE, 0) + ".old", b"somebody else's")
    assert [0] == find_revisions(store, *PLACE)
    tape.write(A, delta(5, 1, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    assert [0, 1] == find_revisions(store, *PLACE)
    found = find_certificate(store, *PLACE)
    assert found is not None
    assert (1, [0, 0, 0, 1]) == (found.revision, [one.revision for one in found.manifests])
    assert find_certificate(store, "bitvavo", "2026-11-23") is None


def test_what_is_damaged_or_newer_is_told(tmp_path: Path) -> None:
    tape = make_certified(tmp_path)
    key = certificate_key(*PLACE, 0)
    data = list_files(tape.root)[key]
    assert data == encode_certificate(read_certificate(data, key))
    with pytest.raises(NewerSchema, match="has version 2"):
        read_certificate(data.replace(b'"version":1', b'"version":2', 1), key)
    for damaged in (data[:-9], b"{}", data.replace(b'"bitvavo"', b'"btcturk"', 1)):
        with pytest.raises(DamagedSegment, match=key):
            read_certificate(damaged, key)


def test_flushes_that_follow_each_other_are_joined(tmp_path: Path) -> None:
    tape = make_certified(tmp_path)
    flushes = Ledger(FolderStore(tape.root), "file:").day(*PLACE)
    assert [(0, 1), (2, 3), (7, 7)] == [(one.first, one.last) for one in flushes]
    first, last = join_flushes(flushes)
    assert [(0, 3), (7, 7)] == [(one.first, one.last) for one in (first, last)]
    assert {"feed_events": 1, "book": 2, "trades": 1} == {
        name: entry.rows for name, entry in first.tables.items()
    }
    assert flushes[1].tables["book"].ts_recv_max == first.tables["book"].ts_recv_max
    assert flushes[0].tables["book"].ts_recv_min == first.tables["book"].ts_recv_min
