import json
from datetime import date
from pathlib import Path

import pytest

from booktape.errors import StoreError
from booktape.keys import Key, parse_key
from booktape.proof.findings import Range
from booktape.proof.listing import list_tape
from booktape.proof.verify import format_report, verify
from shared.delivery.frame import DAY_NS
from tests.support.tapes import BTC, DATE, ETH, NOON, SESSION, Recording, Tape, record_minute
from tests.support.writing import MemoryStore, make_store_error

TODAY = date.fromisoformat(DATE)
MIDNIGHT = NOON + DAY_NS // 2


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path)


def write_days(tape: Tape) -> list[Key]:
    """Write a session of three manifests before midnight and two after it."""
    recording = Recording(ts=MIDNIGHT - 1_000_000_000)
    keys = [tape.write(record_minute(recording))]
    keys += [tape.write(record_minute(recording, begins=False)) for _ in range(2)]
    recording.ts = MIDNIGHT
    keys.append(tape.write(record_minute(recording, begins=False)))
    recording.end()
    keys.append(tape.write([recording.take()]))
    return keys


def reasons(ranges: list[Range]) -> list[tuple[int | None, int | None, str]]:
    return [(r.first, r.last, r.reason) for r in ranges]


def test_an_empty_store_is_whole(tape: Tape) -> None:
    report = verify(tape.store)
    assert (True, [], [], []) == (report.ok, report.sessions, report.pending, report.faults)


def test_a_session_that_ended_is_whole(tape: Tape) -> None:
    keys = write_days(tape)
    report = verify(tape.store)
    assert (True, [], [], []) == (report.ok, report.pending, report.expired, report.faults)
    [session] = report.sessions
    assert (SESSION, 0, keys[-1].last, True) == (
        session.session,
        session.first,
        session.last,
        session.ended,
    )
    entries = [e for key in keys for [e] in tape.manifest(key).tables.values()]
    assert sum(entry.rows for entry in entries) == session.rows
    assert sum(entry.bytes for entry in entries) == session.bytes


def test_a_session_that_goes_on_is_pending(tape: Tape) -> None:
    key = tape.write(record_minute(Recording()))
    report = verify(tape.store)
    assert report.ok
    assert [(key.last + 1, None, "the session has not ended")] == reasons(report.pending)
    assert not report.sessions[0].ended


def test_progress_counts_manifests(tape: Tape) -> None:
    write_days(tape)
    seen: list[tuple[int, int]] = []
    verify(tape.store, progress=lambda done, total: seen.append((done, total)))
    assert [(done, 5) for done in range(1, 6)] == seen


def test_gaps_and_outages_are_listed(tape: Tape) -> None:
    recording = Recording()
    recording.feed_event("gap", BTC, '{"channel":"book"}', expected=7, received=9)
    recording.feed_event("stale")
    recording.feed_event("connected")
    recording.feed_event("disconnected", detail='{"reason":"reset"}')
    recording.end("killed")
    tape.write([recording.take()])
    report = verify(tape.store)
    assert report.ok
    [session] = report.sessions
    [gap] = session.gaps
    assert ("gap", BTC, 0, 7, 9) == (
        gap.kind,
        gap.symbol,
        gap.event_number,
        gap.sequence_expected,
        gap.sequence_received,
    )
    assert NOON + 1_000_000 == gap.ts_recv
    kinds = [(row.kind, row.event_number) for row in session.outages]
    assert [("stale", 1), ("disconnected", 3), ("session_end", 4)] == kinds


def test_a_session_stopped_as_it_should_is_no_outage(tape: Tape) -> None:
    recording = Recording()
    recording.feed_event("disconnected", detail='{"reason":"stopped"}')
    detail = '{"connection":0,"reason":"stopped","symbols":["BTC-EUR"]}'
    recording.feed_event("disconnected", detail=detail)
    recording.end()
    tape.write([recording.take()])
    assert [] == verify(tape.store).sessions[0].outages


def test_the_report_is_json_as_the_contract_says(tape: Tape) -> None:
    tape.write(record_minute(Recording()))
    report = json.loads(verify(tape.store).to_json())
    assert {"ok", "sessions", "pending", "expired", "faults", "foreign"} == set(report)
    assert report["ok"] is True
    [session] = report["sessions"]
    assert {"session", "first", "last", "ended", "gaps"} <= set(session)
    assert [SESSION] == [pending["session"] for pending in report["pending"]]


