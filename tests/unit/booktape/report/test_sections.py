import re
from collections import Counter

from booktape.report import sections
from booktape.report.facts import DayFacts
from booktape.report.incidents import Incident, Incidents
from tests.support.day_certificates import DATE, START, make_day, make_symbol

PENDING = DayFacts("btcturk", DATE, "pending", None)
MISSING = DayFacts("btcturk", DATE, "missing", None)


def test_each_day_and_symbol_has_its_condition() -> None:
    text = sections.make_conditions([make_day(make_symbol("<b>")), PENDING])
    assert '<span class="mark pending">pending</span>' in text
    assert (
        '<span class="chip degraded">&lt;b&gt; <small>99.72 %<span> known</span>, 1 mismatch'
        in text
    )
    assert "0 of 1" in text


def test_a_symbol_says_all_that_it_lost() -> None:
    lost = make_symbol(gaps=[], known_us=3600 * 1_000_000, mismatches=2, trades_lost=3)
    text = sections.make_conditions([make_day(lost)])
    assert "<small>2 mismatches, trades lost 3 times</small>" in text
    bare = sections.make_conditions([make_day(make_symbol(book_start=None, mismatches=0))])
    assert '<span class="chip degraded">BTC-EUR</span>' in bare


def test_the_worst_symbols_are_named_and_all_others_for_who_asks() -> None:
    lossy = [make_symbol(f"L{n}") for n in range(30)]
    whole = [make_symbol(f"W{n}", condition="available") for n in range(60)]
    text = sections.make_conditions([make_day(*lossy, *whole)])
    assert sections.CHIPS_MAX == text.count('class="chip')
    assert "6 more degraded" in text
    assert "<details><summary>60 available" in text
    few = sections.make_conditions([make_day(*whole[:3])])
    assert "<details open><summary>3 available" in few


def test_of_many_days_the_calendar_has_the_symbols() -> None:
    days = [make_day(make_symbol(), date=f"2026-11-2{n}") for n in range(4)]
    assert "chip" not in sections.make_conditions(days)
    text = sections.make_coverage(days)
    assert "data-dates" in text
    assert "data-gaps" not in text


def test_a_gap_is_in_a_bar_and_in_words() -> None:
    text = sections.make_coverage([make_day(make_symbol()), PENDING, MISSING])
    assert "data-gaps=" in text
    assert "1 gaps</summary>" in text
    cells = re.findall("<td.*?>(.*?)</td>", text)
    assert ["BTC-EUR", "12:01:00.000", "12:01:10.000", "10.0 s"] == cells[:4]
    assert "no certificate of it yet" in text
    assert "nothing is recorded of it" in text


def test_a_day_without_books_says_so() -> None:
    nothing = make_symbol(book_start=None, book_end=None, gaps=[])
    text = sections.make_coverage([make_day(nothing)])
    assert "no book was recorded" in text
    whole = make_symbol(gaps=[])
    assert "<details data-print" not in sections.make_coverage([make_day(whole)])


def test_of_many_gaps_the_longest_are_listed() -> None:
    symbols = [make_symbol(f"S{n}") for n in range(30)]
    text = sections.make_coverage([make_day(*symbols)])
    assert "the longest of 30 gaps" in text


def test_why_is_told_by_cause() -> None:
    text = sections.make_causes([make_day(make_symbol())], None)
    assert "<i class=lost></i><code>gap</code>" in text
    assert "10.0 s" in text
    assert "No book was lost" in sections.make_causes([make_day(make_symbol(gaps=[]))], None)


def test_what_feeds_said_is_counted_and_told() -> None:
    day_us = 86_400_000_000
    listed = [
        Incident(START + 1_500_000, "bitvavo", "status", "<X>", "trading to halted"),
        Incident(START + day_us, "bitvavo", "connected", None, ""),
    ]
    incidents = Incidents({"bitvavo": Counter(gap=1_234, status=1)}, listed, 7)
    text = sections.make_causes([], incidents)
    assert "<li><code>gap</code><b>1,234</b></li><li><code>status</code><b>1</b></li>" in text
    assert "rows about whole feeds, by time: 2, and 7 more" in text
    assert "11-22 00:00:01.500" in text
    assert "&lt;X&gt;" in text
    one = Incidents({"bitvavo": Counter()}, listed[:1], 0)
    assert ">00:00:01.500<" in sections.make_causes([], one)
    assert "<details" not in sections.make_causes([], Incidents({"bitvavo": Counter()}, [], 0))


def test_audits_and_delays_are_added_up() -> None:
    text = sections.make_truth([make_day(make_symbol(), make_symbol("ETH-EUR")), PENDING])
    cells = re.findall(r"<td.*?>(.*?)</td>", text)
    wanted = ["bitvavo", DATE, "8", "2", "2", "90.000 %", "2", "0", "9 ms (41 ms)"]
    assert wanted == cells


def test_what_nobody_judged_is_a_dash() -> None:
    text = sections.make_truth([make_day(make_symbol(offsets={}, ticker_judged=0))])
    assert 2 == text.count("<td class=number>\N{EN DASH}</td>")
