"""Both engines say what the recorder's own ladder says, whatever comes and wherever it is cut."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booktape.replay import fast
from booktape.replay.fast import FastEngine
from booktape.replay.plain import PlainEngine
from booktape.replay.rows import Layout
from tests.support.streams import Reading, Row, make_stream, random_rows, read

BANDS = (1, 50, 2000)
ADD = tuple(f"{side}_within_{band}bps" for band in BANDS for side in ("bid", "ask"))
Engine = type[FastEngine] | type[PlainEngine]
each_engine = pytest.mark.parametrize("engine", [FastEngine, PlainEngine])
replayed = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
)


class Question(NamedTuple):
    """What is asked of a stream, and how it comes."""

    rows: list[Row]
    cuts: list[int]  # where its batches end
    chunk_rows: int  # after so many prices are ranked anew
    depth: int
    most: int  # rows of a block
    first: int
    end: int
    every: int

    def ask(self, engine: Engine, method: str, *arguments: Any) -> list[dict[str, Any]]:
        stream = make_stream(self.rows, [place for place in self.cuts if place <= len(self.rows)])
        layout = Layout(self.depth, ADD)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fast, "CHUNK_ROWS", self.chunk_rows)
            asked = engine(stream, depth=self.depth, bands=layout.bands, rows_max=self.most)
            blocks = getattr(asked, method)(*arguments)
            made = [layout.make_batch(block, stream.sessions) for block in blocks]
        assert all(1 <= len(batch) <= self.most for batch in made)
        return read(iter(made))


questions = st.builds(
    lambda length, **fields: Question(end=fields["first"] + length, **fields),
    length=st.integers(1, 150),
    rows=random_rows(),
    cuts=st.lists(st.integers(0, 100), max_size=4),
    chunk_rows=st.sampled_from([1, 7, fast.CHUNK_ROWS]),
    depth=st.integers(1, 4),
    most=st.sampled_from([1, 3, 1000]),
    first=st.integers(0, 60),
    every=st.integers(1, 12),
)


def expect_moments(rows: list[Row], moments: Sequence[int], depth: int) -> list[dict[str, Any]]:
    shown, reading, place = [], Reading(), 0
    for moment in moments:
        while place < len(rows) and rows[place][0] <= moment:
            reading.apply(rows[place])
            place += 1
        shown.append(reading.show(moment, depth, BANDS))
    return shown


def expect_changes(rows: list[Row], first: int, end: int, depth: int) -> list[dict[str, Any]]:
    later = {ts for ts, *_ in rows if first < ts < end}
    shown: list[dict[str, Any]] = []
    before: Any = None
    for row in expect_moments(rows, sorted({first} | later), depth):
        levels = [row["session"] is None]
        levels += [value for name, value in row.items() if "price" in name or "size" in name]
        if levels != before:
            shown.append(row)
        before = levels
    return shown


@each_engine
@replayed
@given(question=questions)
def test_a_grid_is_what_the_ladder_says(engine: Engine, question: Question) -> None:
    rows, _, _, depth, _, first, end, every = question
    moments = [ts for ts in range(first, end) if ts % every == 0]
    expected = expect_moments(rows, moments, depth)
    assert expected == question.ask(engine, "grid", first, end, every)


@each_engine
@replayed
@given(question=questions, moments=st.lists(st.integers(0, 200), max_size=20))
def test_moments_are_what_the_ladder_says(
    engine: Engine, question: Question, moments: list[int]
) -> None:
    moments.sort()
    expected = expect_moments(question.rows, moments, question.depth)
    assert expected == question.ask(engine, "at", pa.array(moments, pa.int64()))


@each_engine
@replayed
@given(question=questions)
def test_changes_are_what_the_ladder_says(engine: Engine, question: Question) -> None:
    rows, _, _, depth, _, first, end, _ = question
    expected = expect_changes(rows, first, end, depth)
    assert expected == question.ask(engine, "changes", first, end)