@pytest.mark.parametrize("versions", [(1, 1, 1), (1, 1, 2), (2, 1, 2), (1, 2, 1)])
def test_a_tape_of_either_version_or_of_both_is_whole(
    tape: Tape, versions: tuple[int, ...]
) -> None:
    recording = Recording()
    for place, version in enumerate(versions):
        if place:
            recording.snapshot(BTC, 50 * place)
        tape.write(record_minute(recording, begins=not place), version=version)
    recording.end()
    tape.write([recording.take()], version=versions[-1])
    report = verify(tape.store)
    assert (True, [], True) == (report.ok, report.faults, report.sessions[0].ended)


def test_markets_and_what_a_delta_names_are_proven_too(tape: Tape) -> None:
    recording = Recording()
    recording.feed_event("session_start")
    recording.instrument(ETH)
    recording.snapshot(BTC)
    recording.delta(BTC, step=9)
    recording.instrument(BTC)
    tape.write([recording.take()])
    recording.delta(BTC, step=2)
    recording.instrument(ETH, reason="changed")
    recording.end()
    tape.write([recording.take()])
    report = verify(tape.store)
    assert (True, [], []) == (report.ok, report.faults, report.pending)
    assert 10 == report.sessions[0].rows


def test_sessions_are_proven_one_by_one(tape: Tape) -> None:
    other = SESSION.replace("-a", "-b")
    for session in (other, SESSION):
        tape.write(record_minute(Recording(session)))
    report = verify(tape.store)
    assert report.ok
    assert [SESSION, other] == [found.session for found in report.sessions]


def test_events_whose_clock_went_back_over_midnight_are_whole(tape: Tape) -> None:
    recording = Recording(ts=MIDNIGHT)
    keys = [tape.write(record_minute(recording))]
    recording.ts = MIDNIGHT - 1_000_000_000
    keys.append(tape.write(record_minute(recording, begins=False)))
    assert ["2026-11-23", "2026-11-22"] == [key.date for key in keys]
    assert verify(tape.store).ok
    assert verify(tape.store, date=TODAY).ok


# --- holes --------------------------------------------------------------------------------------


def write_hole(tape: Tape, present: int, *, said: int | None = None) -> int:
    """Lose the events up to `present` from the journal; return the number of the hole."""
    recording = Recording()
    tape.write(record_minute(recording))
    hole = recording.feed_event(
        "journal_hole", expected=recording.next_number, received=present if said is None else said
    )
    tape.write([recording.take()])
    later = Recording(first=present, ts=recording.ts)
    later.builder._epochs = {BTC: hole, ETH: 2}  # the ingest knows of no hole
    later.sequences = {BTC: 700, ETH: 900}
    for symbol in (BTC, ETH, BTC):
        later.delta(symbol)
    later.snapshot(BTC, 5)
    later.delta(BTC)
    later.end()
    tape.write([later.take()])
    return hole


def test_a_journal_hole_explains_what_is_missing(tape: Tape) -> None:
    hole = write_hole(tape, 40)
    report = verify(tape.store)
    assert ([], []) == (report.faults, report.pending)
    [gap] = report.sessions[0].gaps
    assert ("journal_hole", hole, 40) == (gap.kind, gap.event_number, gap.sequence_received)


def test_a_hole_of_one_event_takes_its_place(tape: Tape) -> None:
    recording = Recording()
    recording.snapshot(BTC, 5)
    recording.delta(BTC)
    recording.feed_event("journal_hole", expected=2, received=3)
    recording.sequences[BTC] += 1
    recording.delta(BTC)
    recording.end()
    tape.write([recording.take()])
    assert [] == verify(tape.store).faults


def test_sequences_continue_behind_a_hole_too(tape: Tape) -> None:
    recording = Recording()
    recording.snapshot(BTC, 5)
    recording.feed_event("journal_hole", expected=1, received=2)
    for _ in range(2):
        recording.sequences[BTC] += 1
        recording.delta(BTC)
    tape.write([recording.take()])
    [fault] = verify(tape.store).faults
    assert (3, 3, "BTC-EUR has sequence 9, not 8") == (fault.first, fault.last, fault.reason)


