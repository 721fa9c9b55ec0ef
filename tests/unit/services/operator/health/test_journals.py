from typing import Any

from msgspec.structs import replace

from tests.support.healths import (
    TS,
    S,
    find_sentences,
    make_feed,
    make_health,
    make_journal,
    make_writer,
)


def test_a_journal_that_grows_unheard_is_told() -> None:
    session = make_feed().ingest.session  # type: ignore[union-attr]
    known = make_writer(sessions={session: (0, 9)})
    old: dict[str, Any] = {"ts_start": TS - 61 * S, "journal_synced": 9}
    assert [] == find_sentences(make_health(make_feed(**old), known))
    held = make_writer(sessions={}, held_sessions={session: "why"})
    assert ["the writer holds back"] == [
        text[:21] for text in find_sentences(make_health(make_feed(**old), held))
    ]
    [trouble] = find_sentences(make_health(make_feed(**old), make_writer(sessions={})))
    assert f"the journal of {session} grows, but the writer does not see it" in trouble
    young: dict[str, Any] = {"ts_start": TS - 59 * S, "journal_synced": 9}
    assert [] == find_sentences(make_health(make_feed(**young), make_writer(sessions={})))
    writer = make_writer(sessions={}, ts_start=TS - 59 * S)
    assert [] == find_sentences(make_health(make_feed(**old), writer))


def test_a_journal_that_nobody_owns_is_a_trouble_only_where_its_feed_does_not_run() -> None:
    lost = make_journal(owner_pid=None)
    assert [] == find_sentences(make_health(journals=[lost]))
    [trouble] = find_sentences(make_health(make_feed("btcturk"), make_writer(), journals=[lost]))
    assert f"nobody delivers the journal of {lost.session}" in trouble
    delivered = replace(lost, is_delivered=True)
    assert [] == find_sentences(
        make_health(make_feed("btcturk"), make_writer(), journals=[delivered])
    )
