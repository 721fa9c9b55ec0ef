from pathlib import Path

from tests.support.answers import BTC, Answers, seconds
from tests.support.reference.trades import Bar, Quote
from tests.support.tape_lines import at

MINUTE = 60_000_000


def show_trades(answers: Answers, symbol: str, start: float, end: float) -> list[tuple[str, float]]:
    trades = answers.reference.trades(answers.exchange, symbol, at(start), at(end))
    return [(trade.row.columns["trade_id"], seconds(trade.ts)) for trade in trades]


def show_whole(answers: Answers, symbol: str, start: float, end: float) -> dict[float, bool]:
    bars = answers.reference.bars(answers.exchange, symbol, at(start), at(end), MINUTE)
    return {seconds(bar.ts): bar.is_whole for bar in bars}


def test_a_trade_counts_once_by_the_row_that_came_first(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "trades")
    assert [
        ("t1", 9.9),
        ("t3", 19.8),
        ("t2", 19.9),
        ("t5", 59.8),
        ("t4", 59.95),
        ("t6", 65.0),
        ("t8", 129.9),
    ] == show_trades(answers, BTC, 0, 200)
    trades = answers.reference.trades("bitvavo", BTC, at(9), at(20))
    assert ["bitvavo-a", "bitvavo-a", "bitvavo-b"] == [
        trade.row.session.partition("Z-")[2] for trade in trades
    ]
    assert [10.0, 20.0, 19.95] == [seconds(trade.row.ts_recv) for trade in trades]


def test_an_id_of_another_symbol_is_another_trade(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "trades")
    assert [("t6", 64.0)] == show_trades(answers, "ETH-EUR", 0, 200)


def test_a_range_of_trades_goes_by_their_own_times(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "trades")
    assert [("t3", 19.8)] == show_trades(answers, BTC, 19.8, 19.9)
    assert [("t4", 59.95)] == show_trades(answers, BTC, 59.9, 60)


def test_bars_are_made_of_what_was_traded_in_them(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "trades")
    bars = answers.reference.bars("bitvavo", BTC, at(-60), at(200), MINUTE)
    assert Bar(at(-60), is_whole=False) == bars[0]
    first = Bar(
        ts=at(0),
        open=101.0,
        high=103.0,
        low=99.0,
        close=102.0,
        volume=4.75,
        buy_volume=3.5,
        quote_volume=482.25,
        count=5,
        ts_known=at(60.1),
        is_whole=True,
    )
    assert first == bars[1]
    assert (98.0, 1.0, 0.0, 1, at(65)) == (
        bars[2].open,
        bars[2].volume,
        bars[2].buy_volume,
        bars[2].count,
        bars[2].ts_known,
    )
    # The fourth begins in the range and is made whole, beyond its end; nobody lived to see it.
    assert [at(-60), at(0), at(60), at(120), at(180)] == [bar.ts for bar in bars]
    assert [False, True, True, True, False] == [bar.is_whole for bar in bars]
    assert (None, None, 0.0, 0, None) == (
        bars[4].open,
        bars[4].close,
        bars[4].volume,
        bars[4].count,
        bars[4].ts_known,
    )


def test_bars_begin_inside_the_range_alone(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "trades")
    bars = answers.reference.bars("bitvavo", BTC, at(30), at(90), MINUTE)
    assert [(at(60), 1)] == [(bar.ts, bar.count) for bar in bars]
    assert [] == answers.reference.bars("bitvavo", BTC, at(61), at(119), MINUTE)


def test_a_list_that_reaches_back_makes_whole_what_nobody_watched(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "lists")
    assert {
        -60.0: False,  # the first list reaches back to -30
        0.0: True,
        60.0: True,  # from 100 on nobody lived, but a list reaches back to 95
        120.0: True,
        180.0: True,
        240.0: False,  # nobody lived from 250 on; the next list begins at 260
        300.0: True,
        360.0: False,
    } == show_whole(answers, "BTC-TRY", -60, 400)
    assert [("t4", 110.0), ("t5", 165.0)] == show_trades(answers, "BTC-TRY", 100, 170)
    # Each symbol has a list of its own.
    assert {
        120.0: False,
        180.0: True,
        240.0: True,
    } == show_whole(answers, "ETH-TRY", 120, 300)


