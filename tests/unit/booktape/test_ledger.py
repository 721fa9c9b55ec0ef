import json
from pathlib import Path

import pytest

from booktape.errors import DamagedSegment, NewerSchema, NotATape, UnknownExchange
from booktape.keys import parse_key
from booktape.ledger import Ledger
from booktape.store.folder import FolderStore
from booktape.times import DAY_US
from tests.support.hand_tape import A, B, HandTape, at, delta, feed, snapshot, ticker

DAY = "2026-11-22"
NEXT = DAY_US / 1e6


def ledger_of(root: Path, url: str = "file:here") -> Ledger:
    return Ledger(FolderStore(root), url)


def test_nothing_at_the_url_is_no_tape(tmp_path: Path) -> None:
    with pytest.raises(NotATape, match="nothing is recorded at file:here"):
        ledger_of(tmp_path)


def test_exchanges_and_dates_are_those_of_when_it_was_opened(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0))
    (tmp_path / "ledger" / "exchange=bitvavo" / "date=never").mkdir()
    (tmp_path / "ledger" / "exchange=empty").mkdir()
    ledger = ledger_of(tmp_path)
    tape.write(A, snapshot(NEXT, 1))
    tape.write("20261122T120000.000000Z-btcturk-a", snapshot(0, 0))
    assert (["bitvavo"], (DAY,)) == (ledger.exchanges, ledger.dates("bitvavo"))
    assert (DAY, "2026-11-23") == ledger_of(tmp_path).dates("bitvavo")
    for exchange in ("btcturk", "empty"):
        with pytest.raises(UnknownExchange, match="it has bitvavo"):
            ledger.dates(exchange)


@pytest.mark.parametrize("url", ["file:here", "s3://bucket"])
def test_a_date_has_its_flushes_by_session_and_number(tmp_path: Path, url: str) -> None:
    tape = HandTape(tmp_path)
    for session in (A, B):
        tape.write(session, snapshot(0, 0), ticker(7))
        tape.write(session, delta(9, 0))
    tape.put(f"ledger/exchange=bitvavo/date={DAY}/notes.txt", b"")
    ledger = ledger_of(tmp_path, url)
    ledger.list_days("bitvavo", [DAY])
    found = [(flush.session, flush.first, flush.last) for flush in ledger.day("bitvavo", DAY)]
    assert [(B, 0, 1), (B, 2, 2), (A, 0, 1), (A, 2, 2)] == found
    flush = ledger.day("bitvavo", DAY)[0]
    assert (at(0), at(7), at(0)) == (flush.ts_min(), flush.ts_max(), flush.ts_max_of("book"))
    newest = [(flush.session, flush.first) for flush in ledger.newest_first("bitvavo", DAY)]
    assert [(A, 2), (A, 0), (B, 2), (B, 0)] == newest
    assert (at(0), at(9) + 1) == ledger.find_bounds(["bitvavo"])


def test_a_segment_without_a_manifest_is_not_there_yet(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(0, 0))
    (tmp_path / tape.write(A, delta(1, 0))).unlink()
    assert [0] == [flush.first for flush in ledger_of(tmp_path).day("bitvavo", DAY)]


def test_a_manifest_whose_object_is_gone_is_skipped_with_one_warning(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    for second in range(3):
        tape.write(A, snapshot(second, second), feed(second, "subscribed"))
    for path in sorted(tmp_path.glob("tape/book/*/*/*"))[:2]:
        path.unlink()
    ledger = ledger_of(tmp_path)
    with pytest.warns(UserWarning, match=f"bitvavo {DAY}: .* gone and skipped"):
        assert [4] == [flush.first for flush in ledger.day("bitvavo", DAY)]
    # A second warning would be an error.
    assert [4] == [flush.first for flush in ledger.newest_first("bitvavo", DAY)]


def test_a_manifest_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    key = tape.write(A, snapshot(0, 0))
    tape.put(key, b'{"version":3,"what":"ever"}')
    with pytest.raises(NewerSchema, match="version 3: read it with a newer release"):
        ledger_of(tmp_path).day("bitvavo", DAY)


def test_a_manifest_that_is_none_is_damage(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    key = tape.write(A, snapshot(0, 0), delta(1, 0))
    good = json.loads((tmp_path / key).read_bytes())
    book = good["tables"]["book"][0]
    for spoilt, reason in (
        (b"\xff", "no manifest"),
        (b'{"version":2}', "not a manifest"),
        (json.dumps(good | {"first": 1}).encode(), "other events than its key"),
        (json.dumps(good | {"tables": {}}).encode(), "names no segment"),
        (json.dumps(good | {"tables": {"book": [book, book]}}).encode(), "another object"),
    ):
        tape.put(key, spoilt)
        with pytest.raises(DamagedSegment, match=reason):
            ledger_of(tmp_path).read([parse_key(key)])
