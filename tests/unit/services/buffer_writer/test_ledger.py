import pytest

from services.buffer_writer import ledger as module
from services.buffer_writer.ledger import Range, StoredRanges
from tests.support.writing import FOREIGN, OTHER, SESSION, MemoryStore


def put(store: MemoryStore, session: str, first: int, last: int) -> None:
    exchange = session.split("-")[1]
    name = f"{session}-{first:012}-{last:012}.json"
    store.objects[f"ledger/exchange={exchange}/date=2024-10-04/{name}"] = b""


@pytest.fixture
def ledger() -> StoredRanges:
    store = MemoryStore()
    store.objects["ledger/exchange=toy/notes.txt"] = b"somebody else's"
    for first in (0, 10, 20):
        put(store, SESSION, first, first + 9)
    put(store, FOREIGN, 0, 99)
    return StoredRanges(store)


def test_what_follows_what_is_stored_is_found(ledger: StoredRanges) -> None:
    assert 30 == ledger.find_next(SESSION)
    assert 0 == ledger.find_next(OTHER)
    assert 100 == ledger.find_next(FOREIGN)


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ((10, 19), None),  # the very same: its objects are compared
        ((30, 39), None),
        ((5, 35), (10, 29)),
        ((25, 39), (25, 29)),
        ((12, 14), (12, 14)),
        ((29, 29), (29, 29)),
    ],
)
def test_what_is_stored_in_other_flushes_is_found(
    ledger: StoredRanges, range_: Range, expected: Range | None
) -> None:
    ledger.compare({SESSION: 10})
    assert expected == ledger.find_overlap(SESSION, *range_)


def test_a_session_is_compared_once_it_was_asked_for(ledger: StoredRanges) -> None:
    assert not ledger.is_compared(OTHER)
    ledger.compare({SESSION: 10, OTHER: 0})
    assert ledger.is_compared(OTHER)
    assert ledger.find_overlap(OTHER, 0, 99) is None


def test_sessions_are_forgotten_where_they_are_too_many(
    ledger: StoredRanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMPARED_MAX", 1)
    ledger.compare({SESSION: 10})
    ledger.compare({FOREIGN: 0, OTHER: 0})
    assert [False, True, True] == list(map(ledger.is_compared, (SESSION, FOREIGN, OTHER)))
