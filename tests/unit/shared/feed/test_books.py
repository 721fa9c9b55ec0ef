"""Which book events are recorded, and when a book is worth nothing."""

from typing import Any

import msgspec
import pytest

from shared.event import Checkpoint, Delta, FeedEvent, Snapshot
from shared.feed.books import Books
from tests.support.levels import levels
from tests.support.toys import SECOND, Tape, book, delta


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


def test_a_range_that_begins_before_the_snapshot_is_recorded_as_what_follows_it(
    world: World,
) -> None:
    reaching = Delta("BTCEUR", *levels([("98", "1")], []), 14, previous=8)
    for is_held in (True, False):
        world.books.hold_deltas("BTCEUR")
        if is_held:
            world.books.delta(1, reaching)
        assert world.books.splice(2, book("BTCEUR", 10))
        if not is_held:
            world.books.delta(3, reaching)
        recorded = world.tape.events(Snapshot, Delta)
        assert [(10, None), (14, 10)] == [
            (each.sequence, getattr(each, "previous", None)) for each in recorded
        ]
        assert [] == world.resyncs
        world.tape.clear()


def test_a_snapshot_older_than_what_is_held_is_not_taken(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.delta(1, delta("BTCEUR", 12))
    assert not world.books.splice(2, book("BTCEUR", 10))
    assert [] == world.tape
    assert world.books.splice(3, book("BTCEUR", 11))
    assert [11, 12] == world.sequences()


def test_of_one_price_in_one_event_the_last_alone_is_recorded(world: World) -> None:
    bids = [(99.0, 1.0), (98.0, 2.0), (99.0, 3.0)]
    world.books.replace(1, Snapshot("BTCEUR", bids, [(101.0, 1.0)], 10))
    world.books.delta(2, Delta("BTCEUR", [(97.0, 4.0), (97.0, 0.0)], [], 11))
    snapshot, delta = world.tape.events(Snapshot, Delta)
    assert [(99.0, 3.0), (98.0, 2.0)] == snapshot.bids
    assert [(97.0, 0.0)] == delta.bids


def test_deltas_that_continue_the_book_are_recorded_and_stale_ones_are_not(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.delta(0, delta("BTCEUR", 8))
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
    first = {"side": "ask", "price": 101.0, "ours": 1.0, "theirs": None}
    assert {"differ": 1, **first} == world.detail()
    assert ["mismatch"] == world.kinds()
    assert [10, 10] == world.sequences()


def test_a_snapshot_of_another_sequence_is_not_compared(world: World) -> None:
    world.go_live()
    world.books.replace(2, book("BTCEUR", 11, ask="102"))
    assert [] == world.kinds()


def test_a_crossed_book_is_stored_and_said_once_a_minute_with_how_often(world: World) -> None:
    crossed: list[str] = []
    world.books.on_crossed(crossed.append)
    world.go_live()
    world.books.delta(2, delta("BTCEUR", 11, bid="101"))
    for second in (1, 59, 60, 61):
        world.books.delta(2 + second * SECOND, delta("BTCEUR", 11 + len(world.sequences())))
    assert [11, 12, 13, 14, 15] == world.sequences()
    assert [1, 3] == [msgspec.json.decode(e.detail)["count"] for e in world.tape.events(FeedEvent)]
    assert {"bid": 101.0, "ask": 101.0, "count": 1} == msgspec.json.decode(
        world.tape.events(FeedEvent)[0].detail
    )
    assert ["BTCEUR", "BTCEUR"] == crossed
    assert ([], {"BTC-EUR", "ETH-EUR"}) == (world.resyncs, world.books.live())


def test_a_crossed_snapshot_is_a_book_that_goes_on(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.delta(1, delta("BTCEUR", 11))
    assert world.books.splice(2, book("BTCEUR", 10, bid="102"))
    world.books.delta(3, delta("BTCEUR", 12))
    assert ["crossed"] == world.kinds()
    assert [10, 11, 12] == world.sequences()
    assert {"BTC-EUR"} == world.books.live()


def test_a_crossed_book_is_said_again_after_the_clock_was_set_back(world: World) -> None:
    world.go_live()
    world.books.delta(900 * SECOND, delta("BTCEUR", 11, bid="101"))
    world.books.delta(80 * SECOND, delta("BTCEUR", 12))
    assert ["crossed", "crossed"] == world.kinds()


def test_the_third_snapshot_that_is_too_old_says_that_the_numbers_began_anew(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.delta(1, delta("BTCEUR", 500))
    assert not world.books.splice(2, book("BTCEUR", 3))
    assert not world.books.splice(3, book("BTCEUR", 3))
    assert world.books.splice(4, book("BTCEUR", 4))
    world.books.delta(5, delta("BTCEUR", 5))
    (gap,) = world.tape.events(FeedEvent)
    assert ("gap", 501, 4) == (gap.kind, gap.sequence_expected, gap.sequence_received)
    assert [4, 5] == world.sequences()


def test_a_delta_that_is_next_to_a_snapshot_too_old_says_so_as_well(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    world.books.delta(1, delta("BTCEUR", 500))
    assert not world.books.splice(2, book("BTCEUR", 3))
    world.books.delta(3, delta("BTCEUR", 4))
    world.books.delta(4, delta("BTCEUR", 5))
    (gap,) = world.tape.events(FeedEvent)
    assert ("gap", 501, 3) == (gap.kind, gap.sequence_expected, gap.sequence_received)
    assert [3, 4, 5] == world.sequences()
    assert {"BTC-EUR"} == world.books.live()


def test_an_answer_that_comes_late_begins_the_book_with_all_that_came_since(world: World) -> None:
    world.books.hold_deltas("BTCEUR")
    for sequence in (98, 99, 100):
        world.books.delta(1, delta("BTCEUR", sequence))
        world.books.hold_deltas("BTCEUR")  # the question was asked again
    assert world.books.splice(2, book("BTCEUR", 98))
    assert [98, 99, 100] == world.sequences()


def test_a_book_is_renewed_at_its_own_number_without_a_gap(world: World) -> None:
    world.go_live()
    world.books.delta(2, delta("BTCEUR", 11))
    assert 11 == world.books.last("BTCEUR")
    found = world.books.compare(book("BTCEUR", 11, ask="102"))
    # Of a cut that nobody knows, what lies behind either one's last price is not compared.
    assert (2, 1, "ask", 101.0) == (found.compared, found.differ, *(found.first or ())[:2])
    world.books.renew(3, book("BTCEUR", 11))
    world.books.delta(4, delta("BTCEUR", 12))
    assert [11, 11, 12] == world.sequences()
    assert (3, []) == (world.books.begun("BTCEUR"), world.kinds())


def test_who_watches_a_book_is_told_of_each_change_until_it_is_lost(world: World) -> None:
    world.go_live()
    seen: list[tuple[int, int]] = []

    def watch(ts: int, change: Delta) -> None:
        seen.append((ts, change.sequence))

    world.books.watch("BTCEUR", watch)
    world.books.delta(2, delta("BTCEUR", 11))
    world.books.unwatch("BTCEUR", watch)
    world.books.delta(3, delta("BTCEUR", 12))
    world.books.watch("BTCEUR", watch)
    world.books.doubt("BTCEUR", "stale")
    world.books.replace(4, book("BTCEUR", 50))
    world.books.delta(5, delta("BTCEUR", 51))
    world.books.unwatch("gone", watch)
    assert [(2, 11)] == seen


def test_the_touch_is_that_of_a_book_that_is_old_enough_and_not_crossed(world: World) -> None:
    world.go_live()
    assert world.books.touch("BTCEUR", 10, older_ns=10) is None
    assert (99.0, 101.0) == world.books.touch("BTCEUR", 11, older_ns=10)
    world.books.delta(12, delta("BTCEUR", 11, bid="101"))
    assert world.books.touch("BTCEUR", 13, older_ns=10) is None
    assert world.books.touch("gone", 13, older_ns=10) is None


def test_only_a_side_that_came_full_has_an_edge() -> None:
    tape = Tape()
    books = Books(tape, lambda *_: None, depth=2)
    for raw_symbol in ("full", "thin"):
        books.add(raw_symbol, raw_symbol)
    books.replace(1, Snapshot("full", [(9.0, 1.0), (8.0, 1.0)], [(10.0, 1.0)], 1))
    books.replace(1, Snapshot("thin", [(9.0, 1.0)], [], 1))
    assert ["full"] == books.find_edges()
    assert books.find("thin") is not None
    books.lose("thin")
    assert books.find("thin") is None
    assert (False, True) == (books.is_live("thin"), books.is_live("full"))


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
