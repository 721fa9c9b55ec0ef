"""The story of the sample's sessions has a gap, a kill, a handover, a halt, a polled line."""

from collections.abc import Mapping
from typing import Final

from booktape.sample.market import MarketHistory
from booktape.sample.recording import SampleRecording

SECOND: Final = 1_000_000  # µs
NOON: Final = 1_789_992_000 * SECOND  # 2026-09-21 12:00 UTC
FIRST, LAST = NOON - 2 * SECOND, NOON + 302 * SECOND
HALT: Final = range(180, 210)  # seconds after noon; ETH-EUR is halted
BITVAVO, BTCTURK = "bitvavo", "btcturk"

_LATENCY_US: Final = {BITVAVO: 9_000, BTCTURK: 41_000}
_CONNECT_US: Final = 500_000  # from the start of a session to the first books
_RESYNC_US: Final = 400_000  # from a gap to the requested snapshot
_POLL_US: Final = 1 * SECOND

Histories = Mapping[tuple[str, str], MarketHistory]


def tell_story(histories: Histories) -> list[SampleRecording]:
    """Return all sessions of the sample."""
    return [*_tell_bitvavo(histories), *_tell_btcturk(histories)]


def _tell_bitvavo(histories: Histories) -> list[SampleRecording]:
    """Return sessions with a gap, a handover from line a to b and back, a halt, a cut socket."""
    btc, eth, usdt = markets = _markets_of(histories, BITVAVO)
    before = _start(BITVAVO, "a", FIRST, markets)
    live = FIRST + _CONNECT_US
    resumed = _tell_gap(before, btc, live, _after(60))
    before.follow(btc, resumed, _after(100))
    for history in (eth, usdt):
        before.follow(history, live, _after(100))
    for history in markets:
        before.hear(history, live, _after(100))
    before.end(_after(100), "stopped")

    beside = _start(BITVAVO, "b", _after(90), markets)
    for history in markets:
        beside.follow(history, _after(90) + _CONNECT_US, _after(130))
        beside.hear(history, _after(90) + _CONNECT_US, _after(130))
    beside.end(_after(130), "stopped")

    after = _start(BITVAVO, "a", _after(110), markets, session_before=before.session)
    live = _after(110) + _CONNECT_US
    for history in (btc, usdt):
        after.follow(history, live, _after(250), checkpoints=[_after(150)])
    _tell_halt(after, eth, live, _after(250))
    for history in markets:
        after.hear(history, live, _after(250))
    _tell_cut(after, markets, _after(250), _after(253))
    after.end(LAST - SECOND, "stopped")
    return [before, beside, after]


def _tell_btcturk(histories: Histories) -> list[SampleRecording]:
    """Return sessions with a kill, a lost socket, and a line that polls meanwhile."""
    markets = _markets_of(histories, BTCTURK)
    before = _start(BTCTURK, "a", FIRST, markets)
    for history in markets:
        live = FIRST + _CONNECT_US
        before.follow(history, live, LAST, numbers_from=100, checkpoints=[_after(90)])
        before.hear(history, live, LAST, since_us=FIRST)
    before.end_killed(_after(150), _after(165))

    after = _start(BTCTURK, "a", _after(165), markets, session_before=before.session)
    for history in markets:
        live = _after(165) + _CONNECT_US
        after.follow(history, live, _after(230), numbers_from=100)
        after.hear(history, live, _after(230), since_us=FIRST)
        after.follow(history, _after(236), LAST, numbers_from=100)
        after.hear(history, _after(236), LAST, since_us=_after(230))
    _tell_disconnect(after, markets, _after(230), _after(236))
    after.end(LAST - SECOND, "stopped")

    polled = _start(BTCTURK, "b", _after(220), (), transport="rest")
    answered = [
        *range(_after(221), _after(233), _POLL_US),
        *range(_after(235), _after(245), _POLL_US),
    ]
    for history in markets:
        polled.poll(history, answered)
    polled.note(_after(233), "rate_limited", wait_s=2)
    polled.end(_after(245), "stopped")
    return [before, after, polled]


def _start(
    exchange: str,
    line: str,
    start_us: int,
    markets: tuple[MarketHistory, ...],
    *,
    session_before: str | None = None,
    transport: str = "websocket",
) -> SampleRecording:
    """Return a session that begins; a line lists the markets once a day, in its first session."""
    recording = SampleRecording(exchange, line, start_us, latency_us=_LATENCY_US[exchange])
    recording.note(start_us, "session_start", session_before=session_before, transport=transport)
    if markets:
        recording.note(start_us + _CONNECT_US // 2, "connected", connection=0)
    for history in markets:
        recording.note(start_us + _CONNECT_US, "subscribed", history.symbol, connection=0)
        if session_before is None:
            recording.list_market(start_us, history)
    return recording


def _tell_gap(
    recording: SampleRecording, history: MarketHistory, begin_us: int, gap_us: int
) -> int:
    """Lose one change, which the next one reveals; return the time when the book is known again."""
    lost, revealing = [move for move in history.moves if move.ts > gap_us][:2]
    recording.follow(history, begin_us, lost.ts - 1)
    ts = revealing.ts + _LATENCY_US[recording.exchange]
    recording.note(
        ts,
        "gap",
        history.symbol,
        expected=lost.sequence,
        received=revealing.sequence,
        channel="book",
    )
    recording.note(ts, "resync", history.symbol)
    return revealing.ts + _RESYNC_US


def _tell_halt(
    recording: SampleRecording, history: MarketHistory, begin_us: int, end_us: int
) -> None:
    """Halt a market: its book ends, and begins anew when the market trades again."""
    recording.follow(history, begin_us, _after(HALT.start))
    statuses = ["trading", "halted", "trading"]
    for ts, before, status in zip(
        (_after(HALT.start), _after(HALT.stop)), statuses, statuses[1:], strict=False
    ):
        recording.note(
            ts + SECOND // 10, "status", history.symbol, status=status, before=before, raw=status
        )
        recording.list_market(ts + SECOND // 10, history, status=status, reason="changed")
    recording.note(_after(HALT.start) + SECOND // 10, "stale", history.symbol, reason="halted")
    recording.follow(history, _after(HALT.stop) + SECOND // 5, end_us)


def _tell_cut(
    recording: SampleRecording, markets: tuple[MarketHistory, ...], cut_us: int, back_us: int
) -> None:
    """Cut the socket: lists bring the missed trades, except those of the first market."""
    _tell_disconnect(recording, markets, cut_us, back_us)
    for place, history in enumerate(markets):
        recording.follow(history, back_us, LAST)
        recording.hear(history, back_us, LAST, since_us=back_us if place == 0 else cut_us)
    torn = markets[0]
    last = [deal.trade_id for deal in torn.deals if deal.ts <= cut_us][-1]
    first = next(deal.trade_id for deal in torn.deals if deal.ts > back_us)
    recording.note(
        back_us, "gap", torn.symbol, channel="trades", last=last, first=first, reason="no answer"
    )


def _tell_disconnect(
    recording: SampleRecording, markets: tuple[MarketHistory, ...], cut_us: int, back_us: int
) -> None:
    symbols = [history.symbol for history in markets]
    late = _LATENCY_US[recording.exchange]
    recording.note(cut_us + late, "disconnected", connection=0, symbols=symbols)
    recording.note(back_us - _CONNECT_US, "connected", connection=0)


def _markets_of(histories: Histories, exchange: str) -> tuple[MarketHistory, ...]:
    return tuple(history for (name, _), history in histories.items() if name == exchange)


def _after(seconds: int) -> int:
    """Return a time in seconds after noon."""
    return NOON + seconds * SECOND
