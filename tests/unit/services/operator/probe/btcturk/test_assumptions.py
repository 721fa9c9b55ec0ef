"""Each assumption of BtcTurk has a lie that refutes it and a silence that leaves it not seen."""

import re

import pytest

from services.operator.probe.btcturk.assumptions import ASSUMPTIONS
from services.operator.probe.evaluation import COMMON
from services.operator.probe.record import ProbeRecord
from tests.support.paths import ROOT
from tests.support.probing import Silence, check_honesty, judge, lie, without

EXCHANGE = "btcturk"
BOOKS = Silence("[431,")
CHANGES = Silence("[432,")
TRADES = Silence("[422,")
TICKERS = Silence("[401,")
MESSAGES = Silence(kinds=("text",))
LEAVES = Silence('"join":false', kinds=("sent",))
CROWDS = Silence(kinds=("text",), door="p")
PAIRS = Silence("/exchangeinfo", kinds=("answer",))
REST_TRADES = Silence("/trades", kinds=("answer",))

ROWS = {
    "T1": ("other_greeting", MESSAGES),
    "T2": ("honest_acknowledgement", Silence("obdiff:NOPETRY")),
    "T3": ("second_join_in_order", Silence('"ok":false')),
    "T4": ("late_book", Silence('"channel":"obdiff"')),
    "T5": ("first_number_skips", CHANGES),
    "T6": ("numbers_by_two", CHANGES),
    "T7": ("one_count", BOOKS),
    "T8": ("added_again", CHANGES),
    "T9": ("deleted_without_size", CHANGES),
    "T10": ("deep_window", CHANGES),
    "T11": ("no_resync", LEAVES),
    "T12": ("other_resync", LEAVES),
    "T13": ("unasked_book", BOOKS),
    "T14": ("rest_book_differs", Silence("/orderbook", kinds=("answer",))),
    "T15": ("price_twice", Silence('"channel":"obdiff"')),
    "T16": ("crossed", CHANGES),
    "T17": ("other_side", TRADES),
    "T18": ("oldest_first", Silence("[421,")),
    "T19": ("ids_fall", TRADES),
    "T20": ("other_ids_over_rest", REST_TRADES),
    "T21": ("short_tickers", TICKERS),
    "T22": ("slow_tickers", TICKERS),
    "T23": ("ticker_elsewhere", TICKERS),
    "T24": ("dash_side", TICKERS),
    "T25": ("other_pings", Silence(kinds=("ping",))),
    "T26": ("few_pairs", CROWDS),
    "T27": ("few_pairs", CROWDS),
    "T28": ("few_pairs", CROWDS),
    "T29": ("mute_book", TICKERS),
    "T30": ("long_digits", MESSAGES),
    "T31": ("other_names", PAIRS),
    "T32": ("paused_pair", PAIRS),
    "F1": ("binary", MESSAGES),
    "F2": ("parts", MESSAGES),
    "F3": ("too_long", MESSAGES),
    "P1": ("unreadable", MESSAGES),
    "P2": ("new_number", MESSAGES),
    "P3": ("dust", BOOKS),
    "P4": ("unreadable", MESSAGES),
}


def test_every_assumption_is_tried() -> None:
    assert {one.id for one in (*ASSUMPTIONS, *COMMON)} == set(ROWS)


def test_an_honest_exchange_confirms_them() -> None:
    unseen = {"T24"}  # no side of any book was ever empty
    assert {} == check_honesty(EXCHANGE, unseen=unseen)


@pytest.mark.parametrize("name", ROWS)
def test_a_lie_is_found_out(name: str) -> None:
    row = judge(EXCHANGE, lie(EXCHANGE, ROWS[name][0]))[name]
    assert ("REFUTED", True) == (row.verdict, bool(row.examples)), row.seen


@pytest.mark.parametrize("name", ROWS)
def test_silence_is_no_proof(name: str) -> None:
    row = judge(EXCHANGE, without(EXCHANGE, ROWS[name][1]))[name]
    assert "not seen" == row.verdict, row


def test_a_closed_door_is_found_out() -> None:
    assert "REFUTED" == judge(EXCHANGE, lie(EXCHANGE, "closed_door"))["T1"].verdict


def test_an_empty_side_in_the_words_that_we_know_is_in_order() -> None:
    assert "CONFIRMED" == judge(EXCHANGE, lie(EXCHANGE, "empty_side"))["T24"].verdict


def test_nothing_at_all_is_no_proof() -> None:
    nothing: list[ProbeRecord] = []
    assert {"not seen"} == {row.verdict for row in judge(EXCHANGE, nothing).values()}


def test_the_page_says_what_to_do_about_each() -> None:
    page = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    told = {name for cell in re.findall(r"^\| ([A-Z][\d, A-Z]*) \|", page, re.MULTILINE)
            for name in cell.split(", ")}  # fmt: skip
    assert set(ROWS) <= told
