"""How often a book may be begun anew."""

from shared.feed.resyncs import CALM_S, HISTORY_MAX, WAIT_MAX_S, Resyncs


def test_the_first_resync_is_due_at_once_and_once() -> None:
    resyncs = Resyncs()
    assert resyncs.want("A", 100.0)
    assert not resyncs.want("A", 100.0)
    assert ["A"] == resyncs.due(100.0)
    assert [] == resyncs.due(100.0)


def test_one_after_the_other_waits_twice_as_long_up_to_a_minute() -> None:
    resyncs = Resyncs()
    now_s = 0.0
    waits: list[float] = []
    for _ in range(1100):  # a power of two for each would be beyond every float
        assert resyncs.want("A", now_s)
        since_s = now_s
        while not resyncs.due(now_s):
            now_s += 1.0
        waits.append(now_s - since_s)
    assert [0, 1, 2, 4, 8, 16, 32, 60, 60] == waits[:9]
    assert WAIT_MAX_S == max(waits)


def test_a_symbol_that_was_calm_is_trusted_again() -> None:
    resyncs = Resyncs()
    for now_s in (0.0, 1.0):
        resyncs.want("A", now_s)
        resyncs.due(now_s + 1)
    assert resyncs.want("A", 2.0 + CALM_S + 0.1)
    assert ["A"] == resyncs.due(2.0 + CALM_S + 0.1)


def test_the_symbols_wait_each_for_itself() -> None:
    resyncs = Resyncs()
    resyncs.want("A", 0.0)
    assert ["A"] == resyncs.due(0.0)
    resyncs.want("A", 0.0)
    resyncs.want("B", 0.0)
    assert ["B"] == resyncs.due(0.5)
    assert ["A"] == resyncs.due(1.0)


def test_what_is_settled_or_cleared_is_not_due() -> None:
    resyncs = Resyncs()
    for raw_symbol in ("A", "B", "C"):
        resyncs.want(raw_symbol, 0.0)
    resyncs.settle_resync("A")
    resyncs.settle_resync("never wanted")
    assert ["B", "C"] == resyncs.due(0.0)
    resyncs.want("B", 0.0)
    resyncs.clear()
    assert [] == resyncs.due(1000.0)


def test_symbols_that_are_calm_are_forgotten_once_they_are_many() -> None:
    resyncs = Resyncs()
    resyncs.want("A", 0.0)
    resyncs.due(0.0)
    for number in range(HISTORY_MAX - 1):
        resyncs.want(str(number), 2.0)
    resyncs.due(2.0)
    resyncs.want("B", CALM_S + 1.0)
    assert HISTORY_MAX == len(resyncs._history)  # A alone was calm for so long
    resyncs.want("0", CALM_S + 1.0)
    assert ["B"] == resyncs.due(CALM_S + 1.0)
    assert ["0"] == resyncs.due(CALM_S + 2.0)


def test_it_is_calm_where_no_symbol_is_on_the_list() -> None:
    resyncs = Resyncs()
    assert resyncs.is_calm()
    resyncs.want("A", 0.0)
    assert not resyncs.is_calm()
    resyncs.settle_resync("A")
    assert resyncs.is_calm()
