import re

import pytest

from booktape.certificate import CertifiedGap, SymbolFigures
from booktape.report.facts import DayFacts
from booktape.report.heat import (
    GAPS_DRAWN_FEW,
    GAPS_DRAWN_MAX,
    ROWS_ALL_MAX,
    ROWS_WORST_MAX,
    HeatRow,
    count_known,
    find_kind,
    find_span,
    join_gaps,
    make_heat,
    make_legend,
)
from tests.support.day_certificates import DATE, SECOND, START, make_day, make_symbol

PENDING = DayFacts("btcturk", DATE, "pending", None)
NOON = START + 43_200 * SECOND
SPAN = NOON, NOON + 3600 * SECOND


def make_gap(begin_s: float, end_s: float, cause: str | None = "gap") -> CertifiedGap:
    start, end = (NOON + int(at * SECOND) for at in (begin_s, end_s))
    return CertifiedGap(start, end, cause, '{"long":"detail"}')


def heat(*symbols: SymbolFigures) -> str:
    return make_heat(make_day(*symbols), SPAN)


def test_a_gap_can_be_read_off_a_bar() -> None:
    text = heat(make_symbol("<B>"))
    assert f'data-from="{NOON // 1000}" data-to="{(NOON + 3600 * SECOND) // 1000}"' in text
    assert ' data-gaps="60000,10000,gap"' in text  # ms behind the beginning, ms long
    assert "&lt;B&gt;: 99.722 % known, 1 gap" in text
    assert 1 == text.count('<path class="gap lost"')
    assert "M24 0h4v10h-4z" in text


def test_a_mark_has_the_colour_of_who_was_away() -> None:
    gaps = [make_gap(10, 20, "stale"), make_gap(30, 40, "killed"), make_gap(50, 60, None)]
    text = heat(make_symbol(gaps=gaps))
    for kind in ("away", "ours", "lost"):
        assert 1 == text.count(f'class="gap {kind}"')
    assert "50000,10000,unknown" in text


def test_a_cause_is_told_where_it_is_another_than_before() -> None:
    gaps = [make_gap(10, 20, "stale"), make_gap(30, 40, "stale"), make_gap(50, 60)]
    text = heat(make_symbol(gaps=gaps))
    assert ' data-gaps="10000,10000,stale;30000,10000;50000,10000,gap"' in text


def test_causes_have_three_kinds() -> None:
    assert ["lost", "away", "ours"] == [find_kind(c) for c in ("mismatch", "stale", "open")]


def test_a_legend_names_the_causes_that_there_are() -> None:
    text = make_legend(["stale", "gap", "disconnected", "stale"])
    assert "gone <small>disconnected, stale</small>" in text
    assert "recorder" not in text


def test_a_symbol_without_a_book_has_no_bar() -> None:
    other = make_symbol("XRP-EUR", book_start=None, book_end=None, gaps=[])
    assert 1 == heat(make_symbol(), other).count("<svg")


def test_all_markets_are_summed_up_above_them() -> None:
    text = heat(make_symbol(), make_symbol("ETH-EUR"))
    assert "all 2" in text
    assert 3 == text.count("<svg")


def test_many_markets_are_shown_by_what_they_lost() -> None:
    count = ROWS_ALL_MAX + ROWS_WORST_MAX + 10
    lossy = [make_symbol(f"L{n}-EUR", gaps=[make_gap(0, n + 1)]) for n in range(count - 10)]
    whole = [make_symbol(f"W{n}-EUR", gaps=[]) for n in range(10)]
    text = heat(*whole, *lossy)
    shown, more, names = text.split("<details>")
    assert 1 + ROWS_WORST_MAX == shown.count("<svg")
    assert f">L{count - 11}-EUR<" in shown
    assert f"{ROWS_ALL_MAX} more that lost less" in more
    assert ROWS_ALL_MAX == more.count("<svg")
    assert "10 markets without a gap" in names
    assert "W0-EUR W1-EUR" in names


def test_many_gaps_of_a_row_that_few_see_are_few() -> None:
    gaps = [make_gap(10 * n, 10 * n + 1) for n in range(100)]
    symbols = [make_symbol(f"S{n}-EUR", gaps=gaps) for n in range(ROWS_WORST_MAX + 1)]
    shown, more = heat(*symbols).split("<details>")
    counts = [1 + data.count(";") for data in re.findall('data-gaps="(.*?)"', shown)]
    assert [GAPS_DRAWN_MAX] * ROWS_WORST_MAX == counts
    [data] = re.findall('data-gaps="(.*?)"', more)
    assert GAPS_DRAWN_FEW == 1 + data.count(";")


def test_those_that_lie_closest_are_drawn_as_one() -> None:
    gaps = [make_gap(0, 1), make_gap(2, 7, "stale"), make_gap(50, 51), make_gap(90, 91)]
    joined = join_gaps([CertifiedGap(g.start, g.end, g.cause, None) for g in gaps], 3)
    assert [(0, 7, "stale"), (50, 51, "gap"), (90, 91, "gap")] == [
        ((gap.start - NOON) // SECOND, (gap.end - NOON) // SECOND, gap.cause) for gap in joined
    ]
    assert ["2 gaps", None, None] == [gap.detail for gap in joined]
    assert gaps == join_gaps(gaps, 4)


def test_known_books_are_counted_through_time() -> None:
    found = [
        make_symbol(book_start=NOON, book_end=NOON + 40 * SECOND, gaps=[]),
        make_symbol(book_start=NOON + 10 * SECOND, book_end=NOON + 40 * SECOND),
    ]
    rows = [HeatRow(found[0], []), HeatRow(found[1], [make_gap(21, 22), make_gap(25, 29)])]
    assert [1, 2, 1, 2, 0] == count_known(rows, (NOON, NOON + 50 * SECOND), bins=5)


@pytest.mark.parametrize(
    ("begin", "end", "span"),
    [
        (0, 86_400, (0, 86_400)),
        (43_201, 50_399, (43_200, 50_400)),
        (43_201, 43_499, (43_200, 43_500)),
        (43_200, 43_202, (43_200, 43_202)),
    ],
)
def test_what_is_shown_is_what_was_recorded(begin: int, end: int, span: tuple[int, int]) -> None:
    symbol = make_symbol(book_start=START + begin * SECOND, book_end=START + end * SECOND)
    found = find_span([make_day(symbol), PENDING])
    assert found is not None
    assert span == tuple((ts - START) // SECOND for ts in found)


def test_where_nothing_was_recorded_nothing_is_shown() -> None:
    assert find_span([PENDING, make_day(make_symbol(book_start=None, book_end=None))]) is None
