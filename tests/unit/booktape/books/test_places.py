from pathlib import Path

import pytest

from booktape.books import places as places_module
from booktape.books.places import find_first
from booktape.flush import Flush
from tests.support.hand_tape import A, HandTape, at, snapshot, ticker


@pytest.mark.parametrize("probes", [1, 4, 50])
@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_a_place_is_found_by_few_as_by_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, probes: int
) -> None:
    monkeypatch.setattr(places_module, "PROBES", probes)
    tape = HandTape(tmp_path)
    for minute in range(count):
        tape.write(A, snapshot(60 * minute, minute), ticker(60 * minute + 50))
    ledger, _, sessions = tape.reading()
    (session,) = sessions.find("bitvavo", at(0), at(0))
    for moment in (*range(-30, 60 * count + 60, 30),):
        found: list[int] = []
        for is_far in (False, True):
            ledger.is_far = is_far
            found += [
                find_first(ledger, session.keys, edge, at(moment))
                for edge in (Flush.ts_max, Flush.ts_min)
            ]
        assert found[:2] == found[2:]


def test_nothing_is_found_where_there_is_nothing(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, ticker(1))
    ledger, _, _ = tape.reading()
    for is_far in (False, True):
        ledger.is_far = is_far
        assert 0 == find_first(ledger, [], Flush.ts_max, 0)
