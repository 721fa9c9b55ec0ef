"""When silence is too long."""

from shared.watchdog import STALE_MAX_S, Watchdog


def test_before_any_data_silence_says_nothing() -> None:
    watchdog = Watchdog(20.0)
    watchdog.connected(0.0)
    assert watchdog.silent_s(1e6) is None
    assert not watchdog.is_flowing


def test_silence_after_data_is_told_once() -> None:
    watchdog = Watchdog(20.0)
    watchdog.connected(0.0)
    watchdog.data(100.0)
    assert watchdog.is_flowing
    assert watchdog.silent_s(120.0) is None
    assert 20.5 == watchdog.silent_s(120.5)
    assert watchdog.silent_s(1000.0) is None


def test_after_a_reconnect_it_waits_for_data_and_more_patiently_each_time() -> None:
    watchdog = Watchdog(20.0)
    watchdog.connected(0.0)
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


def test_data_makes_it_as_impatient_as_at_first() -> None:
    watchdog = Watchdog(20.0)
    watchdog.data(0.0)
    assert watchdog.silent_s(21.0)
    watchdog.connected(30.0)
    watchdog.data(31.0)
    assert watchdog.silent_s(51.0) is None
    assert watchdog.silent_s(51.1)
