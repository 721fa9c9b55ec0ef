from collections.abc import Collection, Iterator, Sequence
from random import Random
from threading import Event

import pytest

from booktape.errors import DamagedSegment, StoreError, TapeError
from booktape.keys import Key
from services.sink.feeder import RETRY_CAP_S, Feeder
from services.sink.protocol import SinkBatch, SinkFailed, SinkRefused
from services.sink.tape_rows import SegmentGone
from tests.unit.services.sink.test_lines import TS, make_rows

POLL_S = 30.0
DAY, NEXT = "2026-11-22", "2026-11-23"
A, B = "20261122T120000.000000Z-bitvavo-a", "20261122T115900.000000Z-bitvavo-b"


def flush(session: str, first: int, last: int, date: str = DAY) -> Key:
    return Key(None, "bitvavo", date, session, first, last)


class World:
    """A tape with a ticker for each event number, a store, a cursor; each fails as it is told."""

    def __init__(self, *due: Key) -> None:
        self.due = list(due)
        self.looks = 0
        self.faults: dict[Key | str, Exception] = {}  # of reading a flush, of sending a session's
        self.stored: list[tuple[str, int]] = []
        self.sent = 0
        self.batches: list[SinkBatch] = []  # that every flush has beside its own
        self.numbers: dict[str, int] = {}
        self.days: list[list[Key]] = []
        self.steady_s = 0.0
        self.feeder = Feeder(
            self.find_due,
            self,
            self,
            self,
            poll_interval_s=POLL_S,
            random=Random(1),
            steady_s=lambda: self.steady_s,
            clock_ns=lambda: 77,
        )

    def find_due(self) -> list[Key]:
        self.looks += 1
        if "look" in self.faults:
            raise self.faults["look"]
        return [key for key in self.due if key.last >= self.next(key.session)]

    def read(self, key: Key, first: int) -> Iterator[SinkBatch]:
        yield from self.batches
        for number in range(max(first, key.first), key.last + 1):
            yield self._batch(key, number)
            if key in self.faults:
                raise self.faults[key]

    def read_day(self, keys: Sequence[Key], first: dict[str, int]) -> Iterator[SinkBatch]:
        self.days.append(list(keys))
        if "day" in self.faults:
            raise self.faults["day"]
        for key in keys:
            for number in range(max(first[key.session], key.first), key.last + 1):
                yield self._batch(key, number)

    def _batch(self, key: Key, number: int) -> SinkBatch:
        row = {"event_number": number, "ts_recv": TS + number}
        return SinkBatch("ticker", "bitvavo", key.session[-1], make_rows("ticker", row))

    def send(self, batch: SinkBatch) -> None:
        self.sent += 1
        fault = self.faults.get(batch.line)
        if fault:
            raise fault
        self.stored += [(batch.line, number) for number in batch.rows["event_number"].to_pylist()]

    def close(self) -> None:
        raise AssertionError

    def next(self, session: str) -> int:
        return self.numbers.get(session, 0)

    def move(self, session: str, next_number: int) -> None:
        self.numbers[session] = next_number

    def forget(self, sessions: Collection[str]) -> None:
        raise AssertionError(sessions)


def test_what_is_due_is_fed_in_order_and_then_it_waits() -> None:
    world = World(flush(A, 0, 1), flush(A, 2, 3), flush(A, 4, 4, NEXT))
    assert POLL_S == world.feeder.step()
    assert [("a", number) for number in range(5)] == world.stored
    assert {A: 5} == world.numbers
    feeder = world.feeder
    assert (5, 3, 0, None) == (feeder.rows, feeder.flushes, feeder.failures, feeder.error)
    assert ((TS + 4) * 1000, 77, []) == (feeder.last_row_ts, feeder.last_fed_ts, feeder.due)


def test_what_is_known_to_be_there_is_not_sent_again() -> None:
    world = World(flush(A, 0, 4))
    world.numbers[A] = 3
    world.feeder.step()
    assert [("a", 3), ("a", 4)] == world.stored


def test_the_cursor_moves_only_when_all_of_a_flush_is_there() -> None:
    world = World(flush(A, 0, 1), flush(A, 2, 3))
    world.faults["a"] = SinkFailed("no answer in time")
    assert world.feeder.step() <= RETRY_CAP_S
    assert {} == world.numbers
    assert ("no answer in time", False) == (world.feeder.error, world.feeder.is_refused)
    assert 1 == world.sent
    del world.faults["a"]
    assert POLL_S == world.feeder.step()
    assert [0, 1, 2, 3] == [number for _, number in world.stored]
    assert world.feeder.error is None


