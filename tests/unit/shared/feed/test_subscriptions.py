"""What was asked for, what stands, what was refused."""

from typing import Literal

import pytest

from shared.errors import ConnectionLost
from shared.feed.subscriptions import ANSWER_S, REFUSED_RETRY_S, RENEWAL_S, Subscriptions
from tests.support.toys import make_exchange
from tests.unit.shared.feed.test_alone import ONE_BY_ONE

LATE_S = ANSWER_S + 0.1


def by_word(*channels: str) -> Subscriptions:
    """Of an exchange whose acknowledgement is enough."""
    return _make("acknowledgement", *channels)


def by_data(*channels: str) -> Subscriptions:
    """Of an exchange of which only data proves anything."""
    return _make("data", *channels)


def _make(ready: Literal["acknowledgement", "data"], *channels: str) -> Subscriptions:
    return Subscriptions(make_exchange(ready=ready), channels or ("book",))


def ask(subscriptions: Subscriptions, *raw_symbols: str, now_s: float = 0.0) -> list[str]:
    subscriptions.ask(raw_symbols)
    return subscriptions.messages(now_s)


def test_what_was_refused_of_a_symbol_is_asked_for_now_once_it_is_woken() -> None:
    subscriptions = by_word()
    ask(subscriptions, "A", "B")
    subscriptions.refuse("A", 1.0)
    assert ["join book B"] == subscriptions.messages(1.0)
    subscriptions.acknowledge("book", ["B"])
    assert not subscriptions.wake("B", 2.0)
    subscriptions.overdue(2.0)
    assert not subscriptions.has_more
    assert subscriptions.wake("A", 2.0)
    subscriptions.overdue(2.0)
    assert ["join book A"] == subscriptions.messages(2.0)


# --- the exchange's word ---


def test_one_list_is_asked_for_at_a_time() -> None:
    subscriptions = by_word("book", "trades")
    assert ["join book,trades A,B"] == ask(subscriptions, "A", "B")
    subscriptions.ask(["C"])
    more = [subscriptions.has_more]
    assert subscriptions.is_asking
    for channel in ("book", "trades"):
        assert ["A", "B"] == subscriptions.acknowledge(channel, ["B", "A"])
        more.append(subscriptions.has_more)
    assert [False, False, True] == more
    assert ["join book,trades C"] == subscriptions.messages(1.0)


def test_nothing_is_asked_for_by_an_empty_list() -> None:
    subscriptions = by_word()
    subscriptions.ask([])
    assert not subscriptions.is_asking
    assert subscriptions.is_settled()


def test_a_subscription_stands_once_it_is_acknowledged() -> None:
    subscriptions = by_word("book", "trades")
    ask(subscriptions, "A")
    assert not subscriptions.is_ready("book", "A")
    subscriptions.acknowledge("book", ["A"])
    assert subscriptions.is_ready("book", "A")
    assert not subscriptions.stands("A")
    assert not subscriptions.is_settled()
    subscriptions.acknowledge("trades", ["A"])
    assert subscriptions.stands("A")
    assert subscriptions.is_settled()


def test_only_what_was_asked_for_and_not_yet_acknowledged_is_made_ready() -> None:
    subscriptions = by_word("book", "trades")
    ask(subscriptions, "A")
    assert [] == subscriptions.acknowledge("candles", ["A"])
    assert ["A"] == subscriptions.acknowledge("book", ["A", "left already"])
    assert [] == subscriptions.acknowledge("book", ["A"])
    assert not subscriptions.is_ready("book", "left already")


def test_data_before_the_word_proves_nothing() -> None:
    subscriptions = by_word("trades")
    ask(subscriptions, "A")
    assert not subscriptions.note_data("trades", "A")
    assert not subscriptions.is_ready("trades", "A")
    assert ["A"] == subscriptions.acknowledge("trades", ["A"])
    assert not subscriptions.note_data("trades", "A")


def test_a_refused_symbol_is_dropped_and_the_rest_asked_for_again() -> None:
    subscriptions = by_word()
    ask(subscriptions, "A", "B", "C")
    assert ["B"] == subscriptions.refuse("B", 5.0)
    assert {"B"} == subscriptions.refused_symbols()
    assert ["join book A,C"] == subscriptions.messages(5.0)


