"""Makes scans of tops, best levels: of one market, of several side by side, of two as a spread."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from booktape.answers.align import align
from booktape.answers.reading import Range, Reading
from booktape.answers.spread import SCHEMA as SPREAD
from booktape.answers.spread import Fees, spread
from booktape.books.market import Market
from booktape.books.stitch import stitch
from booktape.replay.rows import Layout
from booktape.replay.top import top, top_at
from booktape.scan import Recipe, Scan
from booktape.times import parse_moment

_TABLES: Final = ("book", "feed_events")
_LEVEL: Final = re.compile(r"(?:bid|ask)_(?:price|size)_(\d{2,})")
_OWN: Final = ("session", "event_number", "age_us")
_INT64: Final = pa.int64()


def scan_top(
    reading: Reading,
    market: Market,
    span: Range,
    *,
    depth: int,
    every: int | None,
    add: Sequence[str],
) -> Scan:
    """Return the best levels on a grid, or at each change."""
    layout = Layout(parse_depth(depth), parse_names("add", add))

    def read(_columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return _read_top(market, layout, span, every)

    entries = partial(reading.find_entries, [market.exchange], span, _TABLES)
    return Scan(Recipe(f"the top of {market.name}", layout.schema, entries, read))


def scan_top_at(
    reading: Reading, market: Market, at: object, *, depth: int, add: Sequence[str]
) -> Scan:
    """Return the best levels at moments, in the order of `at`."""
    layout = Layout(parse_depth(depth), parse_names("add", add))
    moments = parse_moments(at)
    order = pc.sort_indices(moments)
    ordered = moments.take(order)
    span = (ordered[0].as_py(), ordered[-1].as_py() + 1) if len(moments) else (0, 0)

    def read(_columns: Sequence[str]) -> Iterator[pa.RecordBatch | pa.Table]:
        if not len(moments):
            return
        tops = top_at(stitch(market, *span), layout, ordered)
        if ordered.equals(moments):
            yield from tops
        else:
            yield pa.Table.from_batches(tops, layout.schema).take(pc.sort_indices(order))

    entries = partial(reading.find_entries, [market.exchange], span, _TABLES)
    return Scan(Recipe(f"the top of {market.name}", layout.schema, entries, read))


def scan_aligned(
    reading: Reading,
    markets: Mapping[str, Market],
    span: Range,
    *,
    every: int | None,
    columns: Sequence[str],
) -> Scan:
    """Return columns of several markets' tops side by side."""
    if not markets or not columns:
        raise ValueError("align takes at least one market and one column")
    columns = parse_names("columns", columns)
    layout = _make_layout(columns)
    fields = [
        layout.schema.field(column).with_name(f"{name}_{column}")
        for name in markets
        for column in columns
    ]
    schema = pa.schema([layout.schema.field("ts"), *fields])

    def read(_columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        tops = {name: _read_top(market, layout, span, every) for name, market in markets.items()}
        yield from align(tops, dict.fromkeys(markets, columns))

    entries = partial(_find_entries, reading, list(markets.values()), span)
    names = ", ".join(market.name for market in markets.values())
    return Scan(Recipe(f"{names}, aligned", schema, entries, read))


def scan_spread(
    reading: Reading,
    markets: Mapping[str, Market],
    span: Range,
    *,
    fees: Fees,
    every: int | None,
    depth: int,
) -> Scan:
    """Return the earnings of buying on one market and selling on the other."""
    depth = parse_depth(depth)
    layouts = {name: Layout(depth if name in {"a", "b"} else 1) for name in markets}

    def read(_columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        tops = {
            name: _read_top(market, layouts[name], span, every) for name, market in markets.items()
        }
        yield from spread(tops, fees, depth=depth)

    entries = partial(_find_entries, reading, list(markets.values()), span)
    names = " and ".join(markets[name].name for name in ("a", "b"))
    return Scan(Recipe(f"the spread of {names}", SPREAD, entries, read))


def choose_fees(markets: Mapping[str, Market], fees: Mapping[str, float]) -> Fees:
    """Return a taker's fee on each market; raise ValueError if an exchange's fee is missing."""
    for market in markets.values():
        if market.exchange not in fees:
            raise ValueError(f"fees={dict(fees)!r} has no fee of {market.exchange}")
        share: object = fees[market.exchange]
        if not isinstance(share, int | float) or not 0 <= share < 1:
            raise ValueError(f"fees={dict(fees)!r}: give shares, 0.0025 for 0.25 %")
    return Fees(**{name: fees[market.exchange] for name, market in markets.items()})


def parse_depth(depth: object) -> int:
    """Return the number of levels; raise ValueError if it is not a whole number from 1."""
    if not isinstance(depth, int) or depth < 1:
        raise ValueError(f"depth={depth!r}: give a whole number, at least 1")
    return depth


def parse_names(argument: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return names of columns; raise ValueError for one text, whose letters would be names."""
    if isinstance(names, str):
        message = f"{argument}={names!r}: give a list, {argument}=[{names!r}]"
        raise ValueError(message)  # noqa: TRY004 (as of any other argument)
    return tuple(names)


def parse_via(via: object) -> dict[str, str]:
    """Return the two markets of the currency that connects both quotes, if given."""
    if via is None:
        return {}
    if not isinstance(via, tuple | list) or len(via) != 2:  # noqa: PLR2004 (one on each exchange)
        raise ValueError(f'via={via!r}: give two markets, ("bitvavo:USDT-EUR", "btcturk:USDT-TRY")')
    return dict(zip(("fx_a", "fx_b"), via, strict=True))


def check_quotes(markets: Mapping[str, Market]) -> None:
    """Raise ValueError unless both quotes are the same, or `via` connects them."""
    quote_a, quote_b = (_split(markets[name])[1] for name in ("a", "b"))
    if quote_a == quote_b:
        if "fx_a" in markets:
            raise ValueError(f"both markets are in {quote_a}: leave out via")
        return
    if "fx_a" not in markets:
        raise ValueError(f"one market is in {quote_a}, the other in {quote_b}: give via")
    (base_a, rate_a), (base_b, rate_b) = (_split(markets[name]) for name in ("fx_a", "fx_b"))
    if base_a != base_b or (rate_a, rate_b) != (quote_a, quote_b):
        raise ValueError(f"via must be one currency in {quote_a} and the same in {quote_b}")


def parse_moments(at: object) -> pa.Array:
    """Return moments in µs, from an array of times or a list of moments."""
    if isinstance(at, list | tuple):
        return pa.array([parse_moment(moment) for moment in at], _INT64)
    found: Any = at
    array = found if isinstance(found, pa.ChunkedArray) else pa.array(found)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.null_count:
        raise ValueError("at has a null, which is no moment")
    if pa.types.is_timestamp(array.type):
        if array.type.tz is None:
            raise ValueError('at has no time zone: cast it to pa.timestamp("us", tz="UTC")')
        array = array.cast(pa.timestamp("us", tz="UTC"), safe=False)
    elif not pa.types.is_integer(array.type):
        raise ValueError(f"at is of {array.type}: give moments, or whole µs since 1970")
    return array.cast(_INT64)


def _read_top(
    market: Market, layout: Layout, span: Range, every: int | None
) -> Iterator[pa.RecordBatch]:
    if span[0] < span[1]:
        yield from top(stitch(market, *span), layout, *span, every=every)


def _make_layout(columns: Iterable[str]) -> Layout:
    """Return a layout that has these columns."""
    levels = [_LEVEL.fullmatch(name) for name in columns]
    depth = max((int(found[1]) + 1 for found in levels if found), default=1)
    others = [name for name, found in zip(columns, levels, strict=True) if found is None]
    return Layout(depth, tuple(name for name in others if name not in _OWN))


def _find_entries(reading: Reading, markets: Iterable[Market], span: Range) -> list[Any]:
    exchanges = sorted({market.exchange for market in markets})
    return reading.find_entries(exchanges, span, _TABLES)


def _split(market: Market) -> tuple[str, str]:
    base, _, quote = market.symbol.rpartition("-")
    return base, quote
