import pytest

from booktape.sample.story import FIRST, HALT, LAST, NOON, SECOND
from booktape.sample.tape import write_sample
from tests.support.reference.reader import Reference


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return Reference(folder)


def outages(sample: Reference, exchange: str, symbol: str) -> list[tuple[float, float, str]]:
    """Return each time in which the book is unknown, in whole seconds after noon."""
    return [
        (
            round((interval.start - NOON) / SECOND),
            round((interval.end - NOON) / SECOND),
            interval.cause,
        )
        for interval in sample.coverage(exchange, symbol, NOON, LAST - 2 * SECOND)
        if interval.cause is not None
    ]


def test_a_gap_and_a_cut_socket_leave_holes(sample: Reference) -> None:
    assert [(62, 62, "gap"), (250, 253, "disconnected")] == outages(sample, "bitvavo", "BTC-EUR")
    assert [(250, 253, "disconnected")] == outages(sample, "bitvavo", "USDT-EUR")


def test_a_halted_market_has_no_book(sample: Reference) -> None:
    assert [(180, 210, "stale"), (250, 253, "disconnected")] == (
        outages(sample, "bitvavo", "ETH-EUR")
    )
    statuses = [
        event.columns["status"]
        for session in sample.sessions
        for event in session.events
        if event.table == "instruments" and event.columns["reason"] == "changed"
    ]
    assert ["halted", "trading"] == statuses
    start, end = NOON + HALT.start * SECOND + SECOND, NOON + HALT.stop * SECOND - SECOND
    assert [] == sample.trades("bitvavo", "ETH-EUR", start, end)


def test_a_kill_leaves_a_hole_until_the_next_session(sample: Reference) -> None:
    for symbol in ("BTC-TRY", "ETH-TRY", "USDT-TRY"):
        killed, _ = outages(sample, "btcturk", symbol)
        assert (150, 166, "killed") == killed


def test_a_polled_line_fills_a_lost_socket_but_where_a_poll_failed(sample: Reference) -> None:
    for symbol in ("BTC-TRY", "ETH-TRY", "USDT-TRY"):
        assert (233, 235, "rate_limited") == outages(sample, "btcturk", symbol)[-1]
    book = sample.book_at("btcturk", "BTC-TRY", NOON + 232 * SECOND)
    assert book is not None
    assert ("b", None) == (book.span.line, book.last.event.columns["sequence"])


def test_a_handover_leaves_no_hole(sample: Reference) -> None:
    lines = []
    for seconds in (95, 105, 120):
        book = sample.book_at("bitvavo", "BTC-EUR", NOON + seconds * SECOND)
        assert book is not None
        lines.append(book.span.line)
    assert ["a", "b", "a"] == lines


def test_both_lines_have_the_same_trades(sample: Reference) -> None:
    start, end = NOON + 112 * SECOND, NOON + 125 * SECOND
    trades = sample.trades("bitvavo", "USDT-EUR", start, end)
    assert trades
    ids = {trade.row.columns["trade_id"] for trade in trades}
    holders = [
        event.session
        for session in sample.sessions
        for event in session.events
        if event.table == "trades" and event.columns["trade_id"] in ids
    ]
    assert 2 * len(trades) == len(holders)


def test_the_minute_with_lost_trades_is_not_whole(sample: Reference) -> None:
    minutes = {
        market: [bar.is_whole for bar in sample.bars(*market, NOON, LAST, 60 * SECOND)]
        for market in sample.markets()
    }
    # The last minute began when the sessions were about to end.
    assert [True, True, True, True, False, False] == minutes.pop(("bitvavo", "BTC-EUR"))
    assert {(True, True, True, True, True, False)} == {tuple(one) for one in minutes.values()}


def test_the_first_session_begins_before_the_first_minute(sample: Reference) -> None:
    assert FIRST == min(event.ts_recv for one in sample.sessions for event in one.events)