def test_a_refusal_that_names_nobody_is_narrowed_down_by_halves() -> None:
    subscriptions = by_word()
    ask(subscriptions, "A", "B", "C")
    assert [] == subscriptions.refuse(None, 0.0)
    assert ["join book A"] == subscriptions.messages(0.0)
    subscriptions.acknowledge("book", ["A"])
    assert ["join book B,C"] == subscriptions.messages(0.0)
    assert [] == subscriptions.refuse("somebody else", 0.0)
    assert ["join book B"] == subscriptions.messages(0.0)
    assert ["B"] == subscriptions.refuse(None, 0.0)
    assert ["join book C"] == subscriptions.messages(0.0)


def test_a_refusal_of_nothing_means_nobody() -> None:
    assert [] == by_word().refuse("A", 0.0)


def test_a_refused_symbol_is_asked_for_again_after_a_minute_and_then_less_and_less_often() -> None:
    """A market that is listed anew has its first minutes recorded; a wrong name costs little."""
    subscriptions = by_word("book", "trades")
    ask(subscriptions, "A")
    now_s = 5.0
    for wait_s in (60.0, 120.0, 240.0, 480.0, REFUSED_RETRY_S, REFUSED_RETRY_S):
        subscriptions.refuse("A", now_s)
        assert ([], []) == subscriptions.overdue(now_s + wait_s - 0.1)
        assert not subscriptions.has_more
        now_s += wait_s
        assert ([], []) == subscriptions.overdue(now_s)
        assert ["join book,trades A"] == subscriptions.messages(now_s)
        assert set() == subscriptions.refused_symbols()
    subscriptions.clear()
    ask(subscriptions, "A")
    subscriptions.refuse("A", now_s)
    subscriptions.overdue(now_s + 60.0)
    assert subscriptions.has_more


def test_a_list_without_an_answer_is_asked_for_once_more_and_then_the_connection_given_up() -> None:
    subscriptions = by_word()
    ask(subscriptions, "A")
    assert ([], []) == subscriptions.overdue(ANSWER_S)
    assert not subscriptions.has_more
    subscriptions.overdue(LATE_S)
    assert ["join book A"] == subscriptions.messages(LATE_S)
    with pytest.raises(ConnectionLost, match="no answer to a subscription in 10 s, twice"):
        subscriptions.overdue(2 * LATE_S)


def test_what_an_acknowledgement_passes_over_is_found_by_halves_and_refused() -> None:
    subscriptions = by_word("book", "trades")
    wanted = ["A", "B", "bad", "C", "D"]
    subscriptions.ask(wanted)
    now_s, refused = 0.0, []
    for _ in range(20):
        if subscriptions.has_more:
            for message in subscriptions.messages(now_s):
                asked = message.rpartition(" ")[2].split(",")
                for channel in ("book", "trades"):
                    subscriptions.acknowledge(channel, [raw for raw in asked if raw != "bad"])
        now_s += LATE_S
        refused += subscriptions.overdue(now_s)[1]
        if subscriptions.is_settled():
            break
    assert [("book", "bad"), ("trades", "bad")] == refused
    assert all(subscriptions.stands(raw) for raw in wanted if raw != "bad")
    assert {"bad"} == subscriptions.refused_symbols()
    assert now_s < REFUSED_RETRY_S / 10


def test_of_two_that_never_answer_each_is_found() -> None:
    subscriptions = by_word()
    ask(subscriptions, "A", "bad", "worse")
    subscriptions.acknowledge("book", ["A"])
    now_s, refused = 0.0, []
    while not subscriptions.is_settled():
        now_s += LATE_S
        refused += subscriptions.overdue(now_s)[1]
        if subscriptions.has_more:
            subscriptions.messages(now_s)
    assert [("book", "bad"), ("book", "worse")] == refused


def test_a_channel_that_is_passed_over_leaves_the_others_of_its_symbol_alone() -> None:
    subscriptions = by_word("book", "ticker")
    ask(subscriptions, "A")
    subscriptions.acknowledge("book", ["A"])
    subscriptions.overdue(LATE_S)
    subscriptions.messages(LATE_S)
    assert [("ticker", "A")] == subscriptions.overdue(2 * LATE_S)[1]
    assert [("ticker", "A")] == list(subscriptions.refused)
    assert subscriptions.is_ready("book", "A")