@pytest.mark.parametrize(("said", "first", "last"), [(30, 30, 39), (50, 40, 45)])
def test_a_hole_explains_exactly_what_it_says(tape: Tape, said: int, first: int, last: int) -> None:
    write_hole(tape, 40, said=said)
    [fault] = verify(tape.store).faults
    assert (first, last) == (fault.first, fault.last)


def test_a_hole_does_not_explain_what_is_there(tape: Tape) -> None:
    recording = Recording()
    recording.feed_event("journal_hole", expected=0, received=5)
    recording.feed_event("connected")
    tape.write([recording.take()])
    [fault] = verify(tape.store).faults
    assert (0, 0, "a journal_hole ends at 5") == (fault.first, fault.last, fault.reason)


def test_a_hole_without_an_end_explains_nothing(tape: Tape) -> None:
    recording = Recording()
    recording.feed_event("journal_hole", expected=0)
    tape.write([recording.take()])
    [fault] = verify(tape.store).faults
    assert "a journal_hole ends at 0" == fault.reason


# --- one date -----------------------------------------------------------------------------------


def test_one_date_is_proven_alone(tape: Tape) -> None:
    keys = write_days(tape)
    for day, expected in ((TODAY, keys[:3]), (TODAY.replace(day=23), keys[3:])):
        report = verify(tape.store, date=day)
        assert (True, [], []) == (report.ok, report.pending, report.expired)
        [session] = report.sessions
        assert (expected[0].first, expected[-1].last) == (session.first, session.last)
    assert [True] == [found.ended for found in report.sessions]


def test_a_date_without_objects_is_whole(tape: Tape) -> None:
    write_days(tape)
    report = verify(tape.store, date=date(2026, 11, 20))
    assert (True, [], []) == (report.ok, report.sessions, report.pending)


def test_what_was_removed_before_the_date_is_expired(tape: Tape) -> None:
    keys = write_days(tape)
    for key in keys[:3]:
        for name in (None, *tape.manifest(key).tables):
            tape.path(Key(name, key.exchange, key.date, key.session, key.first, key.last)).unlink()
    report = verify(tape.store, date=TODAY.replace(day=23))
    assert (True, []) == (report.ok, report.faults)
    assert [(0, keys[2].last, "removed before the date")] == reasons(report.expired)
    assert not verify(tape.store).ok


def test_what_was_removed_before_what_still_lies_before_the_date_is_expired(tape: Tape) -> None:
    keys = write_days(tape)
    tape.path(keys[0]).unlink()
    report = verify(tape.store, date=TODAY.replace(day=23))
    assert [(0, keys[0].last, "removed before the date")] == reasons(report.expired)
    assert report.ok


def test_what_is_lost_of_the_date_is_a_fault(tape: Tape) -> None:
    keys = write_days(tape)
    tape.path(keys[2]).unlink()
    report = verify(tape.store, date=TODAY)
    lost = keys[2].first, keys[2].last
    assert (*lost, "events are missing") in reasons(report.faults)


def remove(tape: Tape, *keys: Key) -> None:
    for key in keys:
        for name in [*tape.manifest(key).tables, None]:
            tape.path(Key(name, key.exchange, key.date, key.session, key.first, key.last)).unlink()


def test_the_first_flush_of_the_date_is_no_more_expired_than_any_other(tape: Tape) -> None:
    keys = write_days(tape)
    lost = keys[3].first, keys[3].last
    remove(tape, keys[3])
    report = verify(tape.store, date=TODAY.replace(day=23))
    assert (*lost, "events are missing") in reasons(report.faults)
    assert [] == report.expired


def test_a_date_of_which_nothing_is_there_between_two_others_is_not_whole(tape: Tape) -> None:
    keys = write_days(tape)
    remove(tape, *keys[3:])
    keys = keys[:3]
    recording = Recording(first=keys[-1].last + 10, ts=MIDNIGHT + DAY_NS)
    recording.feed_event("connected")
    tape.write([recording.take()])
    report = verify(tape.store, date=TODAY.replace(day=23))
    lost = keys[-1].last + 1, keys[-1].last + 9
    assert [(*lost, "events are missing")] == reasons(report.faults)
    assert not report.ok
    # Nor does it concern a date that is before all of it.
    assert verify(tape.store, date=TODAY.replace(day=21)).ok


