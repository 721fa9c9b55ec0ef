import re

import pytest
from msgspec.structs import replace

from booktape.certificate import CertifiedManifest, TableRows
from booktape.report.facts import DayFacts
from booktape.report.rates import count_rows, make_rates
from tests.support.day_certificates import DATE, SECOND, START, make_day, make_symbol

PENDING = DayFacts("btcturk", DATE, "pending", None)
SPAN = START, START + 100 * SECOND


def add_flushes(day: DayFacts, *flushes: tuple[int, int, int]) -> DayFacts:
    """Add manifests: levels, from and to which second of the day."""
    manifests = [
        CertifiedManifest(
            "s",
            number,
            number,
            2,
            "",
            0,
            {
                "book": TableRows(
                    rows, 1, (START + begin * SECOND) * 1000, (START + end * SECOND) * 1000
                )
            },
        )
        for number, (rows, begin, end) in enumerate(flushes)
    ]
    assert day.certificate is not None
    return replace(day, certificate=replace(day.certificate, manifests=manifests))


def test_the_levels_of_a_flush_are_spread_over_its_time() -> None:
    day = add_flushes(make_day(make_symbol()), (100, 0, 50), (30, 95, 100), (7, 60, 60))
    counted = count_rows([day, PENDING], SPAN, bins=4)
    assert [2.0, 2.0, 7 / 25, 30 / 25] == pytest.approx(counted)


def test_a_flush_without_books_counts_nothing() -> None:
    day = add_flushes(make_day(make_symbol()), (100, 0, 50))
    assert day.certificate is not None
    bare = [replace(one, tables={}) for one in day.certificate.manifests]
    day = replace(day, certificate=replace(day.certificate, manifests=bare))
    assert [0.0] * 4 == count_rows([day], SPAN, bins=4)


def test_each_exchange_is_a_line() -> None:
    day = add_flushes(make_day(make_symbol()), (100, 0, 50))
    text = make_rates([day, make_day(make_symbol(), exchange="btcturk")], SPAN)
    assert ["0", "1"] == re.findall('class="line series-(.)"', text)
    assert "bitvavo <small>1.00 a second" in text
    assert "<svg" not in make_rates([PENDING], None)


def test_what_was_recorded_most_comes_first() -> None:
    symbols = [make_symbol(f"S{n}-EUR", events={"book": n + 1}) for n in range(30)]
    text = make_rates([make_day(*symbols)], None)
    assert text.index("bitvavo:S29-EUR") < text.index("bitvavo:S28-EUR")
    assert "10 more are not listed" in text
    assert "<table>" in make_rates([PENDING], None)


def test_a_rate_is_of_the_time_in_which_a_book_was_recorded() -> None:
    text = make_rates([make_day(make_symbol(events={"book": 7200}))], None)
    assert "<td class=number>2.00</td>" in text
    nothing = make_symbol(book_start=None, book_end=None)
    assert "<td class=number>\N{EN DASH}</td>" in make_rates([make_day(nothing)], None)


def test_of_many_days_each_row_has_its_own() -> None:
    days = [make_day(make_symbol(), date=date) for date in ("2026-11-22", "2026-11-23")]
    assert "<td>2026-11-23</td>" in make_rates(days, None)
