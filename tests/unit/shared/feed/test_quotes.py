"""Tickers on their way to the books that they are about."""

from shared.event import Ticker
from shared.feed.quotes import Quotes


def test_a_ticker_goes_to_who_keeps_its_book_now() -> None:
    first: list[str] = []
    second: list[str] = []

    def take_first(_ts: int, ticker: Ticker) -> None:
        first.append(ticker.raw_symbol)

    def take_second(_ts: int, ticker: Ticker) -> None:
        second.append(ticker.raw_symbol)

    quotes = Quotes()
    quotes.follow(["A", "B"], take_first)
    quotes.follow(["C"], take_second)
    for raw_symbol in "ABCD":
        quotes.carry(1, Ticker(raw_symbol))
    assert (["A", "B"], ["C"]) == (first, second)
    quotes.follow(["B"], take_first)
    quotes.carry(2, Ticker("A"))
    quotes.carry(2, Ticker("B"))
    assert ["A", "B", "B"] == first
