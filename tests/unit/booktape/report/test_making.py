import pytest

from booktape.answers.reading import Reading
from booktape.errors import TapeError, UnknownSymbol
from booktape.opening import open_reading
from booktape.report.facts import DayFacts, find_days
from booktape.report.making import Wishes, check_markets, find_every, find_source, gather
from booktape.report.page import Contents
from booktape.report.quotes import BOOKS, TICKERS
from tests.support.certified import certify_all
from tests.support.commands import make_sample

pytestmark = pytest.mark.filterwarnings("ignore:replaying without the compiled engine")
SECOND = 1_000_000
MARKETS = ("bitvavo:BTC-EUR", "btcturk:BTC-TRY", "bitvavo:USDT-EUR", "btcturk:USDT-TRY")
DATE = "2026-09-21"


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    folder = tmp_path_factory.mktemp("making")
    root = make_sample(folder)
    certify_all(root, folder / "temporary")
    return open_reading(f"file:{root}")


def gather_all(reading: Reading, wishes: Wishes) -> Contents:
    days = find_days(reading.ledger, DATE, DATE)
    return gather(reading, days, wishes, tape="file:x", progress=lambda _done, _total: None)


@pytest.mark.parametrize("source", [BOOKS, TICKERS])
def test_the_premium_breaks_where_a_book_was_lost(reading: Reading, source: str) -> None:
    contents = gather_all(reading, Wishes(markets=MARKETS, source=source))
    premium = contents.premium
    assert premium is not None
    assert source == premium.source == contents.source
    # The lira's feed was killed two and a half minutes after noon, for a quarter of a minute.
    noon = 1_789_992_000 * SECOND
    lost = [
        value
        for ts, value in zip(premium.ts, premium.columns[0], strict=True)
        if noon + 151 * SECOND <= ts < noon + 165 * SECOND
    ]
    assert [None] * 14 == lost
    assert premium.known > 200
    assert MARKETS == tuple(quotes.market for quotes in contents.quotes[:4])
    assert 6 == len(contents.quotes)
    assert contents.incidents is not None


def test_both_sources_tell_of_the_same_arbitrage(reading: Reading) -> None:
    found = [
        gather_all(reading, Wishes(markets=MARKETS, source=source)).premium
        for source in (BOOKS, TICKERS)
    ]
    (books, tickers) = (premium.ways[0].best_bps for premium in found if premium is not None)
    assert books == pytest.approx(tickers, rel=0.1)


def test_a_pair_that_is_configured_and_not_recorded_is_no_fault(reading: Reading) -> None:
    contents = gather_all(reading, Wishes(markets=("bitvavo:X-EUR", MARKETS[1])))
    assert contents.premium is None
    assert ["Nothing is recorded of bitvavo:X-EUR: there is no premium to show."] == list(
        contents.remarks
    )


def test_a_pair_that_is_asked_for_must_be_there(reading: Reading) -> None:
    wishes = Wishes(markets=("bitvavo:X-EUR", MARKETS[1]), are_asked=True)
    with pytest.raises(UnknownSymbol):
        gather_all(reading, wishes)


def test_days_without_figures_have_nothing_to_read(reading: Reading) -> None:
    days = [DayFacts("bitvavo", DATE, "pending", None)]
    contents = gather(
        reading, days, Wishes(markets=MARKETS), tape="t", progress=lambda _done, _total: None
    )
    assert (None, None, ()) == (contents.incidents, contents.premium, contents.quotes)


def test_instants_lie_as_far_apart_as_are_seen() -> None:
    assert [1, 10, 60, 1800] == [
        find_every((0, s * SECOND)) // SECOND for s in (300, 10_000, 86_400, 30 * 86_400)
    ]
    assert find_source() in {BOOKS, TICKERS}


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_premium_takes_two_or_four(count: int) -> None:
    with pytest.raises(TapeError, match="A B, or A B and one currency"):
        check_markets(["x:Y"] * count)
    check_markets([])
    check_markets(MARKETS)
