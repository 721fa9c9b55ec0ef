import datetime as dt
from collections.abc import Sequence

import pyarrow as pa
import pytest

import booktape
from booktape.report.premium import (
    COLUMNS,
    POINTS_MAX,
    WAYS,
    Premium,
    compare_quotes,
    read_premium,
    thin,
)
from booktape.report.quotes import MarketQuotes, read_books
from tests.support.commands import make_sample

NOON = 1_789_992_000 * 1_000_000
SPAN = NOON, NOON + 120_000_000
MARKETS = ("bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY")
FEES = {"bitvavo": 0.0025, "btcturk": 0.0012}

pytestmark = pytest.mark.filterwarnings("ignore:replaying without the compiled engine")


def make_batch(values: Sequence[float | None]) -> pa.RecordBatch:
    ts = pa.array(range(len(values)), pa.timestamp("us", tz="UTC"))
    names = [*COLUMNS, *(f"{way}_{name}" for way in WAYS for name in ("size", "profit"))]
    return pa.record_batch({"ts": ts, **{name: pa.array(values, pa.float64()) for name in names}})


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> booktape.Tape:
    return booktape.open(make_sample(tmp_path_factory.mktemp("premium")))


def test_what_is_known_is_read_with_an_edge_on_both_sides() -> None:
    found = read_premium(MARKETS, FEES, [make_batch([None, None, 1.0, None, 2.0, None, None])])
    assert ([1, 2, 3, 4, 5], [None, 1.0, None, 2.0, None]) == (found.ts, found.columns[0])
    assert (7, 2, (1.0, 2.0, 2.0)) == (found.instants, found.known, found.mids)
    nothing = read_premium(MARKETS, FEES, [make_batch([None, None])])
    assert ([None, None], None) == (nothing.columns[0], nothing.mids)
    assert [0, 0] == [way.known for way in nothing.ways]


def test_the_best_instant_of_a_way_is_told_with_its_size() -> None:
    found = read_premium(MARKETS, FEES, [make_batch([-3.0, 5.0, None, 2.0])])
    [way, _] = found.ways
    assert (3, 2, 5.0, 1) == (way.known, way.winning, way.best_bps, way.best_ts)
    assert (5.0, 5.0) == (way.best_size, way.best_profit)
    assert (*MARKETS[:2], MARKETS[2:]) == (found.a, found.b, found.via)


def test_quotes_give_what_the_tape_says_of_the_best_prices(tape: booktape.Tape) -> None:
    """Hold the sums of quotes against `tape.spread`, whose rules they follow."""
    theirs = read_premium(MARKETS, FEES, read_spread(tape, MARKETS))
    quotes = [read_books(tape, market, SPAN, 1_000_000) for market in MARKETS]
    ours = compare_quotes(MARKETS, FEES, quotes)
    assert (theirs.ts, theirs.known) == (ours.ts, ours.known)
    assert theirs.known > 90
    for theirs_of, ours_of in zip(theirs.columns, ours.columns, strict=True):
        assert [v is None for v in theirs_of] == [v is None for v in ours_of]
        known = [v for v in theirs_of if v is not None]
        assert known == pytest.approx([v for v in ours_of if v is not None], abs=1e-9)
    assert describe(theirs) == pytest.approx(describe(ours))
    assert any(way.best_profit > 0 for way in ours.ways)
    assert ("books", "tickers") == (theirs.source, ours.source)


def describe(premium: Premium) -> list[float | None]:
    return [
        value
        for way in premium.ways
        for value in (way.winning, way.best_bps, way.best_ts, way.best_size, way.best_profit)
    ]


def read_spread(tape: booktape.Tape, markets: Sequence[str]) -> pa.RecordBatchReader:
    a, b, *via = markets
    return tape.spread(
        a,
        b,
        *SPAN,
        via=(via[0], via[1]) if via else None,
        fees=FEES,
        every=dt.timedelta(seconds=1),
        depth=1,
    ).batches()


def test_markets_of_one_quote_need_no_currency() -> None:
    def quote(bid: float, ask: float) -> MarketQuotes:
        columns: dict[str, list[float | None]] = {"bid": [bid, bid], "ask": [ask, None]}
        columns |= {"bid_size": [2.0, 2.0], "ask_size": [1.0, None]}
        return MarketQuotes("m", [0, 1], columns)

    found = compare_quotes(["x:A-EUR", "y:A-EUR"], {}, [quote(99.0, 100.0), quote(110.0, 111.0)])
    assert (1, 2) == (found.known, found.instants)
    way = found.ways[0]
    assert (1000.0, 1.0, 10.0) == pytest.approx((way.best_bps, way.best_size, way.best_profit))
    assert {"x": 0.0, "y": 0.0} == found.fees
    other = found.ways[1]
    assert (0, 0.0) == (other.winning, other.best_profit)


def test_few_points_are_left_with_every_peak_and_every_gap() -> None:
    first: list[float | None] = [float(n % 7) for n in range(100_000)]
    second: list[float | None] = [float(n % 5) for n in range(100_000)]
    first[40_000], first[70_000], second[90_000] = 1000.0, None, -1000.0
    kept = thin([first, second])
    assert len(kept) <= POINTS_MAX
    assert {40_000, 70_000, 90_000} <= set(kept)
    assert sorted(kept) == kept
    assert list(range(50)) == thin([first[:50]])
