import datetime as dt
from pathlib import Path

import pytest

import booktape
from booktape.errors import NotKnown, UnknownExchange, UnknownSymbol, UnknownTable
from booktape.scan import Scan
from tests.support.hand_tape import BTC, HandTape, at, feed, snapshot, ticker
from tests.support.opened import open_small, rows_of

pytestmark = pytest.mark.filterwarnings("ignore:replaying without")
BTC_EUR = f"bitvavo:{BTC}"
TIMES = at(2), at(8)
FEES = {"bitvavo": 0.001, "btcturk": 0.002}
VIA = ("bitvavo:USDT-EUR", "btcturk:USDT-TRY")


def test_what_is_there_is_listed(tmp_path: Path) -> None:
    tape = open_small(tmp_path)
    assert ["bitvavo", "btcturk"] == tape.exchanges()
    assert 6 == tape.symbols().count()
    assert 3 == tape.symbols("btcturk").count()
    assert 2 == tape.days().count()
    assert 1 == tape.sessions("bitvavo").count()
    assert 1 == tape.instruments("bitvavo", dt.date(2026, 11, 22)).count()
    assert [BTC] * 3 == [row["symbol"] for row in rows_of(tape.coverage(BTC_EUR, *TIMES))]
    assert 6 == tape.coverage("btcturk").count() * 2


def test_tables_are_scanned(tmp_path: Path) -> None:
    tape = open_small(tmp_path)
    assert 15 == tape.scan("book").count()
    assert 5 == tape.scan("book", BTC_EUR).count()
    assert 3 == tape.scan("book", BTC_EUR, at(6), stitched=True).count()
    assert 2 == tape.scan("trades", BTC_EUR, at(0), at(9), stitched=True).count()
    with pytest.raises(UnknownTable, match="book, trades, ticker, instruments, feed_events"):
        tape.scan("books")
    for table, market in (("ticker", BTC_EUR), ("book", "bitvavo"), ("book", None)):
        with pytest.raises(ValueError, match="takes the table book or trades"):
            tape.scan(table, market, stitched=True)


def test_books_and_trades_are_read(tmp_path: Path) -> None:
    tape = open_small(tmp_path)
    assert 2 == tape.book_at(BTC_EUR, "2026-11-22T12:00:07Z").bids.num_rows
    assert 4 == len(list(tape.replay(BTC_EUR, *TIMES)))
    assert ["t1", "t2"] == [row["trade_id"] for row in rows_of(tape.trades(BTC_EUR))]
    quoted = rows_of(tape.trades(BTC_EUR, quote=True))
    assert [99.0, 100.0] == [row["bid_price"] for row in quoted]
    assert [2] == [row["count"] for row in rows_of(tape.bars(BTC_EUR, at(0), at(9)))]


def test_tops_spreads_and_alignments_are_read(tmp_path: Path) -> None:
    tape = open_small(tmp_path)
    assert 6 == tape.top(BTC_EUR, *TIMES).count()
    assert 4 == tape.top(BTC_EUR, *TIMES, every=None, depth=1).count()
    assert 2 == tape.top(BTC_EUR, at=[at(2), at(9)]).count()
    with pytest.raises(ValueError, match="at takes the place of start and end"):
        tape.top(BTC_EUR, at(1), at=[at(2)])
    aligned = tape.align({"eur": BTC_EUR, "try": "btcturk:BTC-TRY"}, *TIMES, every="1s")
    assert [
        "ts",
        "eur_bid_price_00",
        "eur_ask_price_00",
        "try_bid_price_00",
        "try_ask_price_00",
    ] == (aligned.schema.names)
    assert 4 == tape.align({"eur": BTC_EUR}, *TIMES, every=None).count()
    spread = tape.spread(BTC_EUR, "btcturk:BTC-TRY", *TIMES, via=VIA, fees=FEES, every=None)
    assert [1.0, None, 1.0, 1.0] == [row["fx_mid"] for row in rows_of(spread)]
    assert 6 == tape.spread("bitvavo:ETH-EUR", "btcturk:ETH-EUR", *TIMES, fees=FEES).count()


def test_no_range_is_an_empty_table_with_its_columns(tmp_path: Path) -> None:
    tape = open_small(tmp_path)
    spans = (
        (at(5), at(5)),
        ("2020-01-01", "2020-01-02"),
        ("2030-01-01", "2030-01-02"),
        (at(9), at(2)),
    )
    for start, end in spans:
        for scan in empty_scans(tape, start, end):
            assert 0 == scan.count(), scan
            assert scan.to_arrow().schema == scan.schema


def empty_scans(tape: booktape.Tape, start: str | int, end: str | int) -> list[Scan]:
    scans = [
        tape.scan("book", None, start, end),
        tape.scan("book", BTC_EUR, start, end, stitched=True),
        tape.trades(BTC_EUR, start, end),
        tape.trades(BTC_EUR, start, end, quote=True),
        tape.sessions(None, start, end)
        if start != at(5) and start != at(9)
        else tape.scan("book", None, start, end),
    ]
    if start in {at(5), at(9)}:  # elsewhere each second is a row of nulls
        scans += [
            tape.top(BTC_EUR, start, end),
            tape.top(BTC_EUR, start, end, every=None),
            tape.bars(BTC_EUR, start, end),
            tape.coverage(BTC_EUR, start, end),
            tape.align({"x": BTC_EUR}, start, end, every="1s"),
            tape.spread(BTC_EUR, BTC_EUR, start, end, fees=FEES),
        ]
    return scans


def test_before_and_behind_the_tape_nothing_is_known(tmp_path: Path) -> None:
    tape = open_small(tmp_path)
    for start, cause in ((at(-9), "unrecorded"), (at(100), "open")):
        end = start + 2_000_000
        assert [None, None] == [row["session"] for row in rows_of(tape.top(BTC_EUR, start, end))]
        assert [cause] == [row["cause"] for row in rows_of(tape.coverage(BTC_EUR, start, end))]
        with pytest.raises(NotKnown, match=cause):
            tape.book_at(BTC_EUR, start)


def test_what_does_not_exist_is_told_at_once(tmp_path: Path) -> None:
    tape = open_small(tmp_path)
    for call in (tape.trades, tape.top, tape.bars, tape.replay, tape.coverage):
        with pytest.raises(UnknownSymbol, match="bitvavo:BTC-EUR"):
            call("bitvavo:BTC-EUX")
    for lists in (tape.symbols, tape.days, tape.sessions, tape.coverage):
        with pytest.raises(UnknownExchange, match="bitvavo, btcturk"):
            lists("kraken")
    with pytest.raises(UnknownExchange):
        tape.instruments("kraken", "2026-11-22")
    with pytest.raises(ValueError, match="no interval"):
        tape.top(BTC_EUR, every="1 s")


def test_what_is_written_meanwhile_is_seen_by_a_later_one(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    session = "20261122T120000.000000Z-bitvavo-a"
    tape.write(session, snapshot(0, 0, ("bid", 1.0, 1.0)), ticker(5))
    first = booktape.open(tmp_path)
    assert at(5) + 1 == end_of(first)
    tape.write(session, ticker(8), feed(9, "gap", BTC))
    assert (at(5) + 1, at(9)) == (end_of(first), end_of(booktape.open(tmp_path)))


def end_of(tape: booktape.Tape) -> int:
    whole, _ = rows_of(tape.coverage(BTC_EUR, at(0), at(60)))
    return at(whole["end"])
