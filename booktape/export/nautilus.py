"""Writes a day into a catalog of nautilus (NautilusTrader): an instrument, book changes, trades.

https://nautilustrader.io/docs/latest/concepts/data
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model.data import BookOrder, OrderBookDelta, TradeTick
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from booktape.errors import NotExported
from booktape.export.days import Day
from booktape.export.folder import Folder
from booktape.export.increments import Increments, find_increments
from booktape.export.levels import BookMessage, Levels

DELTAS_AT_ONCE: Final = 100_000  # in memory, and in a file
DECIMALS_MAX: Final = 16  # of a price: a nautilus number has no more
NS_OF_US: Final = 1_000
_SIDES: Final = {"bid": OrderSide.BUY, "ask": OrderSide.SELL}
_AGGRESSORS: Final = {"buy": AggressorSide.BUYER, "sell": AggressorSide.SELLER}


def write(day: Day, folder: Folder, *, tick: str | None, lot: str | None) -> dict[str, object]:
    """Write a day; return its facts."""
    day.need_book()
    steps = find_increments(day, tick=tick, lot=lot)
    seen = (measure.decimals for measure in day.seen.values())
    decimals = tuple(map(max, seen, steps.decimals))
    if max(decimals) > DECIMALS_MAX:
        raise NotExported(
            f"{day.market.name} has {max(decimals)} decimals, nautilus {DECIMALS_MAX}"
        )
    instrument = _make_instrument(day, steps, decimals)
    _remove_rest(day, folder, instrument)
    catalog = ParquetDataCatalog(str(folder.path))
    catalog.write_data([instrument])
    deltas = sum(_write(catalog, _make_deltas(day, instrument)))
    trades = sum(_write(catalog, _make_trades(day, instrument)))
    return {
        "file": str(instrument.id),
        "rows": deltas + trades,
        "deltas": deltas,
        "trades": trades,
        "tick_size": steps.tick,
        "tick_from": steps.tick_from,
        "lot_size": steps.lot,
        "lot_from": steps.lot_from,
        "known": [list(span) for span in day.known],
    }


def _make_instrument(day: Day, steps: Increments, decimals: tuple[int, ...]) -> CurrencyPair:
    base, _, quote = day.market.symbol.rpartition("-")
    price, size = decimals
    own = Symbol(day.market.symbol)
    return CurrencyPair(
        instrument_id=InstrumentId(own, Venue(day.market.exchange.upper())),
        raw_symbol=own,
        base_currency=_find_currency(base),
        quote_currency=_find_currency(quote),
        price_precision=price,
        size_precision=size,
        price_increment=Price(Decimal(steps.tick), price),
        size_increment=Quantity(Decimal(steps.lot), size),
        margin_init=Decimal(0),
        margin_maint=Decimal(0),
        maker_fee=Decimal(0),
        taker_fee=Decimal(0),
        ts_event=day.start * NS_OF_US,
        ts_init=day.start * NS_OF_US,
    )


def _find_currency(code: str) -> Currency:
    currency = Currency.from_str(code)  # a currency unknown to nautilus becomes a coin
    Currency.register(currency)
    return currency


def _remove_rest(day: Day, folder: Folder, instrument: CurrencyPair) -> None:
    """Remove the files of this day that an interrupted export left."""
    for kind in ("currency_pair", "order_book_delta", "trade_tick"):
        own = folder.path / "data" / kind / str(instrument.id)
        for path in own.glob(f"{day.date}T*.parquet"):
            path.unlink()


def _write(catalog: ParquetDataCatalog, objects: Iterable[Any]) -> Iterator[int]:
    """Write objects in bounded files; objects of one instant are in one file."""
    held: list[Any] = []
    for each in objects:
        if len(held) >= DELTAS_AT_ONCE and each.ts_init != held[-1].ts_init:
            catalog.write_data(held)
            yield len(held)
            held = []
        held.append(each)
    if held:
        catalog.write_data(held)
        yield len(held)


def _make_deltas(day: Day, instrument: CurrencyPair) -> Iterator[OrderBookDelta]:
    levels = Levels()
    for item in day.read_changes():
        for message in levels.apply(item):
            yield from _make_message(message, instrument)


def _make_message(message: BookMessage, instrument: CurrencyPair) -> Iterator[OrderBookDelta]:
    """Yield the rows of a message; only the last one has the flag of the last."""
    price_decimals, size_decimals = instrument.price_precision, instrument.size_precision
    orders = []
    if message.is_snapshot or message.is_lost:
        nothing = BookOrder(
            OrderSide.NO_ORDER_SIDE, Price(0, price_decimals), Quantity(0, size_decimals), 0
        )
        orders.append((BookAction.CLEAR, nothing))
    for side, price, size, was in () if message.is_lost else message.rows:
        action = BookAction.UPDATE if was else BookAction.ADD
        order = BookOrder(
            _SIDES[side], Price(price, price_decimals), Quantity(size, size_decimals), 0
        )
        orders.append((action if size else BookAction.DELETE, order))
    happened = message.ts if message.ts_event is None else message.ts_event
    for place, (action, order) in enumerate(orders, 1):
        flags = RecordFlag.F_SNAPSHOT if message.is_snapshot else 0
        yield OrderBookDelta(
            instrument.id,
            action,
            order,
            RecordFlag.F_LAST if place == len(orders) else flags,
            max(message.sequence or 0, 0),  # nautilus takes no sequence below 0
            happened * NS_OF_US,
            message.ts * NS_OF_US,
        )


def _make_trades(day: Day, instrument: CurrencyPair) -> Iterator[TradeTick]:
    trades = day.live_trades
    if not trades.num_rows:
        return
    names = ("price", "size", "side", "trade_id", "ts", "ts_recv")
    columns = [trades[name] for name in names[:4]]
    columns += [trades[name].cast("int64") for name in names[4:]]
    for price, size, side, trade_id, ts, ts_recv in zip(
        *(column.to_pylist() for column in columns), strict=True
    ):
        yield TradeTick(
            instrument.id,
            Price(price, instrument.price_precision),
            Quantity(size, instrument.size_precision),
            _AGGRESSORS.get(side, AggressorSide.NO_AGGRESSOR),
            TradeId(trade_id),
            ts * NS_OF_US,
            ts_recv * NS_OF_US,
        )
