import re

from booktape.report.quotes import BOOKS, NEAR_BPS, TICKERS, TOUCH, MarketQuotes, Values
from booktape.report.spreads import LINE_POINTS_MAX, find_rank, make_spreads

SPAN = 0, 4


def make_quotes(market: str = "bitvavo:<A>-EUR", *, near: bool = True) -> MarketQuotes:
    columns: dict[str, Values] = {name: [99.0, 99.0, None, 99.0] for name in TOUCH}
    columns["ask"] = [101.0, 101.0, None, 103.0]
    if near:
        names = [f"{side}_within_{bps}bps" for side in ("bid", "ask") for bps in NEAR_BPS]
        columns |= {name: [1_000.0, None, None, 3_000.0] for name in names}
    return MarketQuotes(market, [0, 1, 2, 3], columns)


def cells_of(text: str) -> list[str]:
    return re.findall("<td.*?>(.*?)</td>", text)


def test_books_tell_what_lies_near_the_middle() -> None:
    text = make_spreads([make_quotes()], BOOKS, SPAN)
    market, half, most, line, best, near, _ = cells_of(text)
    assert "bitvavo:&lt;A&gt;-EUR" == market
    assert ("200", "396") == (half, most)
    assert 2 == line.count("M")  # a null breaks it
    assert ("9.80 k / 10.0 k", "297 k / 309 k") == (best, near)
    assert "within 50 bps" in text
    assert "tickers" not in text


def test_tickers_say_so_and_know_the_best_price_alone() -> None:
    text = make_spreads([make_quotes(near=False)], TICKERS, SPAN)
    assert 5 == len(cells_of(text))
    assert "<b>from tickers</b>" in text


def test_a_market_without_prices_has_no_row() -> None:
    nothing = MarketQuotes("x:Y", [0], {name: [None] for name in TOUCH})
    assert "no prices" in make_spreads([nothing], TICKERS, SPAN)
    assert 5 == len(cells_of(make_spreads([make_quotes(), nothing], TICKERS, SPAN)))


def test_a_side_that_is_never_there_is_a_dash() -> None:
    columns: dict[str, Values] = {name: [1.0, 1.0] for name in TOUCH}
    columns["ask"] = columns["ask_size"] = [None, None]
    text = make_spreads([MarketQuotes("x:Y", [0, 1], columns)], TICKERS, SPAN)
    assert ["\N{EN DASH}", "\N{EN DASH}"] == cells_of(text)[1:3]
    assert "1.00 / \N{EN DASH}" in text


def test_a_long_line_is_drawn_by_few_points() -> None:
    count = 10_000
    columns: dict[str, Values] = {name: [1.0 + n % 3 for n in range(count)] for name in TOUCH}
    text = make_spreads([MarketQuotes("x:Y", list(range(count)), columns)], TICKERS, (0, count))
    [path] = re.findall(' d="(.*?)"', text)
    assert path.count(" ") <= 2 * LINE_POINTS_MAX + 2


def test_a_rank_is_of_what_is_known() -> None:
    assert [1.0, 2.0, 3.0] == [find_rank([3.0, None, 1.0, 2.0], share) for share in (0, 0.5, 1)]
    assert find_rank([None], 0.5) is None
