"""Which book events are recorded, and when a book is worth nothing."""

from typing import Any

import msgspec
import pytest

from shared.event import Checkpoint, Delta, FeedEvent, Snapshot
from shared.feed.books import TOP_LEVELS, Books
from tests.support.levels import levels
from tests.support.toys import Tape, book, delta


class World:
    """Two books, what was recorded of them, and which need to be begun anew."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.resyncs: list[tuple[str, str]] = []
        self.books = Books(self.tape, lambda raw, why: self.resyncs.append((raw, why)))
        self.books.add("BTCEUR", "BTC-EUR")
        self.books.add("ETHEUR", "ETH-EUR")

    def go_live(self, *, sequence: int | None = 10) -> None:
        for raw_symbol in ("BTCEUR", "ETHEUR"):
            self.books.replace(1, book(raw_symbol, sequence))
        self.tape.clear()

    def sequences(self) -> list[int]:
        return [event.sequence for event in self.tape.events(Snapshot, Delta)]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.tape.events(FeedEvent)]

    def detail(self) -> Any:
        (event,) = self.tape.events(FeedEvent)
        return msgspec.json.decode(event.detail)


@pytest.fixture
def world() -> World:
    return World()


def test_a_delta_before_any_question_asks_for_a_snapshot(world: World) -> None:
    world.books.delta(1, delta("BTCEUR", 5))
    assert [("BTCEUR", "unknown")] == world.resyncs
    assert [] == world.tape
    assert set() == world.books.live()


def test_held_deltas_are_recorded_behind_their_snapshot_with_the_times_they_came(
    world: World,
) -> None:
    world.books.hold_deltas("BTCEUR")
    for ts, sequence in ((1, 9), (2, 10), (3, 11), (4, 12)):
        world.books.delta(ts, delta("BTCEUR", sequence))
    assert [] == world.tape
    assert world.books.splice(5, book("BTCEUR", 10))
    assert [10, 11, 12] == world.sequences()
    assert [5, 3, 4] == [ts for ts, _, _ in world.tape]
    assert {"BTC-EUR"} == {symbol for _, symbol, _ in world.tape}
    assert {"BTC-EUR"} == world.books.live()
    assert [] == world.resyncs


def test_a_snapshot_older_than_what_is_held_is_not_taken(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.delta(1, delta("BTCEUR", 12))
    assert not world.books.splice(2, book("BTCEUR", 10))
    assert [] == world.tape
    assert world.books.splice(3, book("BTCEUR", 11))
    assert [11, 12] == world.sequences()


def test_deltas_that_continue_the_book_are_recorded_and_stale_ones_are_not(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.splice(1, book("BTCEUR", 10))
    for sequence in (9, 10, 11, 12):
        world.books.delta(2, delta("BTCEUR", sequence))
    assert [10, 11, 12] == world.sequences()
    assert [] == world.kinds()


@pytest.mark.parametrize("sequence", [13, 10, 2])
def test_a_gap_is_a_row_and_loses_only_its_own_book(world: World, sequence: int) -> None:
    world.go_live()
    world.books.delta(2, delta("BTCEUR", 11))
    world.books.delta(3, delta("BTCEUR", sequence))
    world.books.delta(4, delta("ETHEUR", 11))
    gap = FeedEvent(
        "gap", sequence_expected=12, sequence_received=sequence, detail='{"channel":"book"}'
    )
    assert (3, "BTC-EUR", gap) == world.tape[1]
    assert [("BTCEUR", "gap")] == world.resyncs
    assert {"ETH-EUR"} == world.books.live()
    assert [11, 11] == world.sequences()


def test_behind_the_last_number_there_is_none_to_expect(world: World) -> None:
    world.go_live(sequence=2**63 - 1)
    world.books.delta(2, delta("BTCEUR", 5))
    gap = FeedEvent("gap", sequence_received=5, detail='{"channel":"book"}')
    assert (2, "BTC-EUR", gap) == world.tape[0]


def test_a_snapshot_by_itself_begins_the_book_anew(world: World) -> None:
    world.go_live()
    world.books.replace(2, book("BTCEUR", -7))
    world.books.delta(3, delta("BTCEUR", -6))
    assert [-7, -6] == world.sequences()
    assert [] == world.kinds()


def test_a_book_without_numbers_is_recorded_and_takes_no_delta(world: World) -> None:
    world.go_live(sequence=None)
    assert {"BTC-EUR", "ETH-EUR"} == world.books.live()
    world.books.replace(2, book("BTCEUR", None, bid="50"))
    assert [] == world.kinds()
    world.books.delta(3, delta("BTCEUR", 1))
    assert [("BTCEUR", "unknown")] == world.resyncs


def test_a_snapshot_that_differs_from_our_book_of_its_sequence_is_a_mismatch(world: World) -> None:
    world.go_live()
    world.books.replace(2, book("BTCEUR", 10))
    assert [] == world.kinds()
    world.books.replace(3, book("BTCEUR", 10, ask="102"))
    assert {"side": "ask", "price": 101.0} == world.detail()
    assert ["mismatch"] == world.kinds()
    assert [10, 10] == world.sequences()


def test_a_snapshot_of_another_sequence_is_not_compared(world: World) -> None:
    world.go_live()
    world.books.replace(2, book("BTCEUR", 11, ask="102"))
    assert [] == world.kinds()


def test_a_delta_that_crosses_the_book_is_recorded_and_loses_it(world: World) -> None:
    world.go_live()
    world.books.delta(2, delta("BTCEUR", 11, bid="101"))
    world.books.delta(3, delta("BTCEUR", 12))
    assert [11] == world.sequences()
    assert {"bid": 101.0, "ask": 101.0} == world.detail()
    assert [("BTCEUR", "crossed"), ("BTCEUR", "unknown")] == world.resyncs
    assert {"ETH-EUR"} == world.books.live()


def test_a_crossed_snapshot_is_a_book_of_no_worth(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.delta(1, delta("BTCEUR", 11))
    assert world.books.splice(2, book("BTCEUR", 10, bid="102"))
    assert ["crossed"] == world.kinds()
    assert [10] == world.sequences()
    assert set() == world.books.live()


def test_after_a_crossing_among_the_held_deltas_the_others_are_not_recorded(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.delta(1, delta("BTCEUR", 11, bid="102"))
    world.books.delta(1, delta("BTCEUR", 12))
    assert world.books.splice(2, book("BTCEUR", 10))
    assert [10, 11] == world.sequences()
    assert ["crossed"] == world.kinds()


def test_a_doubted_book_is_lost(world: World) -> None:
    world.go_live()
    world.books.doubt("BTCEUR", "malformed")
    assert [("BTCEUR", "malformed")] == world.resyncs
    assert {"ETH-EUR"} == world.books.live()
    world.books.checkpoint(2, "BTCEUR")
    assert [] == world.tape


def test_a_checkpoint_is_the_book_as_it_stands(world: World) -> None:
    world.go_live()
    changes = levels([("99.0", "0"), ("98", "2.50")], [("102", "3")])
    world.books.delta(2, Delta("BTCEUR", *changes, 11))
    world.books.checkpoint(3, "BTCEUR")
    checkpoint = Checkpoint("BTCEUR", [(98.0, 2.5)], [(101.0, 1.0), (102.0, 3.0)], 11)
    assert (3, "BTC-EUR", checkpoint) == world.tape[-1]


def test_a_book_without_numbers_or_of_nobody_has_no_checkpoint(world: World) -> None:
    world.go_live(sequence=None)
    world.books.checkpoint(3, "BTCEUR")
    world.books.checkpoint(3, "gone")
    assert [] == world.tape


def test_removed_books_are_forgotten(world: World) -> None:
    world.go_live()
    world.books.remove("BTCEUR")
    world.books.remove("BTCEUR")
    assert {"ETH-EUR"} == world.books.live()
    world.books.clear()
    assert set() == world.books.live()


def test_what_falls_out_of_a_window_is_removed_in_the_row_that_pushes_it_out() -> None:
    tape = Tape()
    books = Books(tape, lambda *_: None, window=1)
    books.add("BTCEUR", "BTC-EUR")
    books.replace(1, book("BTCEUR", 10, bid="98"))
    books.delta(2, delta("BTCEUR", 11, bid="99"))
    assert [[(99.0, 1.0), (98.0, 0.0)]] == [each.bids for each in tape.events(Delta)]
    books.delta(3, Delta("BTCEUR", [(99.0, 2.0)], [], 12))
    assert [(99.0, 2.0)] == tape.events(Delta)[-1].bids


def test_of_a_book_that_is_looked_at_the_best_levels_are_shown(world: World) -> None:
    bids = [(float(price), 1.0) for price in range(1, 30)]
    asks = [(float(price), 2.0) for price in range(60, 30, -1)]
    world.books.replace(1, Snapshot("BTCEUR", bids, asks, sequence=7))
    top = world.books.look({"BTC-EUR", "ETH-EUR"})
    assert ["BTC-EUR"] == list(top)  # the other one has no book
    shown = top["BTC-EUR"]
    assert 7 == shown.sequence
    assert [(float(price), 1.0) for price in range(29, 29 - TOP_LEVELS, -1)] == shown.bids
    assert [(float(price), 2.0) for price in range(31, 31 + TOP_LEVELS)] == shown.asks
    world.books.doubt("BTCEUR", "gap")
    assert {} == world.books.look({"BTC-EUR"})
