import pyarrow as pa

from booktape.export.changes import BookBegin, BookChanges, BookEnd, Item
from booktape.export.levels import BookMessage, LevelRow, Levels


def changes(*rows: tuple[int, str, float, float]) -> BookChanges:
    messages, sides, prices, sizes = zip(*rows, strict=True)
    times = pa.array([message * 10 for message in messages])
    return BookChanges(
        times,
        pa.nulls(len(rows), pa.int64()),
        pa.array(messages),
        pa.array(messages),
        pa.array(sides).dictionary_encode(),
        pa.array(prices),
        pa.array(sizes),
    )


def side(*levels: tuple[float, float]) -> tuple[pa.Array, pa.Array]:
    prices, sizes = zip(*levels, strict=True) if levels else ((), ())
    return pa.array(prices, pa.float64()), pa.array(sizes, pa.float64())


def apply(*items: Item) -> list[BookMessage]:
    levels = Levels()
    return [message for item in items for message in levels.apply(item)]


def test_a_message_says_what_was_there_before() -> None:
    begin, first, second, end = apply(
        BookBegin(1, 0, 7, side((9.0, 1.0)), side((10.0, 2.0))),
        changes((2, "bid", 9.0, 3.0), (2, "bid", 8.0, 1.0), (3, "ask", 10.0, 0.0)),
        BookEnd(40),
    )
    assert (1, 0, 7, True, False) == begin[:5]
    assert [
        LevelRow("bid", 9.0, 1.0, was=False),
        LevelRow("ask", 10.0, 2.0, was=False),
    ] == begin.rows
    assert (20, None, 2, False, False) == first[:5]
    assert [LevelRow("bid", 9.0, 3.0, was=True), LevelRow("bid", 8.0, 1.0, was=False)] == first.rows
    assert [LevelRow("ask", 10.0, 0.0, was=True)] == second.rows
    assert (40, True) == (end.ts, end.is_lost)
    assert [("bid", 9.0), ("bid", 8.0)] == [(row.side, row.price) for row in end.rows]


def test_the_removal_of_what_is_not_there_is_left_out() -> None:
    begin, kept = apply(
        BookBegin(1, None, None, side(), side()),
        changes((2, "bid", 9.0, 0.0), (3, "bid", 9.0, 0.0), (3, "ask", 9.0, 1.0)),
    )
    assert [] == begin.rows
    assert [LevelRow("ask", 9.0, 1.0, was=False)] == kept.rows
