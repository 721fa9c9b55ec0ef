"""Holds the library's trades, bars and spreads against the reference."""

from collections.abc import Sequence
from typing import Any

from tests.support.agreement.pair import Pair, compare_rows, delta, name_of, rows_of
from tests.support.reference.books import grid
from tests.support.reference.reader import Market
from tests.support.reference.trades import Trade


def compare_trades(pair: Pair, market: Market, start: int, end: int) -> list[str]:
    """Compare `trades` (R11)."""
    wanted = [_flatten(trade) for trade in pair.reference.trades(*market, start, end)]
    found = rows_of(pair.tape.trades(name_of(market), start, end))
    return compare_rows(f"trades {name_of(market)}", wanted, found)


def compare_quotes(pair: Pair, market: Market, start: int, end: int) -> list[str]:
    """Compare the best prices just before each trade (R13)."""
    trades = pair.reference.trades(*market, start, end)
    quotes = pair.reference.quotes(*market, trades)
    sides = ("bid_price", "bid_size", "ask_price", "ask_size")
    wanted = [
        {**_flatten(trade), **{name: getattr(quote, name) for name in sides}}
        for trade, quote in zip(trades, quotes, strict=True)
    ]
    found = rows_of(pair.tape.trades(name_of(market), start, end, quote=True))
    return compare_rows(f"quotes {name_of(market)}", wanted, found)


def compare_bars(pair: Pair, market: Market, start: int, end: int, every: int) -> list[str]:
    """Compare `bars` (R11, R14)."""
    columns = "ts open high low close volume buy_volume quote_volume count ts_known is_whole"
    bars = pair.reference.bars(*market, start, end, every)
    wanted = [{name: getattr(bar, name) for name in columns.split()} for bar in bars]
    found = rows_of(pair.tape.bars(name_of(market), start, end, every=delta(every)))
    return compare_rows(f"bars {name_of(market)} every {every} µs", wanted, found)


def compare_spread(
    pair: Pair, markets: Sequence[Market], start: int, end: int, *, every: int, depth: int
) -> list[str]:
    """Compare `spread` of A, B and, where the quotes differ, two currencies (R12)."""
    fees = {"bitvavo": 0.0025, "btcturk": 0.001}
    first, second, *via = [name_of(market) for market in markets]
    found = pair.tape.spread(
        first,
        second,
        start,
        end,
        via=tuple(via) or None,
        fees=fees,
        every=delta(every),
        depth=depth,
    )
    rows = pair.reference.spread(markets, start, end, fees=fees, every=every, depth=depth)
    wanted = []
    for ts, row in zip(grid(start, end, every), rows, strict=True):
        line: dict[str, Any] = {"ts": ts}
        for name in ("fx_mid", "fx_sell_b", "fx_buy_b", "mid_spread_bps"):
            line[name] = row and getattr(row, name)
        for way in ("a_to_b", "b_to_a"):
            for name in ("edge_bps", "size", "profit"):
                line[f"{way}_{name}"] = row and getattr(getattr(row, way), name)
        wanted.append(line)
    return compare_rows(f"spread {first} {second}", wanted, rows_of(found))


def _flatten(trade: Trade) -> dict[str, Any]:
    """Return a row with the columns of `trades`."""
    columns = trade.row.columns
    return {
        "ts": trade.ts,
        "ts_event": columns["ts_event"],
        "ts_recv": trade.row.ts_recv,
        **{name: columns[name] for name in ("trade_id", "side", "price", "size")},
        "session": trade.row.session,
        "event_number": trade.row.number,
    }
