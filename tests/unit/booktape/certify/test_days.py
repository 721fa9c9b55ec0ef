from pathlib import Path

import pytest

from booktape.certify.days import Days, NotOver, name_manifest
from booktape.errors import TapeError
from booktape.ledger import Ledger
from booktape.store.folder import FolderStore
from booktape.times import DAY_US
from tests.support.certified import certify_all, list_files
from tests.support.hand_tape import A, B, HandTape, at, delta, feed, snapshot

PLACE = "bitvavo", "2026-11-22"
LEVEL = ("bid", 99.0, 1.0)
MIDNIGHT_NS = (at(0) // DAY_US + 1) * DAY_US * 1000
MINUTE_NS = 60_000_000_000
SETTLED_NS = MIDNIGHT_NS + 15 * MINUTE_NS
TOMORROW_S = 86_400


def days_of(tape: HandTape) -> Days:
    store = FolderStore(tape.root)
    return Days(store, Ledger(store, "file:", certified=False))


@pytest.fixture
def tape(tmp_path: Path) -> HandTape:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL))
    return tape


def end(tape: HandTape, session: str = A) -> None:
    events = tape.next.get(session, 0) + 1
    tape.write(session, feed(9, "session_end", reason="stopped", events=events))


def test_a_day_is_over_a_quarter_of_an_hour_after_midnight(tape: HandTape) -> None:
    end(tape)
    with pytest.raises(NotOver, match="2026-11-22 is not over before 00:15 UTC"):
        days_of(tape).plan(*PLACE, clock_ns=SETTLED_NS - 1)
    plan = days_of(tape).plan(*PLACE, clock_ns=SETTLED_NS)
    assert plan is not None
    assert (0, None, [0, 2]) == (plan.revision, plan.earlier, [f.first for f in plan.flushes])


def test_a_day_is_not_over_while_a_session_goes_on(tape: HandTape) -> None:
    with pytest.raises(NotOver, match=f"{A} has not ended, and has nothing of a later day"):
        days_of(tape).plan(*PLACE, clock_ns=SETTLED_NS)
    tape.write(A, delta(TOMORROW_S, 1, LEVEL))
    assert days_of(tape).plan(*PLACE, clock_ns=SETTLED_NS)
    tape.write(B, feed(0, "session_start"))
    with pytest.raises(NotOver, match=B):
        days_of(tape).plan(*PLACE, clock_ns=SETTLED_NS)
    end(tape, B)
    assert days_of(tape).plan(*PLACE, clock_ns=SETTLED_NS)


def test_a_day_without_rows_is_told(tape: HandTape) -> None:
    with pytest.raises(NotOver, match="nothing of 2026-11-25; it has 2026-11-22 to 2026-11-22"):
        days_of(tape).plan("bitvavo", "2026-11-25", clock_ns=None)


def test_a_certified_day_wants_nothing_until_more_comes(tape: HandTape, tmp_path: Path) -> None:
    [certificate] = certify_all(tape.root, tmp_path / "temporary")
    assert days_of(tape).plan(*PLACE, clock_ns=None) is None
    tape.write(A, delta(5, 1, LEVEL))
    plan = days_of(tape).plan(*PLACE, clock_ns=None)
    assert plan is not None
    assert (1, certificate, [2]) == (plan.revision, plan.earlier, [f.first for f in plan.flushes])


def test_segments_that_are_gone_cannot_be_certified(tape: HandTape) -> None:
    for path in (tape.root / "tape/book").rglob("*.parquet"):
        path.unlink()
    with (
        pytest.raises(TapeError, match=r"segments of .* from event 0 on are gone, and no cert"),
        pytest.warns(UserWarning, match="objects that the ledger names are gone"),
    ):
        days_of(tape).plan(*PLACE, clock_ns=None)


def test_one_that_was_interrupted_goes_on_with_what_it_began(
    tape: HandTape, tmp_path: Path
) -> None:
    certify_all(tape.root, tmp_path / "temporary")
    begun = next(key for key in list_files(tape.root) if key.endswith("book.parquet"))
    for key in list_files(tape.root):
        if key != begun:
            (tape.root / key).unlink()
    tape.write(A, delta(5, 1, LEVEL))
    plan = days_of(tape).plan(*PLACE, clock_ns=None)
    assert plan is not None
    assert [f"{A}-000000000000-000000000001"] == [name_manifest(one) for one in plan.flushes]
    for path in (tape.root / "ledger").rglob("*-000000000000-*.json"):
        path.unlink()
    with pytest.raises(TapeError, match="rests on manifests that are gone; set it aside"):
        days_of(tape).plan(*PLACE, clock_ns=None)
    (tape.root / begun).write_bytes(b"this is no Parquet")
    with pytest.raises(TapeError, match=r"is no file of a day: .*; set it aside"):
        days_of(tape).plan(*PLACE, clock_ns=None)
