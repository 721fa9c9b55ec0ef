from shared.exchange import KeepAlive
from shared.feed.keep_alive import KeepAlives


def test_an_exchange_that_wants_none_gets_none() -> None:
    alive = KeepAlives(None)
    alive.connected(0.0)
    assert [] == alive.due(1_000.0)


def test_each_interval_one_is_due_from_the_connect_on() -> None:
    alive = KeepAlives(KeepAlive(message="here", interval_s=5.0))
    alive.connected(100.0)
    assert [[], ["here"], [], ["here"]] == [alive.due(s) for s in (104.9, 105.0, 109.9, 111.0)]
    alive.connected(112.0)
    assert [] == alive.due(116.5)
