import pyarrow as pa

from booktape.replay.stream import (
    ASK,
    BEGIN,
    BID,
    END,
    LEVEL,
    NO_NUMBER,
    NO_SIDE,
    TOUCH,
    Batch,
    Stream,
)


def test_actions_and_sides_are_numbers_of_their_own() -> None:
    assert 4 == len({LEVEL, BEGIN, END, TOUCH})
    assert 3 == len({BID, ASK, NO_SIDE})
    assert NO_NUMBER < 0


def test_a_stream_holds_its_sessions_and_hands_out_batches() -> None:
    column = pa.array([7], pa.int64())
    batch = Batch(column, column, column, column, column, column, column, column)
    stream = Stream(["s"], iter([batch]))
    assert [batch] == list(stream.batches)
    assert column is batch.ts_effective