def test_a_store_that_asks_for_time_is_given_it() -> None:
    world = World(flush(A, 0, 0))
    world.faults["a"] = SinkFailed("busy", retry_after_s=500.0)
    assert world.feeder.step() >= 500.0


def test_while_a_store_fails_the_ledger_is_left_alone() -> None:
    world = World(flush(A, 0, 0))
    world.faults["a"] = SinkFailed("busy")
    for _ in range(5):
        world.feeder.step()
    assert 1 == world.looks
    world.steady_s += POLL_S
    world.feeder.step()
    assert 2 == world.looks


def test_what_is_refused_is_never_skipped_and_the_other_sessions_go_on() -> None:
    world = World(flush(A, 0, 0), flush(B, 0, 0), flush(A, 1, 1), flush(B, 1, 1))
    world.faults["a"] = SinkRefused("no such database")
    assert world.feeder.step() <= RETRY_CAP_S
    assert [("b", 0), ("b", 1)] == world.stored
    assert ("no such database", True) == (world.feeder.error, world.feeder.is_refused)
    assert [flush(A, 0, 0), flush(A, 1, 1)] == world.feeder.due
    del world.faults["a"]
    world.feeder.step()
    assert [("a", 0), ("a", 1)] == world.stored[2:]
    assert (None, False) == (world.feeder.error, world.feeder.is_refused)


def test_what_is_damaged_is_not_fed_and_nothing_of_its_session_after_it() -> None:
    world = World(flush(A, 0, 1), flush(A, 2, 2), flush(B, 0, 0))
    world.faults[flush(A, 0, 1)] = DamagedSegment("key", "its footer is gone")
    world.feeder.step()
    assert {B: 1} == world.numbers
    assert "key is damaged: its footer is gone" == world.feeder.error


def test_a_tape_that_cannot_be_read_ends_the_round() -> None:
    world = World(flush(A, 0, 1), flush(B, 0, 0))
    world.faults[flush(A, 0, 1)] = StoreError("read", where="x", reason="gone", remedy="wait")
    world.feeder.step()
    assert {} == world.numbers
    assert 1 == world.sent
    assert not world.feeder.is_refused


@pytest.mark.parametrize("error", [TapeError("no tape"), OSError("disk")])
def test_a_ledger_that_cannot_be_listed_is_asked_again(error: Exception) -> None:
    world = World(flush(A, 0, 0))
    world.faults["look"] = error
    world.feeder.step()
    assert (str(error), 1) == (world.feeder.error, world.feeder.failures)
    del world.faults["look"]
    world.feeder.step()
    assert [("a", 0)] == world.stored
    assert world.feeder.error is None


def test_where_a_flush_is_gone_the_rest_of_its_day_is_read_at_once() -> None:
    world = World(flush(A, 0, 0), flush(A, 1, 1), flush(B, 0, 0), flush(A, 2, 2, NEXT))
    world.faults[flush(A, 1, 1)] = SegmentGone("gone")
    assert POLL_S == world.feeder.step()
    assert [[flush(A, 1, 1), flush(B, 0, 0)]] == world.days
    assert {A: 3, B: 1} == world.numbers
    assert {("a", 0), ("a", 1), ("b", 0), ("a", 2)} == set(world.stored)


def test_a_day_that_is_refused_waits_whole_and_the_next_day_of_its_sessions_too() -> None:
    world = World(flush(A, 0, 0), flush(A, 1, 1, NEXT), flush(B, 0, 0, NEXT))
    world.faults[flush(A, 0, 0)] = SegmentGone("gone")
    world.faults["day"] = DamagedSegment("key", "torn")
    world.feeder.step()
    assert {B: 1} == world.numbers
    world.faults["day"] = StoreError("read", where="x", reason="gone", remedy="wait")
    world.feeder.step()
    assert {B: 1} == world.numbers
    del world.faults["day"]
    world.feeder.step()
    assert {A: 2, B: 1} == world.numbers


def test_rows_that_take_the_place_of_others_are_counted() -> None:
    world = World(flush(A, 0, 0))
    rows = make_rows("ticker", {"event_number": 0}, {"event_number": 1000})
    world.batches = [SinkBatch("ticker", "bitvavo", "a", rows)]
    world.feeder.step()
    assert 1 == world.feeder.rows_met


def test_a_stop_is_heard_between_two_flushes() -> None:
    world, stop = World(flush(A, 0, 0), flush(A, 1, 1)), Event()
    send = world.send

    def send_last(batch: SinkBatch) -> None:
        stop.set()
        send(batch)

    world.send = send_last  # type: ignore[method-assign]
    world.feeder.run(stop)
    assert [("a", 0)] == world.stored
