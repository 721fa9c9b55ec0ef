from pathlib import Path

import msgspec
import pytest

from booktape.certify.figures import add_up
from booktape.errors import TapeError
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, at, delta, feed, snapshot, trade

LEVEL = ("bid", 99.0, 1.0)
TOMORROW_S = 86_400.0


def test_a_revision_adds_up_the_rows_of_all_files_in_their_order(tmp_path: Path) -> None:
    """The flush in the middle came last: its rows lie between those of the first revision."""
    early, late = HandTape(tmp_path / "tape"), HandTape(tmp_path / "late")
    for tape in (early, late):
        tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL), snapshot(1, 2, symbol=ETH))
    middle = feed(2, "gap", BTC, channel="book"), delta(2, 2, symbol=ETH), snapshot(3, 5, LEVEL)
    late.write(A, *middle)
    for tape, epoch in ((early, 5), (late, 5)):
        tape.write(A, delta(4, epoch, LEVEL), delta(5, epoch, LEVEL), first=6)
        tape.write(A, feed(9, "session_end", reason="stopped", events=9))
    [first] = certify_all(early.root, tmp_path / "temporary")
    assert [(A, 3, 5)] == [(one.session, one.first, one.last) for one in first.missing]
    assert "degraded" == first.condition
    for path in (late.root).rglob("*-000000000003-*"):
        target = early.root / path.relative_to(late.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    [second] = certify_all(early.root, tmp_path / "temporary")
    [wanted] = certify_all(late.root, tmp_path / "temporary")
    assert 1 == second.revision
    assert wanted.symbols == second.symbols
    assert [] == second.missing


def test_a_book_over_midnight_is_known_on_both_days(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL), trade(1, "t1"))
    tape.write(A, delta(TOMORROW_S, 1, LEVEL), feed(TOMORROW_S + 1, "gap", BTC, channel="book"))
    days = certify_all(tape.root, tmp_path / "temporary")
    midnight = at(TOMORROW_S / 2)
    known = [(one.symbols[0].book_start, one.symbols[0].book_end) for one in days]
    assert [(at(1), midnight), (midnight, at(TOMORROW_S + 1))] == known
    assert ["available"] * 2 == [one.condition for one in days]


def test_a_symbol_of_which_the_feed_alone_speaks_is_there(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, feed(0, "session_start"), feed(1, "subscription_refused", "XRP-EUR"))
    tape.write(B, snapshot(1, 0, LEVEL))
    [certificate] = certify_all(tape.root, tmp_path / "temporary")
    assert [BTC, "XRP-EUR"] == [one.symbol for one in certificate.symbols]
    found = certificate.symbols[1]
    assert ({"feed_events": 1}, [], None) == (found.events, found.gaps, found.book_start)


def test_other_events_than_the_manifests_count_are_refused(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, feed(0, "session_start"), snapshot(1, 1, LEVEL))
    [certificate] = certify_all(tape.root, tmp_path / "temporary")
    files = [msgspec.structs.replace(file, events=7) for file in certificate.files]
    forged = msgspec.structs.replace(certificate, files=files)
    store = FolderStore(tape.root)
    assert certificate == add_up(store, "file:", certificate)
    with pytest.raises(TapeError, match=r"manifests .*booktape verify shows more"):
        add_up(store, "file:", forged)