def test_bars_that_overlap_a_gap_of_trades_are_not_whole(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "trade_gap")
    assert {
        0.0: True,
        60.0: False,  # t2 at 70 is the last one known
        120.0: False,  # t5 at 125 is the next; t6 at 126 is known to be the last before a gap
        180.0: False,
        240.0: False,
        300.0: False,  # t9 at 305 is the first behind it
        360.0: True,
    } == show_whole(answers, BTC, 0, 420)


def test_behind_a_gap_nothing_is_whole_until_the_next_trade(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "trade_gap_open")
    assert {0.0: True, 60.0: False, 120.0: False, 180.0: False} == show_whole(answers, BTC, 0, 240)


def test_behind_a_gap_the_next_trade_may_be_another_sessions(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "trade_gap_handover")
    assert {
        0.0: False,  # t1 at 9.9 is the last one known
        60.0: False,
        120.0: False,
        180.0: False,  # t2 at 189.9 is the next, of the session that took over
        240.0: True,
        300.0: True,
    } == show_whole(answers, BTC, 0, 360)


def test_a_session_lived_by_the_clock_that_it_had_at_its_end(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "clock_back_lives")
    assert {
        0.0: True,
        60.0: True,
        120.0: True,
        180.0: False,  # it was killed at 181, whatever its clock had shown before the step
        240.0: False,
        300.0: True,
    } == show_whole(answers, BTC, 0, 360)


def test_a_session_lived_from_its_lowest_time_on(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "clock_back_before")
    assert {0.0: False, 60.0: True, 120.0: True, 180.0: False} == show_whole(answers, BTC, 0, 240)


def test_a_trade_came_before_a_gap_by_its_number(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "clock_back_gap")
    assert {
        0.0: True,
        60.0: True,
        120.0: False,  # t2 at 130 was the last, received at 200 by the clock before the step
        180.0: False,  # t3 at 184.9 is the first behind the gap
        240.0: True,
    } == show_whole(answers, BTC, 0, 300)


def test_a_trade_that_came_more_than_25_hours_late_belongs_to_no_answer(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "late_trades")
    assert [("t2", -89980.0)] == show_trades(answers, BTC, -90000, -80000)
    assert [("t3", 31.0), ("t4", 36.0)] == show_trades(answers, BTC, 0, 120)


def test_rows_are_looked_for_from_a_minute_before_the_range(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "late_trades")
    # t3 was received at 30, a second before its own time.
    assert [("t3", 31.0)] == show_trades(answers, BTC, 31, 32)


def test_a_quote_is_the_book_just_before_the_trade_was_received(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "quotes")
    trades = answers.reference.trades("bitvavo", BTC, at(0), at(10))
    quotes = answers.reference.quotes("bitvavo", BTC, trades)
    by_id = {
        trade.row.columns["trade_id"]: quote for trade, quote in zip(trades, quotes, strict=True)
    }
    assert {
        "t1": Quote(),
        "t2": Quote(),  # the book came at that very instant
        "t3": Quote(99.0, 1.0, 101.0, 2.0),
        "t4": Quote(99.0, 1.0, 101.0, 2.0),
        "t5": Quote(99.0, 4.0),  # no ask is left
        "t6": Quote(99.0, 4.0),  # five seconds late
        "t7": Quote(),  # later than that
        "t8": Quote(),  # in a gap
    } == by_id


def test_a_market_of_trades_or_tickers_alone_has_no_book(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "quotes")
    assert [("bitvavo", BTC), ("bitvavo", "ETH-EUR"), ("bitvavo", "XRP-EUR")] == (
        answers.reference.markets()
    )
    assert "unrecorded" == answers.book("ETH-EUR", 5)
    assert [(0.0, 9.0, "unrecorded")] == answers.coverage("XRP-EUR", 0, 9)
