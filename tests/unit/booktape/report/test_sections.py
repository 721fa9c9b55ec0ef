import re

import pytest

from booktape.certificate import CertifiedGap
from booktape.report import sections
from booktape.report.facts import DayFacts
from tests.support.day_certificates import DATE, SECOND, START, make_day, make_symbol

PENDING = DayFacts("btcturk", DATE, "pending", None)


def test_each_day_and_symbol_has_its_condition() -> None:
    text = sections.make_conditions([make_day(make_symbol("<b>")), PENDING])
    assert '<span class="mark pending">pending</span>' in text
    assert '<span class="chip degraded" title="degraded">&lt;b&gt;</span>' in text
    assert "0 of 1" in text


def test_a_gap_can_be_read_off_a_bar() -> None:
    text = sections.make_coverage([make_day(make_symbol()), PENDING])
    assert "<title>12:01:00.000 - 12:01:10.000 gap</title>" in text
    assert 1 == text.count("<rect class=gap")
    assert 1 == text.count("<rect class=known")
    assert "no certificate of it yet" in text
    assert "the longest of 1 gaps" in text


def test_a_symbol_without_a_book_has_no_bar() -> None:
    day = make_day(make_symbol(), make_symbol("XRP-EUR", book_start=None, book_end=None, gaps=[]))
    assert 1 == sections.make_coverage([day]).count("<svg")


@pytest.mark.parametrize(
    ("seconds", "window"),
    [
        (86_400, (0, 86_400)),
        (7_000, (43_200, 50_400)),
        (300, (43_200, 43_500)),
        (2, (43_200, 43_202)),
    ],
)
def test_what_is_shown_is_what_was_recorded(seconds: int, window: tuple[int, int]) -> None:
    start = START if seconds == 86_400 else START + 43_200 * SECOND
    symbol = make_symbol(book_start=start, book_end=start + seconds * SECOND)
    found = sections.find_window(make_day(symbol))
    assert window == tuple((ts - START) // SECOND for ts in found)
    assert (0, 86_400) == tuple((ts - START) // SECOND for ts in sections.find_window(PENDING))


def test_a_thousand_gaps_are_drawn_as_few() -> None:
    noon = START + 43_200 * SECOND
    gaps = [
        CertifiedGap(noon + n * SECOND, noon + n * SECOND + 1, "gap", None) for n in range(1000)
    ]
    text = sections.make_coverage([make_day(make_symbol(gaps=gaps))])
    assert text.count("<rect class=gap") <= sections.GAPS_DRAWN_MAX
    assert "25 gaps</title>" in text


def test_why_is_told_by_cause() -> None:
    text = sections.make_causes([make_day(make_symbol())])
    assert "<code>gap</code>" in text
    assert "10.0 s" in text
    assert "No book was lost" in sections.make_causes([make_day(make_symbol(gaps=[]))])


def test_audits_and_delays_are_added_up() -> None:
    text = sections.make_truth([make_day(make_symbol(), make_symbol("ETH-EUR")), PENDING])
    cells = re.findall(r"<td.*?>(.*?)</td>", text)
    wanted = ["bitvavo", DATE, "8", "2", "2", "90.000 %", "2", "0", "9 ms (41 ms)"]
    assert wanted == cells


def test_what_was_recorded_most_comes_first() -> None:
    symbols = [make_symbol(f"S{n}-EUR", events={"book": n + 1}) for n in range(30)]
    text = sections.make_rates([make_day(*symbols)])
    assert text.index("bitvavo:S29-EUR") < text.index("bitvavo:S28-EUR")
    assert "10 more are not listed" in text
    assert "<table>" in sections.make_rates([PENDING])
