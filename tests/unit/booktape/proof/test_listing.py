from booktape.proof.listing import list_tape
from tests.support.writing import SESSION, MemoryStore

NAME = "ledger/exchange=toy/date=2026-11-{:02}/" + SESSION + "-{:012}-{:012}.json"


def test_of_a_date_that_is_not_read_two_manifests_of_a_session_are_remembered() -> None:
    store = MemoryStore()
    for day in range(1, 4):
        for first in range(100):
            number = 1000 * day + 10 * first
            store.objects[NAME.format(day, number, number + 9)] = b""
    listing = list_tape(store, "2026-11-02")
    found = [(key.date, key.first) for key in sorted(listing.manifests[SESSION], key=str)]
    days = {day: [first for date, first in found if date == day] for day, _ in found}
    assert [1000, 1990] == sorted(days["2026-11-01"])
    assert 100 == len(days["2026-11-02"])
    assert [3000, 3990] == sorted(days["2026-11-03"])
    assert 300 == len(list_tape(store, None).manifests[SESSION])
