from services.simulator import listing


def test_coins_are_always_the_same_and_each_is_one() -> None:
    names = listing.bases(500)
    assert ["BTC", "ETH", "USDT"] == names[:3]
    assert 500 == len(set(names))
    assert names == listing.bases(500)


def test_pairs_are_taken_from_the_front() -> None:
    pairs = iter([("BTC", "EUR"), ("ETH", "EUR"), ("XRP", "EUR")])
    assert [("BTC", "EUR"), ("ETH", "EUR")] == list(listing.first(pairs, 2))


def test_a_price_is_in_the_quote_and_has_its_digits() -> None:
    assert 75500.0 == listing.price("BTC", "EUR")
    assert listing.price("BTC", "TRY") > 3_000_000
    assert listing.price("QQQ", "EUR") == listing.price("QQQ", "EUR")
    assert (75500, 100) == (listing.ticks(75500.0, 2, 100), listing.ticks(0.001, 2, 1))
    assert [8, 6, 2] == [listing.size_decimals(price) for price in (75500.0, 1.4, 0.00001)]


def test_quiet_books_are_thinner() -> None:
    depths = [listing.depth(500, index) for index in range(437)]
    assert 500 == depths[0]
    assert depths == sorted(depths, reverse=True)
    assert listing.LEVELS_MIN <= depths[-1] < 100
