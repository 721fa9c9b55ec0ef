import pyarrow as pa
import pytest

from booktape.replay.plain import PlainEngine
from booktape.replay.rows import CELLS_MAX, ROWS_MAX, Layout
from tests.support.streams import Row, ask, begin, bid, end, make_stream, read

MEASURES = ("mid", "spread_bps", "microprice", "imbalance")


def look(rows: list[Row], depth: int, *add: str) -> dict[str, object]:
    layout, stream = Layout(depth, add), make_stream(rows)
    engine = PlainEngine(stream, depth=depth, bands=layout.bands, rows_max=1)
    [row] = read(layout.make_batch(block, stream.sessions) for block in engine.grid(10, 11, 1))
    return row


def test_columns_go_by_level_and_what_is_added_comes_last_once() -> None:
    layout = Layout(2, ("imbalance", "mid", "imbalance"))
    assert [
        "ts session event_number age_us",
        "bid_price_00 bid_size_00 ask_price_00 ask_size_00",
        "bid_price_01 bid_size_01 ask_price_01 ask_size_01",
        "imbalance mid",
    ] == [" ".join(layout.schema.names[a:b]) for a, b in ((0, 4), (4, 8), (8, 12), (12, 14))]
    assert pa.timestamp("us", tz="UTC") == layout.schema.field("ts").type
    assert not layout.schema.field("ts").nullable
    assert pa.dictionary(pa.int32(), pa.string()) == layout.schema.field("session").type


def test_a_batch_is_bounded_by_its_cells_where_rows_are_deep() -> None:
    assert ROWS_MAX == Layout(1).rows_max
    deep = Layout(1000)
    assert CELLS_MAX >= deep.rows_max * len(deep.schema)
    assert Layout(CELLS_MAX).rows_max == 1


def test_what_is_no_depth_or_no_measure_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="depth=0: at least 1"):
        Layout(0)
    with pytest.raises(ValueError, match="add='middle': one of mid, spread_bps"):
        Layout(1, ("middle",))
    with pytest.raises(ValueError, match="bid_within_<n>bps"):
        Layout(1, ("bid_within_bps",))


def test_measures_are_as_defined() -> None:
    rows = [begin(0), bid(0, 99.0, 1.0), bid(0, 98.0, 2.0), ask(0, 101.0, 3.0), ask(0, 103.0, 8.0)]
    row = look(rows, 2, *MEASURES)
    assert {"mid": 100.0, "spread_bps": 200.0, "microprice": (99 * 3 + 101 * 1) / 4} == {
        name: row[name] for name in MEASURES[:3]
    }
    assert (3.0 - 11.0) / (3.0 + 11.0) == row["imbalance"]


def test_an_imbalance_counts_the_levels_of_its_depth_that_are_there() -> None:
    rows = [begin(0), bid(0, 99.0, 1.0), ask(0, 101.0, 3.0), ask(0, 103.0, 8.0)]
    assert (1.0 - 3.0) / 4.0 == look(rows, 1, "imbalance")["imbalance"]
    assert (1.0 - 11.0) / 12.0 == look(rows, 3, "imbalance")["imbalance"]


def test_a_band_counts_the_whole_book_and_its_own_edge() -> None:
    # 625 bps of 128 are 8, and no double in between is rounded.
    rows = [begin(0), *(bid(0, 128.0 - away, 1.0) for away in (1.0, 4.0, 8.0, 9.0))]
    rows += [ask(0, 128.0 + away, 2.0) for away in (1.0, 4.0, 8.0, 9.0)]
    row = look(rows, 1, "bid_within_625bps", "ask_within_625bps", "bid_within_0.5bps")
    assert [3.0, 6.0, 0.0] == [
        row[name] for name in ("bid_within_625bps", "ask_within_625bps", "bid_within_0.5bps")
    ]


def test_a_crossed_book_has_the_levels_around_its_middle() -> None:
    rows = [begin(0), bid(0, 102.0, 1.0), bid(0, 100.5, 2.0), ask(0, 98.0, 4.0), ask(0, 99.5, 8.0)]
    row = look(rows, 1, "bid_within_60bps", "ask_within_60bps", "mid")
    assert [100.0, 2.0, 8.0] == [
        row[name] for name in ("mid", "bid_within_60bps", "ask_within_60bps")
    ]


@pytest.mark.parametrize(
    "rows",
    [[], [begin(0)], [begin(0), bid(0, 99.0, 1.0)], [begin(0), ask(0, 99.0, 1.0)]],
    ids=["unknown", "empty", "bids alone", "asks alone"],
)
def test_measures_are_null_where_a_side_is_empty(rows: list[Row]) -> None:
    names = (*MEASURES, "bid_within_10bps", "ask_within_10bps")
    row = look(rows, 2, *names)
    assert [None] * 6 == [row[name] for name in names]


def test_age_session_and_number_are_null_only_where_the_book_is_unknown() -> None:
    known = look([begin(3, 7)], 1)
    assert (7, 7) == (known["event_number"], known["age_us"])
    assert known["session"] == "20261129T000000.000000Z-bitvavo-a"
    unknown = look([begin(3, 7), end(4, 8)], 1)
    assert [None] * 3 == [unknown[name] for name in ("session", "event_number", "age_us")]
