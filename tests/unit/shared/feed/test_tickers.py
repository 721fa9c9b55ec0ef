"""Best prices, merged."""

from shared.event import Ticker
from shared.feed.tickers import Tickers
from tests.support.toys import Tape


def test_what_a_message_leaves_out_stays_as_it_was() -> None:
    tape = Tape()
    tickers = Tickers(tape)
    tickers.ticker(1, "BTC-EUR", Ticker("BTCEUR", bid_price=9.0, bid_size=1.0, ts_event=5))
    tickers.ticker(2, "BTC-EUR", Ticker("BTCEUR", ask_price=10.0, ts_event=6))
    merged = Ticker("BTCEUR", bid_price=9.0, bid_size=1.0, ask_price=10.0, ts_event=6)
    assert (2, "BTC-EUR", merged) == tape[1]


def test_a_message_that_changes_nothing_is_no_row() -> None:
    tape = Tape()
    tickers = Tickers(tape)
    for last_price in (9.0, 9.0, None, 8.0, 9.0):
        tickers.ticker(1, "BTC-EUR", Ticker("BTCEUR", last_price=last_price))
    assert [9.0, 8.0, 9.0] == [ticker.last_price for ticker in tape.events(Ticker)]


def test_a_side_that_is_gone_is_null_until_it_comes_back() -> None:
    tape = Tape()
    tickers = Tickers(tape)
    gone = Ticker("X", gone=("bid_price", "bid_size"))
    both = Ticker("X", bid_price=9.0, bid_size=1.0, ask_price=10.0)
    for ticker in (gone, both, gone, gone, Ticker("X", ask_price=11.0), Ticker("X", bid_price=8.0)):
        tickers.ticker(1, "X-EUR", ticker)
    prices = [(ticker.bid_price, ticker.ask_price) for ticker in tape.events(Ticker)]
    assert [(None, None), (9.0, 10.0), (None, 10.0), (None, 11.0), (8.0, 11.0)] == prices
    assert {()} == {ticker.gone for ticker in tape.events(Ticker)}


def test_symbols_are_not_mixed() -> None:
    tape = Tape()
    tickers = Tickers(tape)
    tickers.ticker(1, "BTC-EUR", Ticker("BTCEUR", bid_price=9.0))
    tickers.ticker(1, "ETH-EUR", Ticker("ETHEUR", ask_price=3.0))
    assert Ticker("ETHEUR", ask_price=3.0) == tape.events()[1]


def test_a_symbol_that_was_left_comes_back_without_its_old_halves() -> None:
    tape = Tape()
    tickers = Tickers(tape)
    for raw_symbol in ("BTCEUR", "ETHEUR"):
        tickers.ticker(1, "BTC-EUR", Ticker(raw_symbol, bid_price=9.0))
    tickers.remove("BTCEUR")
    tickers.remove("BTCEUR")
    for raw_symbol in ("BTCEUR", "ETHEUR"):
        tickers.ticker(1, "BTC-EUR", Ticker(raw_symbol, ask_price=10.0))
    both = Ticker("ETHEUR", bid_price=9.0, ask_price=10.0)
    assert [Ticker("BTCEUR", ask_price=10.0), both] == tape.events()[2:]


def test_a_lost_connection_forgets_the_old_halves() -> None:
    tape = Tape()
    tickers = Tickers(tape)
    tickers.ticker(1, "BTC-EUR", Ticker("BTCEUR", bid_price=9.0))
    tickers.clear()
    tickers.ticker(1, "BTC-EUR", Ticker("BTCEUR", ask_price=10.0))
    assert Ticker("BTCEUR", ask_price=10.0) == tape.events()[1]