def test_a_hole_at_the_end_of_the_day_before_explains_what_is_missing(tape: Tape) -> None:
    recording = Recording(ts=MIDNIGHT - 1_000_000_000)
    tape.write(record_minute(recording))
    recording.feed_event("journal_hole", expected=recording.next_number, received=40)
    tape.write([recording.take()])
    later = Recording(first=40, ts=MIDNIGHT)
    later.feed_event("connected")
    later.end()
    tape.write([later.take()])
    report = verify(tape.store, date=TODAY.replace(day=23))
    assert (True, [], []) == (report.ok, report.expired, report.faults)


def test_of_other_dates_only_what_borders_on_something_is_remembered(tape: Tape) -> None:
    keys = write_days(tape)
    listing = list_tape(tape.store, "2026-11-23")
    expected = {keys[0], keys[2], keys[3], keys[4]}
    assert expected == set(listing.manifests[keys[0].session])
    assert {"2026-11-23"} == {parse_key(key).date for key in listing.segments}


def test_what_no_reader_opens_is_reported_and_does_no_harm(tape: Tape) -> None:
    write_days(tape)
    place = tape.root / "tape" / "book"
    for name in (".DS_Store", "_SUCCESS"):
        (place / name).write_bytes(b"")
    report = verify(tape.store)
    assert (True, []) == (report.ok, report.faults)
    assert ["tape/book/.DS_Store", "tape/book/_SUCCESS"] == [each.key for each in report.foreign]
    assert "Not of the tape (2)" in format_report(report)
    (place / "mine.parquet").write_bytes(b"")
    assert not verify(tape.store).ok


def test_a_folders_marker_does_no_harm() -> None:
    store = MemoryStore()
    store.objects["tape/book/"] = b""
    assert verify(store).ok


def test_what_is_lost_behind_the_date_is_not_its_matter(tape: Tape) -> None:
    keys = write_days(tape)
    recording = Recording(first=keys[-1].last + 10, ts=MIDNIGHT)
    recording.feed_event("connected")
    tape.write([recording.take()])
    assert verify(tape.store, date=TODAY).ok
    assert not verify(tape.store, date=TODAY.replace(day=23)).ok


# --- on its way ---------------------------------------------------------------------------------


def test_segments_of_the_newest_range_are_on_their_way(tape: Tape) -> None:
    keys = write_days(tape)
    tape.path(keys[-1]).unlink()
    report = verify(tape.store)
    assert (True, []) == (report.ok, report.faults)
    came = (keys[-1].first, keys[-1].last, "its manifest has not come yet")
    assert [(keys[-1].first, None, "the session has not ended"), came] == reasons(report.pending)
    assert verify(tape.store, date=TODAY).ok


def test_segments_of_a_session_without_manifest_are_on_their_way(tape: Tape) -> None:
    key = tape.write(record_minute(Recording()))
    tape.path(key).unlink()
    report = verify(tape.store)
    assert (True, [], 4) == (report.ok, report.sessions, len(report.pending))


def test_a_manifest_that_comes_while_we_read_is_no_fault(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    recording = Recording()
    recording.feed_event("connected")
    first = tape.write([recording.take()])
    recording.feed_event("connected")
    tape.write([recording.take()])

    class Late(MemoryStore):
        """The first manifest is listed by the time somebody asks for it."""

    store = Late()
    for info in tape.store.list(""):
        store.objects[info.key] = tape.store.get(info.key)
    listed = store.list
    store.list = lambda prefix: (i for i in listed(prefix) if i.key != first.text)  # type: ignore[method-assign]
    report = verify(store)
    assert ["its manifest has not come yet"] == [
        r.reason for r in report.pending if r.first == first.first
    ]


def test_a_store_that_cannot_be_read_is_an_error() -> None:
    store = MemoryStore()
    store.errors = [make_store_error()]
    with pytest.raises(StoreError):
        verify(store)