def test_what_the_exchange_would_not_look_at_is_asked_for_later_and_first() -> None:
    subscriptions = by_word()
    ask(subscriptions, "A")
    subscriptions.ask(["B"])
    subscriptions.postpone()
    subscriptions.postpone()
    assert ["join book A"] == subscriptions.messages(900.0)


def test_a_dropped_symbol_is_left_where_it_stands() -> None:
    subscriptions = by_word("book", "trades")
    ask(subscriptions, "A", "B")
    subscriptions.acknowledge("book", ["A", "B"])
    assert ["leave book A"] == subscriptions.drop("A")
    assert [] == subscriptions.drop("A")
    assert not subscriptions.is_ready("book", "A")
    assert subscriptions.is_ready("book", "B")


def test_a_book_that_comes_with_its_subscription_is_renewed_by_leaving_and_joining() -> None:
    subscriptions = by_word("book", "trades")
    ask(subscriptions, "A")
    subscriptions.acknowledge("book", ["A"])
    assert ["leave book A", "join book A"] == subscriptions.renew("book", "A", 3.0)
    assert subscriptions.is_asked("book", "A")
    assert not subscriptions.is_ready("book", "A")
    assert subscriptions.note_data("book", "A")
    assert subscriptions.is_ready("book", "A")


def test_a_lost_connection_leaves_nothing_standing() -> None:
    subscriptions = by_word()
    ask(subscriptions, "A", "B")
    subscriptions.refuse("A", 0.0)
    subscriptions.messages(0.0)
    subscriptions.acknowledge("book", ["B"])
    ask(subscriptions, "C")
    subscriptions.ask(["D"])
    subscriptions.clear()
    assert subscriptions.is_settled()
    assert not subscriptions.is_ready("book", "B")
    assert set() == subscriptions.refused_symbols()


# --- data alone ---


def test_everything_is_asked_for_at_once_and_stands_with_its_first_data() -> None:
    subscriptions = by_data("book", "trades")
    assert ["join book,trades A"] == ask(subscriptions, "A")
    assert ["join book,trades B"] == ask(subscriptions, "B")
    assert [] == subscriptions.acknowledge("book", ["A"])
    assert subscriptions.is_asked("book", "A")
    assert subscriptions.note_data("book", "A")
    assert not subscriptions.note_data("book", "A")
    assert subscriptions.is_ready("book", "A")
    assert not subscriptions.is_asked("book", "A")
    assert not subscriptions.is_settled()


def test_what_is_silent_is_left_joined_once_more_and_then_refused() -> None:
    subscriptions = by_data()
    ask(subscriptions, "A")
    assert (["leave book A", "join book A"], []) == subscriptions.overdue(LATE_S)
    assert ([], []) == subscriptions.overdue(LATE_S + 1)
    assert ([], [("book", "A")]) == subscriptions.overdue(2 * LATE_S + 1)
    assert {"A"} == subscriptions.refused_symbols()
    assert subscriptions.is_settled()


def test_a_refused_one_is_joined_again_after_a_while_once() -> None:
    subscriptions = by_data()
    ask(subscriptions, "A")
    subscriptions.overdue(LATE_S)
    subscriptions.overdue(2 * LATE_S)
    due_s = 2 * LATE_S + REFUSED_RETRY_S
    assert (["leave book A", "join book A"], []) == subscriptions.overdue(due_s)
    assert ([], [("book", "A")]) == subscriptions.overdue(due_s + LATE_S)


def test_data_ends_a_refusal() -> None:
    subscriptions = by_data()
    ask(subscriptions, "A")
    subscriptions.overdue(LATE_S)
    subscriptions.overdue(2 * LATE_S)
    assert subscriptions.note_data("book", "A")
    assert set() == subscriptions.refused_symbols()


def test_messages_for_all_symbols_of_a_channel_are_sent_once() -> None:
    exchange = make_exchange(
        ready="data", subscribe=lambda *_: ["join all"], unsubscribe=lambda *_: []
    )
    subscriptions = Subscriptions(exchange, ["ticker"])
    ask(subscriptions, "A", "B", "C")
    assert (["join all"], []) == subscriptions.overdue(LATE_S)


