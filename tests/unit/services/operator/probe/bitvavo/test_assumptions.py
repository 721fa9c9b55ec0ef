"""Each assumption of Bitvavo has a lie that refutes it and a silence that leaves it not seen."""

import re

import pytest

from services.operator.probe.bitvavo.assumptions import ASSUMPTIONS
from services.operator.probe.evaluation import COMMON
from services.operator.probe.record import ProbeRecord
from tests.support.paths import ROOT
from tests.support.probing import Silence, check_honesty, honest, judge, lie, without

EXCHANGE = "bitvavo"
EVENTS = Silence('"event":"book"')
BOOKS = Silence('"action":"getBook"')
TICKERS = Silence('"event":"ticker"')
TRADES = Silence('"event":"trade"')
MESSAGES = Silence(kinds=("text",))
ANSWERS = Silence(kinds=("answer",))
LISTS = Silence("/trades", kinds=("answer",))
DOORS = Silence(kinds=("opened",))
PINGS = Silence(kinds=("ping",))

ROWS = {
    "B1": ("closed_door", DOORS),
    "B2": ("short_acknowledgement", Silence('"event":"subscribed"')),
    "B3": ("book_needs_login", BOOKS),
    "B4": ("old_snapshot", BOOKS),
    "B5": ("steps_of_two", EVENTS),
    "B6": ("deep_snapshot", BOOKS),
    "B7": ("size_is_change", BOOKS),
    "B8": ("rest_book_differs", Silence("/book", kinds=("answer",))),
    "B9": ("price_twice", EVENTS),
    "B10": ("empty_event", EVENTS),
    "B11": ("crossed", EVENTS),
    "B12": ("long_digits", MESSAGES),
    "B13": ("time_in_ms", EVENTS),
    "B14": ("time_steps_back", EVENTS),
    "B15": ("half_a_side", TICKERS),
    "B16": ("zero_side", TICKERS),
    "B17": ("ticker_elsewhere", TICKERS),
    "B18": ("maker_side", TRADES),
    "B19": ("ids_by_two", TRADES),
    "B20": ("exclusive_list", LISTS),
    "B21": ("unknown_id_fails", LISTS),
    "B22": ("dear_lists", LISTS),
    "B23": ("free_questions", ANSWERS),
    "B24": ("odd_minutes", ANSWERS),
    "B25": ("other_pings", PINGS),
    "B26": ("partial_subscribe", Silence('"errorCode":205')),
    "B27": ("deaf_to_unsubscribe", Silence('"event":"unsubscribed"')),
    "B28": ("doubles", EVENTS),
    "B29": ("early_events", MESSAGES),
    "B30": ("two_voices", Silence('"event":"book"', door="b")),
    "B31": ("few_connections", DOORS),
    "B32": ("new_status", Silence("/markets", kinds=("answer",))),
    "B33": ("other_error_of_still", Silence('"errorCode":431')),
    "B34": ("still_is_refused", Silence('"event":"subscribed"')),
    "B35": ("mute_book", TICKERS),
    "B36": ("unknown_path_bans", Silence("/no-such-path", kinds=("answer",))),
    "F1": ("binary", MESSAGES),
    "F2": ("parts", MESSAGES),
    "F3": ("too_long", MESSAGES),
    "P1": ("unreadable", MESSAGES),
    "P2": ("new_kind", MESSAGES),
    "P3": ("dust", BOOKS),
    "P4": ("unreadable", MESSAGES),
}


def test_every_assumption_is_tried() -> None:
    assert {one.id for one in (*ASSUMPTIONS, *COMMON)} == set(ROWS)


def test_an_honest_exchange_confirms_them() -> None:
    unseen = {"B16"}  # no side of any book was ever empty
    assert {} == check_honesty(EXCHANGE, unseen=unseen)


@pytest.mark.parametrize("name", ROWS)
def test_a_lie_is_found_out(name: str) -> None:
    row = judge(EXCHANGE, lie(EXCHANGE, ROWS[name][0]))[name]
    assert ("REFUTED", True) == (row.verdict, bool(row.examples)), row.seen


@pytest.mark.parametrize("name", ROWS)
def test_silence_is_no_proof(name: str) -> None:
    row = judge(EXCHANGE, without(EXCHANGE, ROWS[name][1]))[name]
    assert "not seen" == row.verdict, row


def test_an_empty_side_in_the_words_that_we_know_is_in_order() -> None:
    assert "CONFIRMED" == judge(EXCHANGE, lie(EXCHANGE, "null_side"))["B16"].verdict


def test_nothing_at_all_is_no_proof() -> None:
    nothing: list[ProbeRecord] = []
    assert {"not seen"} == {row.verdict for row in judge(EXCHANGE, nothing).values()}
    assert honest(EXCHANGE)


def test_the_page_says_what_to_do_about_each() -> None:
    page = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    told = {name for cell in re.findall(r"^\| ([A-Z][\d, A-Z]*) \|", page, re.MULTILINE)
            for name in cell.split(", ")}  # fmt: skip
    assert set(ROWS) <= told
