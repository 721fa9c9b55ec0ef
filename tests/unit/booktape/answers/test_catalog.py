import datetime as dt
from pathlib import Path

import pytest

from booktape.answers.catalog import Catalog
from booktape.errors import UnknownExchange, UnknownSymbol
from booktape.keys import day_of
from booktape.times import DAY_US
from tests.support.hand_tape import BTC, ETH, A, B, HandTape, at, feed, snapshot, ticker, trade

DAY = DAY_US / 1e6
FIRST = day_of("2026-11-22")


def catalog_of(tape: HandTape) -> Catalog:
    return Catalog(*tape.reading())


def make(root: Path) -> HandTape:
    tape = HandTape(root)
    tape.write(A, snapshot(0, 0), trade(1, "t", symbol=ETH), feed(2, "gap", "XRP-EUR"))
    tape.write(A, ticker(2 * DAY, ETH), feed(3 * DAY - 9, "session_end", reason="killed", events=5))
    return tape


def test_markets_are_what_has_rows_of_one(tmp_path: Path) -> None:
    assert [
        ("bitvavo", BTC, FIRST, FIRST, ["book"]),
        ("bitvavo", ETH, FIRST, FIRST + 2, ["trades", "ticker"]),
    ] == list(catalog_of(make(tmp_path)).symbols(["bitvavo"]))
    assert [BTC] == catalog_of(make(tmp_path)).book_symbols("bitvavo")


def test_an_unknown_market_is_told_the_nearest(tmp_path: Path) -> None:
    catalog = catalog_of(make(tmp_path))
    for _ in range(2):
        catalog.check("bitvavo", ETH)
    with pytest.raises(UnknownSymbol, match="the nearest: bitvavo:BTC-EUR, bitvavo:ETH-EUR"):
        catalog.check("bitvavo", "BTC-EUX")
    with pytest.raises(UnknownExchange):
        catalog.check("kraken", BTC)


def test_days_go_from_the_first_to_the_last(tmp_path: Path) -> None:
    days = list(catalog_of(make(tmp_path)).days(["bitvavo"]))
    assert [
        ("bitvavo", FIRST + n, condition, False)
        for n, condition in enumerate(["pending", "missing", "pending"])
    ] == [day[:4] for day in days]
    assert 0 == days[1][4]
    size = sum(path.stat().st_size for path in tmp_path.glob("tape/*/*/date=2026-11-22/*"))
    assert size == days[0][4]


def test_sessions_tell_when_they_lived_and_how_they_ended(tmp_path: Path) -> None:
    tape = make(tmp_path)
    tape.write(B, snapshot(DAY, 0), ticker(DAY + 5))
    catalog = catalog_of(tape)
    ended = (A, "bitvavo", "a", at(0), at(2 * DAY), 5, True, "killed")
    still = (B, "bitvavo", "b", at(DAY), at(DAY + 5), 2, False, None)
    assert [ended, still] == list(catalog.sessions(["bitvavo"], at(0), at(9 * DAY)))
    assert [ended] == list(catalog.sessions(["bitvavo"], at(0), at(DAY)))
    assert [] == list(catalog.sessions(["bitvavo"], at(4 * DAY), at(9 * DAY)))


def test_a_session_whose_segments_are_gone_is_none(tmp_path: Path) -> None:
    tape = make(tmp_path)
    tape.write(B, snapshot(0, 0))
    for path in tmp_path.glob(f"tape/*/*/*/{B}*"):
        path.unlink()
    with pytest.warns(UserWarning, match="gone"):
        found = list(catalog_of(tape).sessions(["bitvavo"], at(0), at(9)))
    assert [A] == [row[0] for row in found]
    assert dt.date(2026, 11, 22) == dt.date(1970, 1, 1) + dt.timedelta(FIRST)
