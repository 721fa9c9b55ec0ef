import pyarrow as pa
import pytest

from services.buffer_writer.columns import CONVERSIONS, run_out
from services.buffer_writer.gather import Codes, gather
from shared.delivery.frame import Columns, Frame
from tests.support.first import make_first_frame
from tests.support.tapes import BTC, ETH, Recording, record_minute


def convert(frames: list[Frame], table: str) -> dict[str, pa.Array]:
    return CONVERSIONS[table](gather(frames, Codes())[table])


def test_every_table_of_a_frame_is_converted() -> None:
    assert set(Columns.__struct_fields__) - {"symbols"} == set(CONVERSIONS)


def test_a_value_is_there_as_often_as_its_run_is_long() -> None:
    assert [7, 7, None, 9] == run_out(pa.array([7, None, 9]), pa.array([2, 3, 4])).to_pylist()


def test_no_delta_names_what_it_follows_where_numbers_go_by_one() -> None:
    previous = convert(record_minute(Recording()), "book")["previous"]
    assert (11, 11) == (len(previous), previous.null_count)
    assert pa.int64() == previous.type


def test_frames_that_name_what_a_delta_follows_lie_beside_those_that_do_not() -> None:
    recording = Recording()
    recording.snapshot()
    recording.delta()
    plain = recording.take()
    recording.delta(step=5)
    recording.delta()
    named = recording.take()
    recording.delta()
    frames = [make_first_frame(plain), named, recording.take()]
    book = convert(frames, "book")
    assert [100, 101, 106, 107, 108] == book["sequence"].to_pylist()
    assert [None, None, 101, None, None] == book["previous"].to_pylist()


def test_an_instrument_keeps_what_is_unknown_unknown() -> None:
    recording = Recording()
    recording.instrument(ETH, price_decimals=None, min_size=None)
    recording.instrument(BTC, price_decimals=-1)
    columns = convert([recording.take()], "instruments")
    assert [None, -1] == columns["price_decimals"].to_pylist()
    assert [None, 1e-4] == columns["min_size"].to_pylist()
    assert [0, 1] == columns["event_number"].to_pylist()
    assert pa.int32() == columns["size_decimals"].type


def test_a_column_that_lacks_an_event_is_refused() -> None:
    recording = Recording()
    recording.instrument()
    recording.instrument()
    group = gather([recording.take()], Codes())["instruments"]
    *others, info = group.frames[0]
    group.frames[0] = *others, info[:-1]
    with pytest.raises(ValueError, match="differ in length"):
        CONVERSIONS["instruments"](group)
