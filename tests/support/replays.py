"""Replays of a few rows that every engine must answer alike; each engine's tests run them."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from booktape.replay.rows import Block, Layout
from tests.support.streams import Row, ask, begin, bid, end, make_stream, read, tops, touch

BOOK = [begin(10, 1), bid(10, 99.0, 1.0, 1), ask(10, 101.0, 2.0, 1)]
BIDS, ASKS = [(99.0, 1.0)], [(101.0, 2.0)]


class EngineCases:
    """A class of tests for one engine, which a subclass names."""

    engine: Any

    def ask(self, rows: list[Row], method: str, *arguments: Any, depth: int = 2) -> Any:
        stream = make_stream(rows)
        layout = Layout(depth)
        engine = self.engine(stream, depth=depth, bands=(), rows_max=3)
        blocks: Iterator[Block] = getattr(engine, method)(*arguments)
        return read(layout.make_batch(block, stream.sessions) for block in blocks)

    def test_a_grid_has_the_multiples_of_its_step_alone(self) -> None:
        assert [10, 15, 20] == [row["ts"] for row in self.ask(BOOK, "grid", 7, 21, 5)]
        assert [10, 15] == [row["ts"] for row in self.ask(BOOK, "grid", 10, 20, 5)]
        assert [] == self.ask(BOOK, "grid", 11, 15, 5)
        assert [] == self.ask(BOOK, "grid", 20, 10, 5)

    def test_a_book_counts_from_its_instant_on_and_not_from_its_end_on(self) -> None:
        rows = [*BOOK, end(20, 2)]
        assert [
            (9, [], []),
            (10, BIDS, ASKS),
            (19, BIDS, ASKS),
            (20, [], []),
        ] == tops(self.ask(rows, "at", pa.array([9, 10, 19, 20], pa.int64())), 2)

    def test_all_rows_of_an_instant_are_applied_before_anybody_looks(self) -> None:
        rows = [*BOOK, bid(20, 99.5, 1.0, 2), bid(20, 99.5, 0.0, 3), ask(20, 100.5, 1.0, 3)]
        expected = [(10, BIDS, ASKS), (20, BIDS, [(100.5, 1.0), (101.0, 2.0)])]
        assert expected == tops(self.ask(rows, "changes", 10, 30), 2)

    def test_a_change_behind_the_depth_or_back_within_an_instant_is_no_row(self) -> None:
        rows = [*BOOK, bid(20, 98.0, 5.0, 2), bid(21, 97.0, 5.0, 3), bid(21, 98.0, 5.0, 3)]
        assert [10] == [row["ts"] for row in self.ask(rows, "changes", 10, 30, depth=1)]
        assert [10, 20] == [row["ts"] for row in self.ask(rows, "changes", 10, 30, depth=2)]
        again = [*BOOK, end(20, 2), begin(20, 3), bid(20, 99.0, 1.0, 3), ask(20, 101.0, 2.0, 3)]
        assert [10] == [row["ts"] for row in self.ask(again, "changes", 10, 30)]

    def test_changes_begin_at_the_start_and_a_gap_is_one_row_of_nulls(self) -> None:
        rows = [*BOOK, end(20, 2), end(25, 3), *(begin(30, 4), *BOOK[1:])]
        rows[-2:] = [bid(30, 99.0, 1.0, 4), ask(30, 101.0, 2.0, 4)]
        expected = [(5, [], []), (10, BIDS, ASKS), (20, [], []), (30, BIDS, ASKS)]
        assert expected == tops(self.ask(rows, "changes", 5, 40), 2)
        assert [(12, BIDS, ASKS), (20, [], [])] == tops(self.ask(rows, "changes", 12, 30), 2)
        assert [] == self.ask(rows, "changes", 12, 12)

    def test_an_empty_book_differs_from_an_unknown_one(self) -> None:
        rows = self.ask([begin(10, 1), end(20, 2)], "changes", 0, 40)
        assert [(0, None), (10, 0), (20, None)] == [(row["ts"], row["age_us"]) for row in rows]

    def test_an_event_without_levels_moves_age_and_number(self) -> None:
        [before, after] = self.ask([*BOOK, touch(20, 2)], "at", pa.array([19, 23], pa.int64()))
        assert [(1, 9), (2, 3)] == [(r["event_number"], r["age_us"]) for r in (before, after)]

    def test_a_made_snapshot_is_as_old_as_the_last_row_of_its_span(self) -> None:
        rows = [*BOOK, begin(20, 77, 1, effective=13), bid(20, 98.0, 1.0, 77, 1)]
        rows[-1] = (*rows[-1][:7], 13)
        [row] = self.ask(rows, "at", pa.array([21], pa.int64()))
        assert (77, 8) == (row["event_number"], row["age_us"])
        assert row["session"].endswith("bitvavo-b")

    def test_what_comes_while_the_book_is_unknown_is_nothing(self) -> None:
        rows = [bid(5, 98.0, 1.0), *BOOK, end(20, 2), bid(21, 99.5, 1.0, 3), begin(30, 4)]
        assert [[], BIDS, [], []] == [
            bids for _, bids, _ in tops(self.ask(rows, "at", pa.array([6, 11, 22, 31])), 2)
        ]

    def test_one_price_is_one_level_whatever_the_sign_of_a_zero(self) -> None:
        rows = [begin(10), ask(10, -0.0, 1.0), ask(10, 0.0, 2.0), bid(10, 0.1 + 0.2, 1.0)]
        [row] = self.ask([*rows, bid(10, 0.3, 1.0)], "at", pa.array([10], pa.int64()), depth=3)
        assert [(10, [(0.1 + 0.2, 1.0), (0.3, 1.0)], [(0.0, 2.0)])] == tops([row], 3)
        assert str(row["ask_price_00"]) == "0.0"

    def test_nothing_is_read_at_or_behind_the_end(self) -> None:
        rows = [*BOOK, bid(20, 99.5, 1.0, 2), bid(30, 99.7, 1.0, 3)]
        assert [10, 20] == [row["ts"] for row in self.ask(rows, "changes", 10, 30)]
        stream = make_stream(rows, [4])
        list(self.engine(stream, depth=1, bands=(), rows_max=3).grid(10, 20, 5))
        assert [] != list(stream.batches) or len(rows) == 5

    def test_no_moments_are_no_rows(self) -> None:
        assert [] == self.ask(BOOK, "at", pa.array([], pa.int64()))
