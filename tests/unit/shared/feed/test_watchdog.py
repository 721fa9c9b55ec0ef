"""When silence is too long."""

from shared.feed.watchdog import STALE_MAX_S, Watchdog


def connected(stale_after_s: float = 20.0) -> Watchdog:
    watchdog = Watchdog(stale_after_s)
    watchdog.connected(0.0)
    return watchdog


def test_before_any_data_silence_says_nothing() -> None:
    watchdog = connected()
    assert watchdog.silent_s(1e6) is None
    assert not watchdog.is_flowing


def test_where_there_is_a_book_data_must_come_some_time() -> None:
    watchdog = connected()
    watchdog.expect(100.0)
    watchdog.expect(200.0)
    assert watchdog.silent_s(100.0 + STALE_MAX_S) is None
    assert STALE_MAX_S + 1 == watchdog.silent_s(101.0 + STALE_MAX_S)


def test_silence_after_data_is_told_once() -> None:
    watchdog = connected()
    watchdog.data(100.0)
    assert watchdog.is_flowing
    assert watchdog.silent_s(120.0) is None
    assert 20.5 == watchdog.silent_s(120.5)
    assert watchdog.silent_s(1000.0) is None


def test_after_a_reconnect_it_waits_for_data_and_more_patiently_each_time() -> None:
    watchdog = connected()
    watchdog.data(0.0)
    now_s = 0.0
    patience: list[float] = []
    for _ in range(8):
        since_s = now_s
        while (silent_s := watchdog.silent_s(now_s)) is None:
            now_s += 1.0
        assert now_s - since_s == silent_s
        patience.append(silent_s - 1)
        watchdog.connected(now_s)
        assert not watchdog.is_flowing
    assert [20, 40, 80, 160, 320, STALE_MAX_S, STALE_MAX_S, STALE_MAX_S] == patience


def test_data_that_flows_makes_it_as_impatient_as_at_first() -> None:
    watchdog = connected()
    watchdog.data(0.0)
    assert watchdog.silent_s(21.0)
    watchdog.connected(30.0)
    watchdog.data(31.0)
    assert watchdog.silent_s(71.0) is None
    watchdog.data(71.0)
    watchdog.data(71.0)
    for tenths in range(1000):
        watchdog.data(72.0 + tenths / 10)
    assert watchdog.silent_s(191.9) is None
    assert watchdog.silent_s(192.0)


def test_a_market_that_is_quiet_by_nature_is_cut_off_once() -> None:
    watchdog = connected()
    cuts = 0
    for now_s in range(5_000):
        if now_s % 25 == 0:
            watchdog.data(float(now_s))
        if watchdog.silent_s(float(now_s)):
            cuts += 1
            watchdog.connected(float(now_s))
    assert 1 == cuts


def test_however_quiet_a_market_was_it_is_not_waited_for_without_end() -> None:
    watchdog = connected()
    watchdog.data(0.0)
    watchdog.data(500.0)
    assert watchdog.silent_s(500.0 + STALE_MAX_S) is None
    assert watchdog.silent_s(501.0 + STALE_MAX_S)


def test_a_silence_in_which_nothing_may_be_asked_is_our_own() -> None:
    watchdog = connected()
    watchdog.wait_anew(5.0)
    watchdog.data(10.0)
    for now_s in range(10, 900):
        watchdog.wait_anew(float(now_s))
        assert watchdog.silent_s(float(now_s)) is None
    assert watchdog.silent_s(919.0) is None
    assert watchdog.silent_s(919.5)


def test_a_watchdog_that_sleeps_is_not_woken_by_a_wait() -> None:
    watchdog = Watchdog(20.0)
    watchdog.wait_anew(5.0)
    assert watchdog.silent_s(5000.0) is None
