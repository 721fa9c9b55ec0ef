import pyarrow as pa

from booktape.replay import fast
from booktape.replay.fast import FastEngine
from booktape.replay.rows import Layout
from tests.support.replays import EngineCases
from tests.support.streams import ask, begin, bid, make_stream, read, tops


class TestFastEngine(EngineCases):
    engine = FastEngine


def test_more_prices_than_the_table_held_at_first_are_all_told_apart() -> None:
    count = fast._TABLE_SLOTS
    rows = [begin(1), *(ask(1, 100.0 + place / 7, 1.0 + place) for place in range(count))]
    engine = FastEngine(make_stream(rows), depth=count, bands=(), rows_max=1)
    [block] = engine.at(pa.array([1]))
    assert [1.0 + place for place in range(count)] == [
        sizes[0].as_py() for sizes in block.levels[3::4]
    ]


def test_the_book_goes_on_where_prices_are_ranked_anew() -> None:
    rows = [begin(1), bid(1, 100.0, 1.0), bid(1, 90.0, 2.0), ask(1, 110.0, 3.0)]
    later = [bid(2, 95.0, 4.0), ask(2, 105.0, 5.0), bid(2, 100.0, 0.0)]
    engine = FastEngine(make_stream([*rows, *later], [4]), depth=2, bands=(), rows_max=9)
    [block] = engine.at(pa.array([1, 2]))
    assert [
        (1, [(100.0, 1.0), (90.0, 2.0)], [(110.0, 3.0)]),
        (2, [(95.0, 4.0), (90.0, 2.0)], [(105.0, 5.0), (110.0, 3.0)]),
    ] == tops(read(iter([Layout(2).make_batch(block, ["a"])])), 2)
