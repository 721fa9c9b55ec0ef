from typing import Any

import msgspec

from booktape.sample.market import Deal, MarketHistory, Move
from booktape.sample.recording import LIST_TRADES, TICKER_MOVES, SampleEvent, SampleRecording

START = 1_789_992_000_000_000  # 2026-09-21 12:00
SECOND = 1_000_000
LATE = 5000
MOVES = [
    Move(START, 70, [(99.0, 1.0)], [(101.0, 2.0)]),
    Move(START + 2 * SECOND, 71, [(99.0, 3.0)], []),
    Move(START + 4 * SECOND, 72, [(98.0, 4.0)], [(101.0, 0.0), (102.0, 1.0)]),
]
DEALS = [Deal(START + n * SECOND + 123_456, f"t{n}", "buy", 101.0, 0.5) for n in range(6)]
BTC = MarketHistory("BTC-EUR", 1, MOVES, DEALS)


def record(exchange: str = "bitvavo") -> SampleRecording:
    return SampleRecording(exchange, "a", START, latency_us=LATE)


def of(events: list[SampleEvent], table: str) -> list[SampleEvent]:
    return [event for event in events if event.table == table]


def column(events: list[SampleEvent], table: str, name: str) -> list[Any]:
    return [event.columns[name] for event in of(events, table)]


def after(seconds: float) -> int:
    return START + round(seconds * SECOND)


def test_a_session_is_named_by_its_start() -> None:
    assert "20260921T120000.000000Z-bitvavo-a" == record().session


def test_a_followed_book_begins_with_a_snapshot_and_goes_on_with_each_change() -> None:
    recording = record()
    recording.note(START, "session_start")
    recording.follow(BTC, after(1), after(9))
    events = recording.number()
    assert [70, 71, 72] == column(events, "book", "sequence")
    assert [1, 1, 1] == column(events, "book", "epoch")
    assert [True, False, False] == column(events, "book", "is_snapshot")
    assert [[("bid", 99.0, 1.0), ("ask", 101.0, 2.0)], [("bid", 99.0, 3.0)]] == [
        event.levels for event in of(events, "book")[:2]
    ]
    assert [after(1) + LATE, after(2) + LATE, after(4) + LATE] == [
        event.ts_recv for event in of(events, "book")
    ]


def test_a_connection_may_count_sequences_of_its_own() -> None:
    recording = record("btcturk")
    recording.follow(BTC, after(3), after(9), numbers_from=5)
    assert [5, 6] == column(recording.number(), "book", "sequence")


def test_a_checkpoint_goes_on_with_its_epoch() -> None:
    recording = record()
    recording.follow(BTC, after(1), after(9), checkpoints=[after(3)])
    events = recording.number()
    books = of(events, "book")
    assert [70, 71, 71, 72] == column(events, "book", "sequence")
    assert [False, False, True, False] == column(events, "book", "is_checkpoint")
    assert {0} == {event.columns["epoch"] for event in books}
    assert [("bid", 99.0, 3.0), ("ask", 101.0, 2.0)] == books[2].levels


def test_a_polled_book_is_an_epoch_each_time_and_has_no_sequence() -> None:
    recording = record()
    recording.poll(BTC, [after(1), after(3)])
    events = recording.number()
    assert [None, None] == column(events, "book", "sequence")
    assert [0, 1] == column(events, "book", "epoch")


def test_a_ticker_comes_with_every_few_changes() -> None:
    recording = record()
    recording.follow(BTC, after(1), after(9))
    (ticker,) = of(recording.number(), "ticker")
    assert TICKER_MOVES > 2
    assert (99.0, 3.0, 101.0, 2.0, 101.0) == tuple(
        ticker.columns[name]
        for name in ("bid_price", "bid_size", "ask_price", "ask_size", "last_price")
    )


def test_a_list_of_trades_reaches_back_and_comes_when_it_is_asked_for() -> None:
    recording = record()
    recording.hear(BTC, after(3), after(5), since_us=after(1))
    events = recording.number()
    assert LIST_TRADES > 2
    assert ["t1", "t2", "t3", "t4"] == column(events, "trades", "trade_id")
    assert [after(3), after(3), after(3.123456), after(4.123456)] == [
        event.ts_recv - LATE for event in events
    ]
    assert after(1.123) == events[0].columns["ts_event"]


def test_without_a_list_trades_are_heard_from_then_on() -> None:
    recording = record()
    recording.hear(BTC, after(3), after(5))
    assert ["t3", "t4"] == column(recording.number(), "trades", "trade_id")


def test_a_market_is_described_by_its_exchanges_own_name() -> None:
    for exchange, name in (("bitvavo", "BTC-EUR"), ("btcturk", "BTCEUR")):
        recording = record(exchange)
        recording.list_market(START, BTC, status="halted", reason="changed")
        (event,) = recording.number()
        assert ("instruments", name) == (event.table, event.columns["raw_symbol"])
        assert ("halted", "changed", 0.1) == tuple(
            event.columns[name] for name in ("status", "reason", "price_increment")
        )


def test_the_end_counts_the_events_and_nothing_follows_it() -> None:
    recording = record()
    recording.follow(BTC, after(1), after(9))
    recording.end(after(3), "stopped")
    events = recording.number()
    # A snapshot, a change, the ticker with it; the end.
    assert 4 == len(events)
    assert {"reason": "stopped", "events": 4} == msgspec.json.decode(events[-1].columns["detail"])
    assert after(3) == events[-1].ts_recv


def test_a_killed_session_has_nothing_between_its_kill_and_its_end() -> None:
    recording = record()
    recording.follow(BTC, after(1), after(9))
    recording.end_killed(after(3), after(60))
    events = recording.number()
    assert after(60) == events[-1].ts_recv
    assert after(3) > events[-2].ts_recv
    assert {"reason": "killed", "events": 4} == msgspec.json.decode(events[-1].columns["detail"])


def test_a_note_has_the_numbers_on_both_sides_of_a_gap() -> None:
    recording = record()
    recording.note(START, "gap", "BTC-EUR", expected=7, received=9, channel="book")
    (event,) = recording.number()
    assert {
        "kind": "gap",
        "sequence_expected": 7,
        "sequence_received": 9,
        "detail": '{"channel":"book"}',
    } == event.columns