def test_where_renewing_brings_nothing_only_a_new_connection_helps() -> None:
    subscriptions = by_data()
    ask(subscriptions, "A")
    subscriptions.note_data("book", "A")
    subscriptions.renew("book", "A", 0.0)
    assert [] == subscriptions.renew("book", "A", 1.0)
    subscriptions.overdue(RENEWAL_S)
    with pytest.raises(ConnectionLost, match="no snapshot of A"):
        subscriptions.overdue(RENEWAL_S + 0.1)


def test_once_a_new_connection_brought_what_leaving_and_joining_did_not_it_is_the_way() -> None:
    subscriptions = by_data()

    def renew(*, is_late: bool) -> None:
        """Renew in vain; what was asked for comes late, or on the next connection alone."""
        ask(subscriptions, "A")
        subscriptions.note_data("book", "A")
        subscriptions.renew("book", "A", 0.0)
        subscriptions._renewed.clear()
        with pytest.raises(ConnectionLost):
            subscriptions.overdue(LATE_S)
        if is_late:
            subscriptions.note_data("book", "A")
        subscriptions.clear()
        ask(subscriptions, "A")
        subscriptions.note_data("book", "A")

    renew(is_late=True)
    assert ["leave book A", "join book A"] == subscriptions.renew("book", "A", 0.0)
    subscriptions.clear()
    renew(is_late=False)
    with pytest.raises(ConnectionLost, match="only a new connection"):
        subscriptions.renew("book", "A", 0.0)


def test_a_symbol_costs_all_others_their_connection_once_in_a_while() -> None:
    subscriptions = by_data()

    def renew(now_s: float) -> list[tuple[str, str]]:
        ask(subscriptions, "A", now_s=now_s)
        subscriptions.note_data("book", "A")
        subscriptions.renew("book", "A", now_s)
        return subscriptions.overdue(now_s + LATE_S)[1]

    with pytest.raises(ConnectionLost):
        renew(0.0)
    for _ in range(2):  # on the next connection nothing of it came either
        subscriptions.clear()
    assert [("book", "A")] == renew(100.0)
    assert {"A"} == subscriptions.refused_symbols()
    subscriptions.clear()
    with pytest.raises(ConnectionLost):
        renew(REFUSED_RETRY_S + LATE_S)


def test_a_refusal_says_nothing_where_only_data_counts() -> None:
    subscriptions = by_data()
    ask(subscriptions, "A")
    assert [] == subscriptions.refuse("A", 0.0)
    assert subscriptions.is_asked("book", "A")


def test_a_dropped_symbol_is_left_whether_or_not_it_ever_said_anything() -> None:
    subscriptions = by_data("book", "trades")
    ask(subscriptions, "A")
    subscriptions.note_data("book", "A")
    assert ["leave book,trades A"] == subscriptions.drop("A")
    assert subscriptions.is_settled()
    assert not subscriptions.is_ready("book", "A")


def test_of_a_channel_that_comes_whole_what_is_missing_is_asked_for_alone() -> None:
    exchange = make_exchange(ready="data", whole_channels=("ticker",), alone=ONE_BY_ONE)
    subscriptions = Subscriptions(exchange, ["ticker"])
    assert ["join ticker A,B"] == ask(subscriptions, "A", "B")
    assert subscriptions.note_data("ticker", "B", is_whole=True)
    assert (["join ticker A"], []) == subscriptions.overdue(LATE_S)
    assert subscriptions.note_data("ticker", "A")
    assert ([], []) == subscriptions.overdue(2 * LATE_S + 1)
    assert set() == subscriptions.refused_symbols()
    assert not subscriptions.note_data("ticker", "A", is_whole=True)
    assert (["leave ticker A"], []) == subscriptions.overdue(3 * LATE_S)


def test_one_that_is_asked_for_alone_is_left_when_it_is_dropped() -> None:
    exchange = make_exchange(ready="data", whole_channels=("ticker",), alone=ONE_BY_ONE)
    subscriptions = Subscriptions(exchange, ["ticker"])
    ask(subscriptions, "A")
    subscriptions.overdue(LATE_S)
    assert ["leave ticker A", "leave ticker A"] == subscriptions.drop("A")
