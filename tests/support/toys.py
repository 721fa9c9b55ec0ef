"""Makes a toy exchange, for tests of code that is the same for all."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from shared.event import Delta, MarketStatus, Snapshot, Trade, TradeList
from shared.exchange import Call, Cost, Exchange, Limit, ListedMarket, Rest
from shared.feed.rows import FeedRows
from tests.support.levels import levels

SECOND = 1_000_000_000


def make_exchange(**changes: Any) -> Exchange:
    """Return an exchange that takes questions for snapshots and acknowledges subscriptions."""
    exchange = Exchange(
        name="toy",
        symbols=("BTC-EUR", "ETH-EUR"),
        websocket_url="ws://127.0.0.1/",
        rest_url="http://127.0.0.1/",
        symbols_per_socket=10,
        raw_symbol=lambda symbol: symbol.replace("-", ""),
        parse=lambda _: [],
        subscribe=lambda channels, raws: _ask("join", channels, raws),
        unsubscribe=lambda channels, raws: _ask("leave", channels, raws),
        ready="acknowledgement",
        snapshot_by="message",
        request_snapshot=lambda raw_symbol: f"book {raw_symbol}",
        snapshot_cost=Cost("points"),
        snapshot_interval_s=0.2,
        limits={"points": Limit(points=100, interval_s=60)},
        rest=make_rest(),
    )
    return replace(exchange, **changes)


def make_rest(**changes: Any) -> Rest:
    def refuse(*_: object) -> Any:
        raise AssertionError("nobody answers")

    call = Call(path=lambda *_: "/")
    rest = Rest(
        markets=call, parse_markets=refuse, book=call, parse_book=refuse, ban_s=lambda *_: None
    )
    return replace(rest, **changes)


def _ask(verb: str, channels: Sequence[str], raw_symbols: Sequence[str]) -> list[str]:
    return [f"{verb} {','.join(channels)} {','.join(raw_symbols)}"]


def market(symbol: str, *, is_trading: bool = True) -> ListedMarket:
    """Return a row of a list of markets."""
    status: MarketStatus = "trading" if is_trading else "halted"
    return ListedMarket(symbol=symbol, raw_symbol=symbol.replace("-", ""), status=status)


def book(raw_symbol: str, sequence: int | None, *, bid: str = "99", ask: str = "101") -> Snapshot:
    return Snapshot(raw_symbol, *levels([(bid, "1")], [(ask, "1")]), sequence)


def delta(raw_symbol: str, sequence: int, *, bid: str = "98") -> Delta:
    return Delta(raw_symbol, *levels([(bid, "1")], []), sequence)


def trade(number: int, raw_symbol: str = "BTCEUR") -> Trade:
    return Trade(raw_symbol, f"t{number}", "buy", 100.0, 1.0)


def trades(*numbers: int, is_cut: bool = True) -> TradeList:
    return TradeList("BTCEUR", [trade(number) for number in numbers], is_cut)


class Tape(FeedRows):
    """Keeps what is recorded."""

    def events(self, *kinds: Any) -> list[Any]:
        """Return what was recorded of these types, or everything."""
        return [event for _, _, event in self if isinstance(event, kinds or (object,))]
